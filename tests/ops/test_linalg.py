"""Gradients that hold for symmetric matrices alone, gradients that are not known, round trips, errors."""

import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff.functional import grad

RNG = np.random.default_rng(7)
ROOT = RNG.normal(size=(2, 3, 3))
WEIGHTS = RNG.normal(size=(2, 3, 3))


def symmetric(root):
    return ops.matmul(root, ops.swapaxes(root, -1, -2)) + ops.eye(3, dtype="float64")


def first_projection(x):
    """Projections on the first eigenvectors: unlike these, they have no sign to choose."""
    v = ops.eigh(x)[1][..., :1]
    return ops.matmul(v, ops.swapaxes(v, -1, -2))


FUNCTIONS = {
    "cholesky": lambda x: ops.cholesky(x),
    "cholesky-upper": lambda x: ops.cholesky(x, upper=True),
    "eigenvalues": lambda x: ops.eigh(x)[0][..., None],
    "eigenvectors": first_projection,
}


def differences(function, x, step=1e-5):
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        ends = []
        for h in (step, -step):
            moved = x.copy()
            moved[i] += h
            ends.append(float(function(ops.convert_to_tensor(moved))))
        out[i] = (ends[0] - ends[1]) / (2 * step)
    return out


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_through_symmetric_matrices(name):
    def scalar(root):
        return ops.sum(FUNCTIONS[name](symmetric(root)) * WEIGHTS)

    slope = grad(scalar)
    np.testing.assert_allclose(slope(ops.convert_to_tensor(ROOT)), differences(scalar, ROOT), rtol=1e-6, atol=1e-7)

    def along(root):
        return ops.sum(grad(scalar)(root) * WEIGHTS)

    np.testing.assert_allclose(grad(along)(ops.convert_to_tensor(ROOT)), differences(along, ROOT), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("call", [
    lambda x: ops.real(ops.eig(x)[0]),
    lambda x: ops.lu_factor(x)[0],
    lambda x: ops.qr(x[:2])[0],
    lambda x: ops.svd(x[:2])[0],
])
def test_unknown_gradients_are_refused(call):
    with pytest.raises(NotImplementedError, match="gradient"):
        grad(lambda x: ops.sum(call(x)))(ops.convert_to_tensor(ROOT[0]))


def test_stft_is_undone():
    signal = RNG.normal(size=(2, 64)).astype("float32")
    for window in ("hann", "hamming", None):
        back = ops.istft(ops.stft(signal, 16, 4, 20, window=window), 16, 4, 20, window=window)
        np.testing.assert_allclose(back, signal, atol=1e-5)


@pytest.mark.parametrize(("error", "says", "call"), [
    (ValueError, "second-last", lambda x: ops.matmul(x, x[:1])),
    (ValueError, "at least one axis", lambda x: ops.matmul(1.0, x)),
    (ValueError, "name 2 operands", lambda x: ops.einsum("ij,jk->ik", x)),
    (ValueError, "do not fit", lambda x: ops.einsum("ijk->k", x)),
    (ValueError, "each once", lambda x: ops.einsum("ij,jk->ii", x, x)),
    (ValueError, "lengths", lambda x: ops.einsum("ij,jk->ik", x, x[:2])),
    (ValueError, "same lengths", lambda x: ops.tensordot(x, x[:2], axes=1)),
    (ValueError, "square", lambda x: ops.inv(x[:2])),
    (ValueError, "Input should have rank >= 2", lambda x: ops.det(x[0])),
    (ValueError, "Singular", lambda x: ops.inv(ops.ones((2, 2)))),
    (ValueError, "positive definite", lambda x: ops.cholesky(-ops.eye(2))),
    (ValueError, "mode", lambda x: ops.qr(x, mode="raw")),
    (ValueError, "shape", lambda x: ops.lstsq(x, x[0, :2])),
    (ValueError, "vector norm", lambda x: ops.norm(x, ord="fro", axis=1)),
    (ValueError, "matrix norm", lambda x: ops.norm(x, ord=3)),
    (ValueError, "one axis or two", lambda x: ops.norm(ops.ones((2, 2, 2)), ord=2)),
    (ValueError, "`x` must be a pair", lambda x: ops.fft(x)),
    (ValueError, "must share a shape", lambda x: ops.fft((x, x[0]))),
    (ValueError, "window", lambda x: ops.stft(x, 2, 1, 2, window="box")),
    (TypeError, "`float32` or `float64`", lambda x: ops.stft(ops.cast(x, "int32"), 2, 1, 2)),
    (ValueError, "fft_length", lambda x: ops.stft(x, 3, 1, 2)),
    (ValueError, "last axis", lambda x: ops.top_k(x, 4)),
    (ValueError, "negative", lambda x: ops.bincount([-1, 2])),
    (ValueError, "one axis", lambda x: ops.searchsorted(x, x)),
])
def test_bad_input_is_named(error, says, call):
    with pytest.raises(error, match=says):
        call(ops.convert_to_tensor(ROOT[0]))
