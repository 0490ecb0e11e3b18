"""Product of tensors."""

import functools
from typing import Any

from kerasish import ops
from kerasish.layers.merging.base_merge import Merge, mask_of
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Multiply(Merge):
    """Multiply tensors, element by element (Keras: `layers.Multiply`).

    A masked step is no factor; where all inputs have masks, a step masked in all of them gives 0.
    """

    def merge(self, inputs: list[Any]) -> Any:
        """Return the product."""
        masks = [mask_of(x) for x in inputs]
        factors = [x if m is None else ops.where(m, x, 1) for x, m in zip(inputs, masks)]
        out = functools.reduce(ops.multiply, factors)
        if any(m is None for m in masks):
            return out
        return ops.where(functools.reduce(ops.logical_or, masks), out, 0)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """Call a `Multiply` layer made with `kwargs` on a list of tensors."""
    return Multiply(**kwargs)(inputs)
