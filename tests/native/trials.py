"""Running a lowering for a test: on one thread and on two, from memory filled with rubbish."""

from typing import Any

import numpy as np

from kerasish.backend.native.trial import Trial
from kerasish.backend.registry import lookup


def lowered(name: str, inputs: list[np.ndarray], outputs: list[np.ndarray], **params: Any) -> list[np.ndarray]:
    """Return the outputs of a lowering, which must be the same on two threads as on one.

    Args:
        name: of the op.
        inputs: the arrays.
        outputs: arrays of the results' shapes and dtypes.
        params: of the op.
    """
    runs = []
    for shared in (False, True):
        outs = [np.full(o.shape, 113, o.dtype) for o in outputs]
        trial = Trial(name, [np.asarray(a, order="C") for a in inputs], outs, **params)
        trial._batch.is_shared = shared
        runs.append(trial.run())
    for one, two in zip(*runs, strict=True):
        assert one.tobytes() == two.tobytes(), "results depend on the number of threads"
    return runs[0]


def reference(name: str, inputs: list[np.ndarray], **params: Any) -> list[np.ndarray]:
    """Return what the array kernel gives, as contiguous arrays."""
    out = lookup(name, "numpy", np)(*inputs, **params)
    return [np.asarray(o, order="C") for o in (out if isinstance(out, tuple) else (out,))]


def both(name: str, inputs: list[np.ndarray], **params: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return pairs of what the lowering and the array kernel give, in one shape and dtype."""
    want = reference(name, inputs, **params)
    got = lowered(name, inputs, want, **params)
    return list(zip(got, want, strict=True))


def assert_same(name: str, inputs: list[np.ndarray], **params: Any) -> None:
    """Hold a lowering to the array kernel's results bit for bit, the sign of zero and the bits of NaN aside."""
    for got, want in both(name, inputs, **params):
        np.testing.assert_array_equal(got, want, err_msg=f"{name} {[a.shape for a in inputs]} {params}")


def assert_close(name: str, inputs: list[np.ndarray], tolerance: float = 1e-6, **params: Any) -> None:
    """Hold a lowering to the array kernel's results, up to a part of the largest of them."""
    for got, want in both(name, inputs, **params):
        finite = np.abs(want[np.isfinite(want)])
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * finite.max(initial=0.0),
                                   err_msg=f"{name} {[a.shape for a in inputs]} {params}")
