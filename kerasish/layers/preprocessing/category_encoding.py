"""Categories, given by number, as vectors."""

from typing import Any

from kerasish import ops
from kerasish.core.dispatch import eager_scope, to_tensor
from kerasish.core.dtypes import is_float
from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import Tensor
from kerasish.layers.base.arguments import is_int
from kerasish.layers.base.layer import Layer
from kerasish.layers.preprocessing.encoding import checked_mode, encode, encoded_shape, refuse_sparse
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class CategoryEncoding(Layer):
    """Write categories 0..num_tokens-1 as vectors (Keras: `layers.CategoryEncoding`).

    Args:
        num_tokens: how many categories there are: the length of the vectors.
        output_mode: "one_hot" (a vector a number), "multi_hot" (one a sample, with ones for the numbers that occur)
            or "count" (how often each occurs).
        sparse: must be false.
    """

    def __init__(self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False,
                 **kwargs: Any):
        super().__init__(**kwargs)
        if num_tokens is None:
            raise ValueError("CategoryEncoding needs `num_tokens`; use IntegerLookup where it is not known")
        if not is_int(num_tokens, 1):
            raise ValueError(f"CategoryEncoding: argument `num_tokens` must be >= 1, an integer, got {num_tokens!r}")
        refuse_sparse(sparse, "CategoryEncoding")
        self.num_tokens: int = int(num_tokens)  # type: ignore[arg-type]
        self.output_mode = checked_mode(output_mode, ("one_hot", "multi_hot", "count"), "CategoryEncoding")
        self.sparse = False
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True

    def call(self, inputs: Any, count_weights: Any = None) -> Tensor:
        """Return the vectors.

        Args:
            inputs: integers, (batch,) or (batch, numbers of a sample).
            count_weights: (mode "count") what each number counts, in the shape of the inputs.

        Raises:
            ValueError: a number is out of range; known only where values are, not in compiled programs.
        """
        x = to_tensor(inputs)
        x = ops.cast(x, "int32") if is_float(x.dtype) else x
        self._check_numbers(x)
        if count_weights is not None:
            if self.output_mode != "count":
                raise ValueError(f"layer {self.path!r}: `count_weights` is not used when `output_mode`="
                                 f"{self.output_mode!r}, but with 'count' alone")
            count_weights = ops.cast(count_weights, self.compute_dtype)
        return encode(x, self.output_mode, self.num_tokens, self.compute_dtype, count_weights)

    def _check_numbers(self, x: Tensor) -> None:
        if not x.is_concrete or x.size == 0:
            return
        with eager_scope():
            least, largest = int(ops.min(x)), int(ops.max(x))
        if least < 0 or largest >= self.num_tokens:
            raise ValueError(f"layer {self.path!r} got the number {least if least < 0 else largest}, but encodes 0 to "
                             f"{self.num_tokens - 1}: argument `num_tokens` must be larger than every number")

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the vectors."""
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def compute_output_spec(self, inputs: Any, count_weights: Any = None) -> KerasTensor:
        """Return the symbolic output for symbolic numbers."""
        return KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode}
