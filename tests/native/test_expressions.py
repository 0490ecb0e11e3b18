"""Elementwise ops in machine code that NumPy defines at zeros, negative numbers and the ends of a range."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish import ops
from kerasish.backend import native
from kerasish.compiler.codegen.expressions import kind_of, writer
from kerasish.compiler.function import CompiledFunction
from kerasish.core.dispatch import to_tensor
from tests.compiled_modes import assert_compiled

FLOATS = [0.0, -0.0, 1.0, -1.0, 0.1, -0.3, 2.5, -7.0, 1e30, -1e-30, np.inf, -np.inf, np.nan]


def numbers(dtype):
    if np.dtype(dtype).kind == "f":
        return np.array(FLOATS, dtype)
    info = np.iinfo(dtype)
    found = [0, 1, 2, 3, 5, 7, 8, 100, info.max, info.max - 1, info.min, info.min + 1]
    return np.array(found + [-1, -2, -3, -7, -100] * (info.min < 0), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint8", "int16", "int32", "uint32", "int64"])
@pytest.mark.parametrize("name", ["floor_divide", "mod", "bitwise_and", "bitwise_or", "bitwise_xor"])
@np.errstate(all="ignore")
def test_every_pair(name, dtype):
    if name.startswith("bitwise") and dtype.startswith("float"):
        return
    pairs = [a.ravel() for a in np.broadcast_arrays(numbers(dtype), numbers(dtype)[:, None])]
    if dtype.startswith("float"):  # quotients of all sizes, and whole ones
        random = np.random.default_rng(0)
        a, b = random.standard_normal((2, 4000)) * 10.0 ** random.integers(-15, 16, (2, 4000))
        whole = random.integers(-99, 99, (2, 4000))
        pairs = [np.concatenate(v).astype(dtype) for v in zip(pairs, (a, b), whole, (whole[0] * b, b), strict=True)]
    x, y = (to_tensor(a) for a in pairs)
    op = getattr(ops, name)
    assert writer(name, [x, y], x) is not None and kind_of(x) is not None
    with native.using("always"):
        compiled = CompiledFunction(lambda x, y: op(x, y))
        for _ in range(3):
            got = compiled(x, y).numpy()
    assert_compiled(compiled)
    want = op(x, y).numpy()
    np.testing.assert_array_equal(got, want)
    if want.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(got[want == 0]), np.signbit(want[want == 0]))


@pytest.mark.parametrize("constant", [2.5, -3.0, 0.0, np.inf])
@pytest.mark.parametrize("name", ["floor_divide", "mod", "power", "logaddexp"])
@np.errstate(all="ignore")
def test_one_number_beside_many(name, constant):
    """A number that is the same everywhere, known while the kernel is written or read once a row."""
    x = to_tensor(np.array([FLOATS, np.arange(13) - 6.0, np.arange(13) * 1e4], "float32"))
    column = to_tensor(np.array([[constant], [1.5], [-2.0]], "float32"))
    op = getattr(ops, name)

    def run(x, column):
        return op(x, constant), op(constant, x), op(x, column), op(column, x), op(column[0], constant)

    with native.using("always"):
        compiled = CompiledFunction(run)
        for _ in range(3):
            found = compiled(x, column)
    assert_compiled(compiled)
    for got, want in zip(found, run(x, column), strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=3e-7)
