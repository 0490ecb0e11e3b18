"""Largest of tensors."""

from typing import Any

from kerasish import ops
from kerasish.layers.merging.base_merge import Merge, merge_where_counted
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Maximum(Merge):
    """Take the largest of tensors, element by element; masked steps do not compete (Keras: `layers.Maximum`)."""

    def merge(self, inputs: list[Any]) -> Any:
        """Return the largest."""
        return merge_where_counted(ops.maximum, inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """Call a `Maximum` layer made with `kwargs` on a list of tensors."""
    return Maximum(**kwargs)(inputs)
