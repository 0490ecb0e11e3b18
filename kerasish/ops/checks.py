"""Checks of values that run in eager and in compiled programs alike."""

from typing import Any

from kerasish.core.op import Card
from kerasish.core.spec import like

_check_range = Card("check_range", ("x",), spec=like(), effect=True)


def check_range(x: Any, upper: int, message: str, ignore: int | None = None) -> Any:
    """Return a tensor of whole numbers as it is, once it is sure that all lie in [0, upper).

    Args:
        x: the numbers.
        upper: the first number that is too large.
        message: what is wrong with another one, which stands in it as `{value}`.
        ignore: a number that is let pass.

    Raises:
        ValueError: a number lies outside, and values are known.
    """
    return _check_range(x, upper=int(upper), ignore=None if ignore is None else int(ignore), message=message)
