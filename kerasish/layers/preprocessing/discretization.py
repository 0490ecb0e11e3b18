"""Numbers to bins."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import Tensor
from kerasish.layers.base.layer import Layer
from kerasish.layers.preprocessing.adapting import batches_of, is_whole
from kerasish.layers.preprocessing.encoding import MODES, checked_mode, encode, encoded_shape, refuse_sparse
from kerasish.layers.preprocessing.quantiles import compressed, merged, summary_of
from kerasish.utils import config
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Discretization(Layer):
    """Number of the bin in which each value lies: i for `b[i-1] <= x < b[i]` (Keras: `layers.Discretization`).

    Args:
        bin_boundaries: b, ascending; the first bin has no lower, the last no upper end.
        num_bins: instead of them, how many bins `adapt` is to find, of about equal share in the data.
        epsilon: error of these shares: the smaller, the more is remembered of the data.
        output_mode: "int" (int32 numbers), or "one_hot", "multi_hot", "count": vectors.
        sparse: must be false.
        dtype, name: as in `Layer`.
    """

    summary: np.ndarray

    def __init__(self, bin_boundaries: Any = None, num_bins: int | None = None, epsilon: float = 0.01,
                 output_mode: str = "int", sparse: bool = False, dtype: Any = None, name: str | None = None):
        super().__init__(name=name, dtype=dtype)
        refuse_sparse(sparse, "Discretization")
        if (num_bins is None) == (bin_boundaries is None):
            wrong = "needs either `num_bins` or `bin_boundaries`" if num_bins is None else (
                "cannot take both: Both `num_bins` and `bin_boundaries` came")
            raise ValueError(f"Discretization {wrong}, got {num_bins!r} and {bin_boundaries!r}")
        if num_bins is not None and num_bins < 0:
            raise ValueError(f"argument `num_bins` of Discretization must be at least 0, got {num_bins!r}")
        self._allow_non_tensor_positional_args = True  # numbers and lists of them
        self.output_mode = checked_mode(output_mode, MODES, "Discretization")
        self.num_bins, self.epsilon, self.sparse = num_bins, epsilon, False
        self.bin_boundaries = None if bin_boundaries is None else [float(b) for b in bin_boundaries]
        self.reset_state()

    input_dtype = property(lambda self: config.floatx(), doc="Dtype to which its inputs are cast.")
    output_dtype = property(lambda self: "int32" if self.output_mode == "int" else self.compute_dtype,
                            doc="Dtype of its outputs.")

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find the boundaries of bins from quantiles of data.

        Args:
            data: an array, or a data set or other iterable of batches.
            steps: how many batches to take; all by default.
        """
        if self.num_bins is None:
            raise ValueError(f"layer {self.path!r} was given its `bin_boundaries`, so it cannot adapt to data: make "
                             "it with `num_bins` instead")
        self.reset_state()
        for batch in [data] if is_whole(data, lists=False) else batches_of(data, self.path, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Take note of a batch."""
        values = np.asarray(data).astype("float32")
        self.summary = merged(summary_of(values, self.epsilon), self.summary, self.epsilon)

    def finalize_state(self) -> None:
        """Make the boundaries from what was noted."""
        if self.num_bins is not None:
            self.bin_boundaries = compressed(self.summary, 1.0 / self.num_bins)[0, :-1].tolist()

    def reset_state(self) -> None:
        """Forget what was noted."""
        self.summary = np.zeros((2, 0), "float32")

    def call(self, inputs: Any) -> Tensor:
        """Return the numbers or vectors."""
        if self.bin_boundaries is None:
            raise ValueError(f"layer {self.path!r} has no bins yet: You need to give `bin_boundaries`, or to call "
                             "`adapt` on data")
        inputs = ops.convert_to_tensor(inputs, self.input_dtype)
        bins = ops.digitize(inputs, np.array(self.bin_boundaries, "float32"))
        return encode(bins, self.output_mode, self._depth, self.output_dtype)

    @property
    def _depth(self) -> Any:
        return self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the numbers or vectors."""
        return encoded_shape(input_shape, self.output_mode, self._depth)

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        """Return the symbolic output for a symbolic input."""
        return KerasTensor(self.compute_output_shape(inputs.shape), self.output_dtype)

    def load_own_variables(self, store: Any) -> None:
        """Read what older files hold: the summary of the data."""
        if len(store) == 1:
            self.summary = np.asarray(store["0"])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, and the boundaries that were found."""
        boundaries = None if self.bin_boundaries is None else list(self.bin_boundaries)
        return {"bin_boundaries": boundaries, "num_bins": self.num_bins, "epsilon": self.epsilon,
                "output_mode": self.output_mode, "sparse": False, "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Make a layer from what `get_config` gave, also after `adapt`."""
        config = dict(config)
        found = config.pop("bin_boundaries") if config.get("num_bins") is not None else None
        layer = super().from_config(config)
        if found is not None:
            layer.bin_boundaries = found
        return layer
