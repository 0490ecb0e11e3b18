"""NaN, infinities, signed zeros and large numbers: compiled, an op makes of them what it makes of them eagerly.

Every row of the op table that reaches an op which machine code knows, with its gradient. Left out are the signs of zero
where numbers are added up, and causal attention: how much of what is not seen its kernels multiply by zero, or pass
over, depends on how they cut their work.
"""

import warnings

import numpy as np
import pytest

from kerasish.backend import native
from kerasish.compiler.function import CompiledFunction
from kerasish.compiler.passes.simplify import ELEMENTWISE
from kerasish.core.dispatch import to_tensor
from kerasish.core.tensor import Tensor
from kerasish.utils import tree
from tests.compiled_modes import compiled_mode  # noqa: F401  (a fixture)
from tests.ops import harness

if native.is_installed():
    from kerasish.backend.native import kernels  # noqa: F401  they enter lowerings
    from kerasish.backend.native.jobs import LOWERINGS
    from kerasish.compiler.codegen.expressions import EVERYWHERE, REAL, SCALAR, SINGLE
    KNOWN = {*EVERYWHERE, *REAL, *SINGLE, *SCALAR, *LOWERINGS, "cast"}
else:
    KNOWN = set(ELEMENTWISE)

# Of large numbers the square is finite: whether a product that is not meets an infinity depends on how it is rounded.
SPECIAL = (np.nan, np.inf, -np.inf, -0.0, 0.0, 1e15, -1e15, 95.0, -110.0)
# Ops with a library's or an iterative algorithm beneath: to them, what is not finite is a mistake.
ALGORITHMS = ("linalg/", "fft/")


def _is_served(case):
    return case.symbolic and "float32" in harness.dtypes_of(case) and harness.cards_reached(case) & KNOWN and any(
        map(harness.is_float, harness.arrays_of(case.arguments())))


ROWS = {name: case for name, case in harness.collect().items()
        if not name.startswith(ALGORITHMS) and not case.kwargs.get("is_causal") and _is_served(case)}


def with_gradients(case):
    """A function of a row's arrays that returns the results' leaves and the gradients, and the arrays."""
    arguments = harness.as_dtype(case.arguments(), "float32")
    scalar = harness.Scalar(case, "float32", harness.RUNNERS["eager"])

    def run(*tensors):
        args, kwargs = harness.with_arrays(arguments, list(tensors))
        out = [x for x in tree.flatten(harness.find(case.op)(*args, **kwargs)) if isinstance(x, Tensor)]
        if scalar.positions:
            scalar.arrays = list(tensors)
            found = harness.gradients(scalar, [tensors[i] for i in scalar.positions])
            out += [g for g in found if g is not None]
        return out

    return run, harness.arrays_of(arguments)


def poisoned(arrays, special):
    """The arrays with one special number in one of them, and with many in all."""
    random = np.random.default_rng(0)
    floats = [n for n, x in enumerate(arrays) if harness.is_float(x) and x.size]
    for n in floats:
        for number in special:
            out = [x.copy() for x in arrays]
            out[n].flat[random.integers(out[n].size)] = number
            yield out
    out = [x.copy() for x in arrays]
    for n in floats:
        out[n] = np.where(random.random(out[n].shape) < 0.3, random.choice(special, out[n].shape), out[n]).astype("f4")
    yield out


def assert_alike(got, want, signs):
    """The same NaNs and infinities, and finite numbers within a tolerance of the largest."""
    for g, w in zip(got, want, strict=True):
        if w.dtype.kind not in "fc":
            np.testing.assert_array_equal(g, w)
            continue
        assert g.dtype == w.dtype
        finite = np.isfinite(w)
        np.testing.assert_array_equal(np.where(finite, 0, g), np.where(finite, 0, w))
        size = np.abs(w[finite]).max(initial=0)
        np.testing.assert_allclose(g[finite], w[finite], rtol=2e-5, atol=2e-5 * size)
        if signs and w.dtype.kind == "f":
            zero = w == 0
            np.testing.assert_array_equal(np.signbit(g[zero]), np.signbit(w[zero]))


@pytest.mark.parametrize("name", ROWS)
@np.errstate(all="ignore")
def test_row(name, compiled_mode):  # noqa: F811
    case = ROWS[name]
    run, arrays = with_gradients(case)
    compiled = CompiledFunction(run)
    plain = [to_tensor(x) for x in arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows that cannot be compiled
        compiled(*plain)
        compiled(*plain)
    if compiled._gave_up:
        return
    # Large scores of an attention leave no digits to their differences, and make others subnormal, which is zero.
    special = [x for x in SPECIAL if not ("attention" in name and 1 < abs(x) < np.inf)]
    for numbers in poisoned(arrays, special):
        tensors = [to_tensor(x) for x in numbers]
        try:
            want = [np.array(x) for x in run(*tensors)]
        except IndexError:  # a position is made of NaN
            continue
        got = [np.array(x) for x in compiled(*tensors)]
        forward = len(want) - len(harness.Scalar(case, "float32", None).positions)
        assert_alike(got[:forward], want[:forward], case.elementwise)
        assert_alike(got[forward:], want[forward:], False)
