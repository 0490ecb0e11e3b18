"""A product begins at the bias that is added to it, unless something else is done with either of them."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish import ops
from kerasish.compiler.codegen.draw import machine_code
from kerasish.compiler.codegen.drawing import prepare
from kerasish.compiler.passes import optimize
from kerasish.compiler.trace import trace
from kerasish.compiler.verify import verify
from tests.native.trials import lowered


def inputs_of_products(function, x_shape, dtype="float32"):
    """Hold the compiled function to the eager one; return the number of inputs of each product."""
    rng = np.random.default_rng(0)
    shapes = x_shape, (x_shape[-1], 24), (24,)
    arguments = [ops.convert_to_tensor(rng.standard_normal(s).astype(dtype)) for s in shapes]
    program = optimize(trace(function, tuple(arguments), {})[0])
    ready = prepare(program)
    verify(ready)
    want = function(*arguments)
    for got, w in zip(machine_code(program)([a.data for a in arguments]), want, strict=True):
        np.testing.assert_allclose(got, w, rtol=1e-4 if dtype == "float32" else 1e-12, atol=1e-5)
    return [len(i.inputs) for i in ready.instructions if i.card.name in ("matmul", "contract")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("x_shape", [(7, 5), (1, 5), (3, 4, 5)])
def test_a_lone_bias_is_taken(x_shape, dtype):
    assert inputs_of_products(lambda x, w, b: [ops.matmul(x, w) + b], x_shape, dtype) == [3]
    assert inputs_of_products(lambda x, w, b: [b + ops.matmul(x, w)], x_shape, dtype) == [3]


def test_a_bias_of_several_axes_is_taken_where_they_are_the_columns():
    def heads(x, w, b):
        return [ops.einsum("abc,cde->abde", x, ops.reshape(w, (5, 4, 6))) + ops.reshape(b, (4, 6))]

    assert inputs_of_products(heads, (3, 7, 5)) == [3]

    def part_of_the_columns(x, w, b):
        return [ops.einsum("abc,cde->abde", x, ops.reshape(w, (5, 4, 6))) + b[:6]]

    assert inputs_of_products(part_of_the_columns, (3, 7, 5)) == [2]


def test_what_stays_two_instructions():
    assert inputs_of_products(lambda x, w, b: [ops.relu(ops.matmul(x, w) + b)], (7, 5)) == [2]

    def product_is_returned(x, w, b):
        y = ops.matmul(x, w)
        return [y, y + b]

    assert inputs_of_products(product_is_returned, (7, 5)) == [2]
    assert inputs_of_products(lambda x, w, b: [ops.matmul(x, w) + ops.matmul(x, w)[:, :1]], (7, 5)) == [2]

    def batch_of_products(x, w, b):
        return [ops.matmul(x, ops.transpose(x, (0, 2, 1))) + b[:4]]

    assert inputs_of_products(batch_of_products, (3, 4, 5)) == [2]


@pytest.mark.parametrize("m, n, k", [(200, 40, 300), (40, 200, 300), (1, 9, 3), (3, 1, 5)])
def test_every_cut(monkeypatch, m, n, k):
    monkeypatch.setattr("kerasish.backend.native.kernels.products.SHARE", 100_000)
    rng = np.random.default_rng(1)
    x, y, bias = (rng.standard_normal(s).astype("float32") for s in ((m, k), (k, n), (n,)))
    want = x @ y + bias
    np.testing.assert_allclose(lowered("matmul", [x, y, bias], [want])[0], want, rtol=1e-4, atol=1e-4)
