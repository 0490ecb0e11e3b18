"""Gradients where central differences cannot judge: at kinks and ties, beside NaN and infinity, of complex numbers."""

import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff.functional import grad
from kerasish.core.dispatch import to_tensor

INF, NAN = float("inf"), float("nan")


def slope(function, *arrays, by=0):
    """The gradient of the sum of a function by one of its arrays."""
    tensors = [to_tensor(np.asarray(a, "float64")) for a in arrays]
    return np.asarray(grad(lambda *t: ops.sum(function(*t)), argnums=by)(*tensors))


# Op, point, slope: JAX's, but for |x| whose slope at 0 is 0 as in TensorFlow and PyTorch.
KINKS = [
    (ops.absolute, 0, 0), (ops.relu, 0, 0), (ops.relu6, 0, 0), (ops.relu6, 6, 0), (ops.leaky_relu, 0, 1),
    (ops.elu, 0, 1), (ops.selu, 0, 1.0507009873554805 * 1.6732632423543772), (ops.celu, 0, 1),
    (ops.hard_sigmoid, 3, 0), (ops.hard_sigmoid, -3, 0), (ops.hard_tanh, 1, 1), (ops.hard_tanh, -1, 1),
    (ops.soft_shrink, 0.5, 0), (ops.hard_shrink, 0.5, 0), (ops.sparse_plus, 1, 1), (ops.sparse_plus, -1, 0),
    (ops.softsign, 0, 1), (lambda x: ops.maximum(x, 2.0), 2, 0.5), (lambda x: ops.minimum(x, 2.0), 2, 0.5),
    (lambda x: ops.clip(x, 1.0, 2.0), 1, 0.5), (lambda x: ops.clip(x, 1.0, 2.0), 2, 0.5),
    (lambda x: ops.fmax(x, 2.0), 2, 0), (lambda x: ops.fmin(x, 2.0), 2, 0), (ops.sinc, 0, 0),
]  # fmt: skip


@pytest.mark.parametrize("row", range(len(KINKS)))
def test_slope_at_a_kink(row):
    op, point, expected = KINKS[row]
    assert slope(op, point) == expected


@pytest.mark.parametrize("op", [ops.max, ops.min, ops.amax, ops.amin])
def test_equals_share_the_gradient_of_an_extreme(op):
    sign = 1 if op in (ops.max, ops.amax) else -1
    rows = sign * np.array([[1, 2, 2, 0], [3, 3, 3, 3]])
    expected = [[0, 0.5, 0.5, 0], [0.25] * 4]
    np.testing.assert_array_equal(slope(lambda x: op(x, axis=1), rows), expected)


def test_what_is_not_taken_does_not_spoil_the_gradient():
    x = [0.0, 4.0]
    np.testing.assert_array_equal(slope(lambda x: ops.where(x > 0, ops.sqrt(ops.where(x > 0, x, 1)), 0), x), [0, 0.25])
    np.testing.assert_array_equal(slope(ops.divide_no_nan, [1.0, 1.0], [0.0, 2.0]), [0, 0.5])
    np.testing.assert_array_equal(slope(lambda x: ops.nan_to_num(x), [NAN, 2.0, INF]), [0, 1, 0])
    np.testing.assert_array_equal(slope(ops.nanmean, [NAN, 2.0, 4.0]), [0, 0.5, 0.5])
    np.testing.assert_array_equal(slope(ops.nanmax, [NAN, 2.0, 4.0]), [0, 0, 1])
    np.testing.assert_allclose(slope(ops.nanvar, [NAN, 2.0, 4.0]), [0, -1, 1])


@pytest.mark.parametrize("op", ["elu", "selu", "celu", "softplus", "sigmoid", "log_sigmoid", "tanh", "silu"])
def test_activations_have_finite_slopes_far_out(op):
    assert np.isfinite(slope(getattr(ops, op), [1e4, -1e4])).all()


def test_distance_zero_has_slope_zero():
    np.testing.assert_array_equal(slope(ops.cdist, [[1.0, 2.0]], [[1.0, 2.0]]), [[0, 0]])


def test_powers_at_zero():
    np.testing.assert_array_equal(slope(ops.power, [0.0, 0.0, 2.0], [2.0, 1.0, 0.0]), [0, 1, 0])
    np.testing.assert_array_equal(slope(ops.power, [0.0, 0.0], [2.0, 3.0], by=1), [0, 0])


def test_log_of_sums_of_nothing():
    np.testing.assert_array_equal(slope(ops.logsumexp, [-INF, -INF]), [0, 0])
    np.testing.assert_allclose(slope(ops.logsumexp, [-INF, 1e3, 1e3]), [0, 0.5, 0.5])
    np.testing.assert_array_equal(slope(ops.logaddexp, [-INF, 0.0, INF], [0.0, -INF, 0.0]), [0, 1, 1])


def test_products_and_running_products_with_zeros():
    np.testing.assert_array_equal(slope(ops.prod, [2.0, 0.0, 3.0]), [0, 6, 0])
    np.testing.assert_array_equal(slope(ops.prod, [2.0, 0.0, 0.0]), [0, 0, 0])
    np.testing.assert_array_equal(slope(lambda x: ops.cumprod(x, axis=0), [2.0, 0.0, 3.0]), [1, 8, 0])


def test_quantiles_between_equals_share_the_gradient():
    np.testing.assert_array_equal(slope(ops.median, [3.0, 1.0, 3.0, 5.0]), [0.5, 0, 0.5, 0])


def test_complex_numbers_carry_gradients():
    r, a = np.array([1.5, 0.7]), np.array([0.4, -1.1])

    def function(r, a):
        z = ops.view_as_complex(ops.view_as_real(ops.polar(r, a)))
        w = ops.conj(z) * ops.square(z) + ops.exp(z)
        return ops.real(w) * 2 + ops.imag(w) * 3 + ops.absolute(w) + ops.angle(z)

    def value(r, a):
        z = r * np.exp(1j * a)
        w = z.conj() * z**2 + np.exp(z)
        return (w.real * 2 + w.imag * 3 + np.abs(w) + np.angle(z)).sum()

    for by in (0, 1):
        expected = []
        for i in range(2):
            step = np.zeros((2, 2))
            step[by, i] = 1e-6
            expected.append((value(r + step[0], a + step[1]) - value(r - step[0], a - step[1])) / 2e-6)
        np.testing.assert_allclose(slope(function, r, a, by=by), expected, rtol=1e-6)
