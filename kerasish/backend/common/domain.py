"""What a kernel may be given."""

from typing import Any


def only_real(x: Any) -> None:
    """Raise TypeError for complex numbers, which have no order and no error function here."""
    if x.dtype.kind == "c":
        raise TypeError(f"real numbers are needed, got {x.dtype.name}")
