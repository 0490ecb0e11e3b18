"""Tensors one behind the other."""

from typing import Any

from kerasish import ops
from kerasish.layers.merging.base_merge import Merge
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Concatenate(Merge):
    """Put tensors one behind the other along an axis (Keras: `layers.Concatenate`).

    Args:
        axis: along which they may differ in length; the batch counts.
    """

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def _check_list(self, shapes: Any) -> None:
        if not isinstance(shapes, list | tuple) or not shapes or not isinstance(shapes[0], list | tuple):
            super()._check_list(shapes)
        if self.axis % max(len(shapes[0]), 1) != 0:
            super()._check_list(shapes)

    def call(self, inputs: Any) -> Any:
        """Return the tensors as one."""
        self.compute_output_shape([x.shape for x in inputs] if isinstance(inputs, list | tuple) else inputs.shape)
        return ops.concatenate(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the first input, with the lengths along the axis added up.

        Raises:
            ValueError: the inputs differ along another axis, or lack the axis.
        """
        self._check_list(input_shape)
        rank = len(input_shape[0])
        if any(len(shape) != rank for shape in input_shape) or not -rank <= self.axis < rank:
            raise self._mismatch(input_shape)
        axis, out = self.axis % rank, []
        for i, lengths in enumerate(zip(*input_shape)):
            known = [n for n in lengths if n is not None]
            if i == axis:
                out.append(sum(known) if len(known) == len(lengths) else None)
            elif len(set(known)) > 1:
                raise self._mismatch(input_shape)
            else:
                out.append(known[0] if known else None)
        return tuple(out)

    def _mismatch(self, shapes: Any) -> ValueError:
        return ValueError(f"layer {self.path!r} needs inputs of one shape but along axis {self.axis}, "
                          f"got shapes {[tuple(s) for s in shapes]}")

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the masks one behind the other; an input without mask counts everywhere."""
        if mask is None or all(m is None for m in self._mask_list(inputs, mask)):
            return None
        joined = ops.concatenate([_full_mask(x, m) for x, m in zip(inputs, mask)], axis=self.axis)
        return ops.any(joined, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis}


def _full_mask(x: Any, mask: Any) -> Any:
    """The mask in the shape of its tensor."""
    if mask is None:
        return ops.ones_like(x, dtype="bool")
    if len(mask.shape) == len(x.shape):
        return mask
    return ops.logical_or(ops.expand_dims(mask, -1), ops.zeros_like(x, dtype="bool"))


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Call a `Concatenate` layer made with `axis` and `kwargs` on a list of tensors."""
    return Concatenate(axis=axis, **kwargs)(inputs)
