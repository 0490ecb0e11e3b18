"""Random matrices with orthonormal columns or rows."""

import math
from contextlib import nullcontext
from typing import Any

from kerasish import ops
from kerasish.compiler.runner import threads_of_products
from kerasish.core.dtypes import standardize_dtype
from kerasish.core.tensor import Tensor
from kerasish.initializers.random import RandomInitializer
from kerasish.ops import random
from kerasish.utils.registry import builtin

_LARGE = 1 << 20  # numbers from which on several threads factorise them sooner


@builtin("keras.initializers")
class Orthogonal(RandomInitializer):
    """`gain` times a random matrix with orthonormal columns, or rows where there are fewer of them.

    All axes but the last count as rows. It is the Q of a QR factorisation of normal numbers, its columns given
    the signs of R's diagonal so that every such matrix is equally probable (Saxe et al., 2014; Mezzadri, 2007).

    Raises:
        ValueError: the shape has less than two axes.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        if len(shape) < 2:
            raise ValueError(f"an orthogonal matrix has at least two axes, got shape {tuple(shape)}")
        dtype = standardize_dtype(dtype)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        work = "float64" if dtype == "float64" else "float32"
        normal = random.normal((max(rows, columns), min(rows, columns)), dtype=work, seed=self.seed)
        with threads_of_products() if rows * columns < _LARGE else nullcontext():
            q, r = ops.qr(normal)
        q = q * ops.sign(ops.diag(r))
        q = ops.transpose(q) if rows < columns else q
        return ops.cast(self.gain * ops.reshape(q, tuple(shape)), dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}
