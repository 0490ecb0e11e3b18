"""LSTM and GRU: the lowerings give what the array kernels give, with every choice of gradients and masks."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.kernels import recurrent
from kerasish.backend.native.trial import Trial
from kerasish.compiler.codegen.schedule import _OVER
from tests.native.trials import assert_close, lowered, reference

# batch, steps, units: fewer and more than a tile of rows, a vector of units, a part
SIZES = [(1, 3, 5), (3, 1, 16), (9, 4, 7), (17, 3, 33), (5, 2, 64)]
RESULTS = {"lstm": ("hs", "cs", "gates", "h", "c"), "gru": ("hs", "gates", "inner", "h")}


def draw(kind, batch, steps, units, masked):
    rng = np.random.default_rng(batch + units)
    gates = 4 if kind == "lstm" else 3
    shapes = [(batch, steps, gates * units), *[(batch, units)] * (gates - 2), (units, gates * units),
              (4 * units,) if kind == "lstm" else (2, 3 * units)]
    arrays = [rng.standard_normal(s).astype("float32") for s in shapes]
    arrays[-2] /= np.float32(np.sqrt(units))
    return [*arrays, rng.random((batch, steps)) < 0.6] if masked else arrays


def backward(kind, inputs, given, masked):
    """Inputs of the gradient's op."""
    results = reference(kind, inputs)
    rng = np.random.default_rng(1)
    gradients = [rng.standard_normal(r.shape).astype("float32")
                 for name, r in zip(RESULTS[kind], results, strict=True) if name in given]
    states = 2 if kind == "lstm" else 1
    return [*inputs[1 : 2 + states], *results[:3], *gradients, *([inputs[-1]] if masked else [])]


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("masked", [False, True])
def test_forwards(lanes, kind, masked):
    for size in SIZES:
        assert_close(kind, draw(kind, *size, masked), tolerance=3e-6)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("some", [False, True], ids=["all", "last"])
def test_back(lanes, kind, masked, some):
    given = ("h",) if some else RESULTS[kind]
    for size in SIZES:
        inputs = backward(kind, draw(kind, *size, masked), given, masked)
        assert_close(f"{kind}_grad", inputs, tolerance=1e-5, given=given, masked=masked)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_large_weights_in_larger_parts(monkeypatch, kind):
    monkeypatch.setattr(recurrent, "_NEAR", 0)
    inputs = draw(kind, 70, 2, 5, False)
    assert_close(kind, inputs, tolerance=3e-6)
    assert_close(f"{kind}_grad", backward(kind, inputs, ("hs",), False), tolerance=1e-5, given=("hs",), masked=False)


def test_nan_reaches_what_depends_on_it(lanes):
    inputs = draw("lstm", 3, 4, 5, False)
    inputs[0][1, 2, 0] = np.nan
    assert_close("lstm", inputs, tolerance=3e-6)


def test_what_is_left_to_numpy():
    for dtype in ("float64", "float16"):
        inputs = [a.astype(dtype) for a in draw("gru", 2, 3, 4, False)]
        assert LOWERINGS["gru"](inputs, reference("gru", inputs), {}) is None


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("masked", [False, True])
def test_gates_may_be_written_over_what_they_are_made_of_and_their_gradients_over_them(kind, masked):
    for size in SIZES:
        inputs = draw(kind, *size, masked)
        _run_over(kind, inputs, {})
        _run_over(f"{kind}_grad", backward(kind, inputs, RESULTS[kind], masked), dict(
            given=RESULTS[kind], masked=masked))


def _run_over(name, inputs, params):
    want = lowered(name, inputs, reference(name, inputs, **params), **params)
    read, written = _OVER[name]
    for is_shared in (False, True):
        arrays, outs = [a.copy() for a in inputs], [np.empty_like(a) for a in want]
        outs[written] = arrays[read]
        trial = Trial(name, arrays, outs, **params)
        trial._batch.is_shared = is_shared
        for got, right in zip(trial.run(), want, strict=True):
            np.testing.assert_array_equal(got, right)
