"""Values to bins by a hash."""

from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import Tensor
from kerasish.layers.base.arguments import is_int
from kerasish.layers.base.layer import Layer
from kerasish.layers.preprocessing.encoding import MODES, checked_mode, encode, encoded_shape, refuse_sparse
from kerasish.layers.preprocessing.fingerprint import bucket_of, checked_salt
from kerasish.layers.preprocessing.strings import flat_bytes
from kerasish.utils import config
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Hashing(Layer):
    """Bin of each string or integer: `hash(x) mod num_bins` (Keras: `layers.Hashing`).

    Numbers are hashed as their decimal digits, floating-point ones without their fraction. The bins are Keras's.

    Args:
        num_bins: how many bins there are.
        mask_value: a value for which bin 0 is kept.
        salt: None for FarmHash's Fingerprint64; an integer or two for SipHash-2-4 under that key.
        output_mode: "int", or "one_hot", "multi_hot", "count": vectors.
        sparse: must be false.
    """

    def __init__(self, num_bins: int, mask_value: Any = None, salt: Any = None, output_mode: str = "int",
                 sparse: bool = False, **kwargs: Any):
        output_mode = checked_mode(output_mode, MODES, "Hashing")
        refuse_sparse(sparse, "Hashing")
        if not is_int(num_bins, 1):
            raise ValueError(f"argument `num_bins` of Hashing must be a positive integer, it cannot be `None`: got "
                             f"{num_bins!r}")
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else config.floatx()
        super().__init__(**kwargs)
        if output_mode == "int" and self.compute_dtype not in ("int32", "int64"):
            raise ValueError(f"argument `dtype` of Hashing must be 'int32' or 'int64' for output_mode='int', got "
                             f"{self.compute_dtype!r}")
        self.num_bins, self.mask_value, self.salt = int(num_bins), mask_value, checked_salt(salt)
        self.output_mode, self.sparse = output_mode, False
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True

    def call(self, inputs: Any) -> Tensor:
        """Return the bins, or vectors made of them."""
        values = inputs.numpy() if isinstance(inputs, Tensor) else np.asarray(inputs)
        bins = to_tensor(self._bins(values))
        return encode(bins, self.output_mode, self.num_bins, self.compute_dtype)

    def _bins(self, values: np.ndarray) -> np.ndarray:
        masked = self.mask_value is not None and self.num_bins > 1
        keys, buckets = self._keys(values), self.num_bins - masked
        bins = {key: bucket_of(key, buckets, self.salt) + masked for key in set(keys)}
        if masked:
            bins[self._keys(np.asarray(self.mask_value))[0]] = 0
        return np.fromiter(map(bins.__getitem__, keys), "int64", len(keys)).reshape(values.shape)

    def _keys(self, values: np.ndarray) -> list[bytes]:
        if values.dtype.kind == "f":
            values = values.astype("int64")
        if values.dtype.kind in "iu":
            return [b"%d" % v for v in values.ravel().tolist()]
        return flat_bytes(values, "utf-8", self.path)[0]

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the bins or vectors."""
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        """Return the symbolic output for a symbolic input."""
        return KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "num_bins": self.num_bins,
                "salt": None if self.salt is None else list(self.salt), "mask_value": self.mask_value,
                "output_mode": self.output_mode, "sparse": False}
