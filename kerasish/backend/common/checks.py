"""Checks of values: kernels that hand on their input, or raise."""

from typing import Any

from kerasish.backend.registry import kernel


def _is_below(x: Any, upper: int) -> Any:
    """Whether all numbers lie in [0, upper)."""
    if x.dtype.kind == "i" and upper <= 1 << 8 * x.dtype.itemsize - 1:  # one pass: below zero is large without a sign
        return x.view(f"u{x.dtype.itemsize}").max() < upper
    return x.min() >= 0 and x.max() < upper  # not so for NaN either


@kernel("check_range")
def check_range(xp: Any, x: Any, *, upper: int, ignore: int | None, message: str) -> Any:
    """Return whole numbers as they are if all lie in [0, upper), or are `ignore`.

    Raises:
        ValueError: one lies outside; the message, with `{value}` filled in.
    """
    if not x.size or _is_below(x, upper):
        return x
    wrong = ~((x >= 0) & (x < upper))
    if ignore is not None:
        wrong &= x != ignore
    if wrong.any():
        raise ValueError(message.format(value=x[wrong].ravel()[0]))
    return x
