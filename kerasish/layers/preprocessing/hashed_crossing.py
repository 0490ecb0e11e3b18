"""Combinations of categories to bins by a hash."""

from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import Tensor
from kerasish.layers.base.arguments import is_int
from kerasish.layers.base.layer import Layer
from kerasish.layers.preprocessing.encoding import checked_mode, encode, encoded_shape, refuse_sparse
from kerasish.layers.preprocessing.fingerprint import crossed, fingerprint
from kerasish.layers.preprocessing.strings import flat_bytes
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class HashedCrossing(Layer):
    """One bin for each combination of the values of several inputs (Keras: `layers.HashedCrossing`).

    Inputs are two or more arrays of strings or integers, each (), (batch,) or (batch, 1). The bins are Keras's.

    Args:
        num_bins: how many bins there are.
        output_mode: "int" or "one_hot".
        sparse: must be false.
        name, dtype: as in `Layer`.
    """

    def __init__(self, num_bins: int, output_mode: str = "int", sparse: bool = False, name: str | None = None,
                 dtype: Any = None, **kwargs: Any):
        output_mode = checked_mode(output_mode, ("int", "one_hot"), "HashedCrossing")
        refuse_sparse(sparse, "HashedCrossing")
        if not is_int(num_bins, 1):
            raise ValueError(f"argument `num_bins` of HashedCrossing must be a positive integer, got {num_bins!r}")
        super().__init__(name=name, dtype="int64" if output_mode == "int" and dtype is None else dtype, **kwargs)
        self.num_bins, self.output_mode, self.sparse = int(num_bins), output_mode, False
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True

    def call(self, inputs: Any) -> Tensor:
        """Return the bins, or one-hot vectors of them."""
        self._check_shapes([np.shape(x) if not hasattr(x, "shape") else tuple(x.shape) for x in self._list(inputs)])
        arrays = [x.numpy() if isinstance(x, Tensor) else np.asarray(x) for x in inputs]
        columns = [self._fingerprints(a) for a in arrays]
        bins = [crossed(row) % self.num_bins for row in zip(*columns)]
        return encode(to_tensor(np.array(bins, "int64").reshape(arrays[0].shape)), self.output_mode, self.num_bins,
                      self.compute_dtype)

    def _fingerprints(self, array: np.ndarray) -> list[int]:
        if array.dtype.kind in "iu":
            return array.ravel().tolist()
        if array.dtype.kind == "f":
            raise ValueError(f"inputs of {self.path!r} should have an integer or string type, got {array.dtype}")
        return [fingerprint(v) for v in flat_bytes(array, "utf-8", self.path)[0]]

    def _list(self, inputs: Any) -> Any:
        if not isinstance(inputs, list | tuple) or len(inputs) < 2:
            raise ValueError(f"layer {self.path!r} should be called on a list with at least two inputs, got {inputs!r}")
        return inputs

    def _check_shapes(self, shapes: list[tuple]) -> None:
        first = shapes[0]
        if len(first) > 2 or (len(first) == 2 and first[1] != 1) or any(s != first for s in shapes):
            raise ValueError(f"layer {self.path!r}: all inputs should have shape (), (batch,) or (batch, 1), the same, "
                             f"got {shapes}")

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the bins or vectors."""
        shapes = [tuple(s) for s in self._list(input_shape)]
        self._check_shapes(shapes)
        return encoded_shape(shapes[0], self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        """Return the symbolic output for symbolic inputs."""
        return KerasTensor(self.compute_output_shape([x.shape for x in self._list(inputs)]), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"num_bins": self.num_bins, "output_mode": self.output_mode, "sparse": False, "name": self.name,
                "dtype": self.dtype}
