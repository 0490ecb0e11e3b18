"""Sum of tensors."""

import functools
from typing import Any

from kerasish import ops
from kerasish.layers.merging.base_merge import Merge
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Add(Merge):
    """Add tensors, element by element (Keras: `layers.Add`)."""

    def merge(self, inputs: list[Any]) -> Any:
        """Return the sum."""
        return functools.reduce(ops.add, inputs)


def add(inputs: Any, **kwargs: Any) -> Any:
    """Call an `Add` layer made with `kwargs` on a list of tensors."""
    return Add(**kwargs)(inputs)
