"""A penalty on weights that point the same way."""

from typing import Any

from kerasish import ops
from kerasish.regularizers.base import Regularizer, checked_factor
from kerasish.utils.registry import builtin


@builtin("keras.regularizers")
class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean of `|cos(angle)|` over all pairs of rows, or of columns.

    Args:
        factor: non-negative.
        mode: "rows" or "columns".
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        self.factor = checked_factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ValueError(f"argument `mode` must be 'rows' or 'columns', got {mode!r}")
        self.mode = mode

    def __call__(self, inputs: Any) -> Any:
        if len(inputs.shape) != 2:
            raise ValueError(f"OrthogonalRegularizer takes a matrix, got shape {tuple(inputs.shape)}")
        rows = ops.convert_to_tensor(inputs) if self.mode == "rows" else ops.transpose(inputs)
        n = rows.shape[0]
        rows = ops.normalize(rows, axis=1)
        cosines = ops.matmul(rows, ops.transpose(rows)) * (1.0 - ops.eye(n, dtype=rows.dtype))
        return self.factor * 0.5 * ops.sum(ops.absolute(cosines)) / (n * (n - 1.0) / 2.0)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}
