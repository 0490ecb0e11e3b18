"""Every row of the op table, and its gradients: a lowering that serves a call gives what the array kernel gives."""

import importlib
import pkgutil

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend import device
from kerasish.backend.native import kernels
from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.trial import Trial
from tests.ops import harness

CASES = harness.collect()
# Ops whose lowerings this holds to the array kernels; the others have tests of their own.
MOVES = {
    "broadcast_to", "concatenate", "copy", "flip", "full", "get_item", "pad", "repeat", "roll", "scatter_item", "split",
    "take", "take_along_axis", "tile", "transpose", "argmax", "argmin", "max", "min", "max_pool", "max_pool_grad",
    "random_bernoulli", "random_randint", "random_uniform", "put_item", "diagonal", "put_diagonal",
}
SUMS = {"add_along_axis", "avg_pool", "avg_pool_grad", "cumsum", "mean", "moments", "sum", "var"}
assert all(kernels.lowering_of(name) for name in MOVES | SUMS)


def test_lowerings_are_where_the_table_of_files_says():
    for file in pkgutil.iter_modules(kernels.__path__):
        importlib.import_module(f"{kernels.__name__}.{file.name}")
    entered: dict[str, set] = {}
    for name, function in LOWERINGS.items():
        package, _, file = function.__module__.rpartition(".")
        if package == kernels.__name__:
            entered.setdefault(file, set()).add(name)
    assert entered == {file: set(names) for file, names in kernels.FILES.items()}
    assert kernels.lowering_of("no such op") is None


def check(name, arrays, params, results):
    """Hold the lowering of one call, if it has one, to the array kernel's results."""
    inputs, want = ([np.array(a, order="C") for a in group] for group in (arrays, results))
    got = [np.full(w.shape, 77, w.dtype) for w in want]
    try:
        trial = Trial(name, inputs, got, **params)
    except NotImplementedError:
        return
    for g, w in zip(trial.run(), want, strict=True):
        says = f"{name} {[(a.shape, a.dtype.name) for a in inputs]} {params}"
        if name in MOVES or w.dtype.kind not in "fc":
            np.testing.assert_array_equal(g, w, err_msg=says)
        else:
            size = max(np.abs(a[np.isfinite(a)]).max(initial=0) for a in (w, *inputs))  # sums may cancel
            np.testing.assert_allclose(g, w, rtol=2e-5, atol=2e-5 * size, err_msg=says)


@pytest.mark.parametrize("family", sorted({name.partition("/")[0] for name in CASES}))
def test_calls(family, monkeypatch):
    plain = device.Device.kernel

    def kernel(self, name):
        function = plain(self, name)
        if name not in MOVES | SUMS:
            return function

        def run(*arrays, **params):
            out = function(*arrays, **params)
            check(name, arrays, params, out if isinstance(out, tuple) else (out,))
            return out

        return run

    monkeypatch.setattr(device.Device, "kernel", kernel)
    for name, case in CASES.items():
        if name.partition("/")[0] != family:
            continue
        for dtype in sorted({"float32", "float64"} & set(harness.dtypes_of(case))):
            harness.run(case, harness.as_dtype(case.arguments(), dtype), harness.RUNNERS["eager"])
        if "float32" in case.dtypes and case.symbolic:
            scalar = harness.Scalar(case, "float32", harness.RUNNERS["eager"])
            if scalar.positions:
                scalar.gradients(scalar.chosen)
