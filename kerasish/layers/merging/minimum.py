"""Smallest of tensors."""

from typing import Any

from kerasish import ops
from kerasish.layers.merging.base_merge import Merge, merge_where_counted
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Minimum(Merge):
    """Take the smallest of tensors, element by element; masked steps do not compete (Keras: `layers.Minimum`)."""

    def merge(self, inputs: list[Any]) -> Any:
        """Return the smallest."""
        return merge_where_counted(ops.minimum, inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """Call a `Minimum` layer made with `kwargs` on a list of tensors."""
    return Minimum(**kwargs)(inputs)
