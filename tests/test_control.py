"""Control flow: errors, laziness, gradients of what was run, shapes."""

import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.core import symbolic


def KerasTensor(shape, dtype="float32"):  # noqa: N802
    """A symbolic tensor of no graph."""
    return symbolic.KerasTensor(shape, dtype, record_history=False)


def test_cond_calls_one_branch():
    called = []
    assert ops.cond(True, lambda: called.append("true") or 1, lambda: called.append("false") or 2) == 1
    assert called == ["true"]


def test_gradient_flows_through_the_steps_that_ran():
    x = ops.convert_to_tensor(2.0)
    with GradientTape() as tape:
        tape.watch(x)
        _, y = ops.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, ops.convert_to_tensor(1.0)))
    assert float(y) == 8.0 and float(tape.gradient(y, x)) == 12.0


def test_no_gradient_flows_through_a_stop():
    x = ops.convert_to_tensor(3.0)
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        part, none = x * ops.stop_gradient(x), ops.stop_gradient(x)
    assert float(tape.gradient(part, x)) == 3.0 and tape.gradient(none, x) is None


def test_symbolic_branches_and_loops():
    x = KerasTensor((None, 3))
    flag = KerasTensor((), "bool")
    assert ops.cond(flag, lambda: ops.zeros((2, 3)), lambda: ops.ones((2, 3))).shape == (2, 3)
    assert ops.while_loop(lambda y: ops.sum(y) < 3, lambda y: y * 2, (x,))[0].shape == (None, 3)
    carry, ys = ops.scan(lambda c, row: (c + 1, ops.sum(row)), ops.zeros(()), x)
    assert carry.shape == () and ys.shape == (None,)
    assert ops.map(lambda row: row[:2], x).shape == (None, 2)


def test_symbolic_branches_must_agree():
    flag = KerasTensor((), "bool")
    with pytest.raises(ValueError, match="must agree"):
        ops.cond(flag, lambda: ops.zeros((2,)), lambda: ops.ones((3,)))
    with pytest.raises(ValueError, match="must agree"):
        ops.fori_loop(0, 3, lambda i, y: y[:1], KerasTensor((4,)))


def test_scan_of_nothing():
    carry, ys = ops.scan(lambda c, x: (c + x, c * x), 1.0, np.zeros((0,), "float32"))
    assert float(carry) == 1.0 and ys.shape == (0,)


def test_scan_without_outputs():
    carry, ys = ops.scan(lambda c, x: (c + x, None), 0, np.arange(4))
    assert int(carry) == 6 and ys is None


def test_vectorize():
    first = ops.vectorize(lambda x, y: x * y + 1)
    x, y = np.arange(6.0).reshape(2, 3), np.arange(3.0)
    np.testing.assert_allclose(first(x, y), x * y + 1)
    product = ops.vectorize(lambda m, v: ops.matmul(m, v), signature="(m,n),(n)->(m)")
    m, v = np.ones((4, 2, 3)), np.arange(3.0)
    np.testing.assert_allclose(product(m, v), m @ v)
    power = ops.vectorize(lambda x, n: ops.power(x, n), excluded={1})
    np.testing.assert_allclose(power(x, 2), x**2)
    assert first(KerasTensor((None, 3)), y).shape == (None, 3)
    assert float(first(2.0, 3.0)) == 7.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.cond(True, 1, lambda: 2), TypeError, "true_fn"),
        (lambda: ops.switch(0, [1]), TypeError, "branches"),
        (lambda: ops.while_loop(lambda x, y: True, lambda x, y: (x,), (1, 2)), ValueError, "2 values"),
        (lambda: ops.scan(lambda c, x: (c, x), 0), ValueError, "length"),
        (lambda: ops.scan(lambda c, x: (c, x), 0, np.ones(3), length=2), ValueError, "one length"),
        (lambda: ops.scan(lambda c, x: (c, x), 0, np.ones(3), unroll=0), ValueError, "unroll"),
        (lambda: ops.map(lambda x: x, (np.ones(3), np.ones(2))), ValueError, "one length"),
        (lambda: ops.associative_scan(lambda a, b: a, (np.ones(3), np.ones(2))), ValueError, "one length"),
        (lambda: ops.vectorize(lambda x: x, signature="n->n"), ValueError, "signature"),
        (lambda: ops.vectorize(lambda x: x, signature="(n),(n)->()")(np.ones(3)), ValueError, "2 arguments"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
