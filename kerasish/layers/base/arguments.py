"""Checks of constructor arguments that many layers share."""

from numbers import Real
from typing import Any


def int_tuple(value: Any, n: int, name: str, least: int = 1) -> tuple[int, ...]:
    """Return n integers; a single one stands for all.

    Args:
        value: an integer, or n of them.
        n: how many there must be.
        name: of the argument, for the message.
        least: the smallest value allowed.

    Raises:
        ValueError: there are too many or too few, or one is no integer or too small.
    """
    values = (value,) * n if isinstance(value, int) else value
    if not isinstance(values, list | tuple) or len(values) != n or not all(is_int(v, least) for v in values):
        raise ValueError(f"argument `{name}` must be an integer of at least {least}, or a tuple of {n} of them, "
                         f"got {value!r}")
    return tuple(int(v) for v in values)


def is_int(value: Any, least: int) -> bool:
    """Tell whether a value is an integer (no bool) of at least `least`."""
    return hasattr(value, "__index__") and not isinstance(value, bool) and value >= least


def positive_int(value: Any, name: str, wrong_type: type[Exception] = TypeError) -> int:
    """Return a positive integer.

    Args:
        value: what was given.
        name: of the argument, for the message.
        wrong_type: what to raise where it is no integer.

    Raises:
        TypeError: it is no integer.
        ValueError: it is less than 1.
    """
    if not hasattr(value, "__index__") or isinstance(value, bool):
        raise wrong_type(f"Expected an integer value for `{name}` (argument `{name}` should be a positive integer), "
                         f"got {value!r} ({type(value).__name__})")
    if value < 1:
        raise ValueError(f"argument `{name}` should be a positive integer, got {value!r}")
    return int(value)


def int_pairs(value: Any, n: int, name: str) -> tuple[tuple[int, ...], ...]:
    """Return n pairs of non-negative integers: an integer for all, or one integer or pair an axis.

    Raises:
        ValueError: it is none of these.
    """
    entries = (value,) * n if isinstance(value, int) else value
    if not isinstance(entries, list | tuple) or len(entries) != n:
        raise ValueError(f"argument `{name}` must be an integer, or a tuple of {n} integers or pairs of integers, "
                         f"got {value!r}")
    return tuple(int_tuple(entry, 2, name, least=0) for entry in entries)


def fraction(value: Any, name: str) -> Any:
    """Return a number from 0 to 1.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise ValueError(f"argument `{name}` must be a number from 0 to 1, got {value!r}")
    return value


def non_negative(value: Any, name: str) -> Any:
    """Return a number that is at least 0.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not float(value) >= 0:
        raise ValueError(f"argument `{name}` must be a number of at least 0, got {value!r}")
    return value


def refuse_quantization(quantization_config: Any) -> None:
    """Refuse what says how a layer's weights should be quantized.

    Raises:
        NotImplementedError: it is given.
    """
    if quantization_config is not None:
        raise NotImplementedError("quantized layers are not supported: leave out `quantization_config`")
