"""Running means of what the steps bring."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable


def follow(slot: Variable, x: Any, part: Any) -> Any:
    """Move a running mean towards `x` by a part of the way, `m += (x - m) part`; return what it is then."""
    return slot.assign_add(ops.multiply(ops.subtract(x, slot.value), part))


def fade(slot: Variable, x: Any, rho: float) -> Any:
    """Let a running mean keep a part of itself, `m = rho m + (1 - rho) x`; return what it is then."""
    return slot.assign(ops.add(ops.multiply(slot.value, rho), ops.multiply(x, 1 - rho)))
