"""Difference of two tensors."""

from typing import Any

from kerasish import ops
from kerasish.layers.merging.base_merge import Merge
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Subtract(Merge):
    """Subtract the second of two tensors from the first (Keras: `layers.Subtract`)."""

    def _check_list(self, shapes: Any) -> None:
        super()._check_list(shapes)
        if len(shapes) != 2:
            raise ValueError(f"layer {self.path!r} subtracts the second of two inputs from the first, got "
                             f"{len(shapes)}")

    def merge(self, inputs: list[Any]) -> Any:
        """Return the difference."""
        return ops.subtract(*inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """Call a `Subtract` layer made with `kwargs` on a list of two tensors."""
    return Subtract(**kwargs)(inputs)
