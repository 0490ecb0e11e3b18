"""Running means of what the steps bring."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.ops.elementwise import over


def follow(slot: Variable, x: Any, part: Any) -> Any:
    """Move a running mean towards `x` by a part of the way, `m += (x - m) part`; return what it is then."""
    step = over("multiply", ops.subtract(x, slot.value), part)
    return slot.assign(over("add", slot.value, step, own=1))


def fade(slot: Variable, x: Any, rho: float) -> Any:
    """Let a running mean keep a part of itself, `m = rho m + (1 - rho) x`; return what it is then."""
    return slot.assign(over("add", ops.multiply(slot.value, rho), ops.multiply(x, 1 - rho)))
