"""Running the plan of one op on arrays, for tests and measurements of kernels."""

from typing import Any

import numpy as np

from kerasish.backend.native import blas, pool
from kerasish.backend.native.batches import records_of
from kerasish.backend.native.kernels import lowering_of


class Trial:
    """An op on given arrays, lowered; `run()` fills `outputs`.

    Raises:
        NotImplementedError: no lowering serves this case.
    """

    def __init__(self, name: str, inputs: list[np.ndarray], outputs: list[np.ndarray], **params: Any):
        lower = lowering_of(name)
        plan = None if lower is None else lower(inputs, outputs, params)
        if plan is None:
            raise NotImplementedError(f"{name} on {[(a.shape, a.dtype) for a in inputs]} with {params}")
        self.inputs, self.outputs, self.plan = inputs, outputs, plan
        scratch = [_aligned(n) for n in plan.scratch]
        arrays = {**{f"i{n}": a for n, a in enumerate(inputs)}, **{f"o{n}": a for n, a in enumerate(outputs)},
                  **{f"s{n}": a for n, a in enumerate(scratch)}}
        slots = np.array([a.ctypes.data for a in arrays.values()], np.int64)
        numbers = {name: n for n, name in enumerate(arrays)}
        records, tables = records_of(list(plan.jobs), [numbers] * len(plan.jobs))
        self._batch = pool.Batch(records, slots, (tables, arrays), 1e9)

    def run(self) -> list[np.ndarray]:
        """Run the jobs, on all threads."""
        with blas.OneThread():
            self._batch.run()
        return self.outputs


def _aligned(nbytes: int) -> np.ndarray:
    """Return memory that begins with a cache line, as scratch memory of programs does."""
    raw = np.empty(nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + nbytes]
