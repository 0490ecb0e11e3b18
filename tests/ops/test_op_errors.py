"""Elementwise ops, activations and reductions refuse what they cannot do, and say why."""

import numpy as np
import pytest

from kerasish import ops

X = np.ones((2, 3), "float32")
Z = np.array([1 + 2j])

REFUSED = [
    (lambda: ops.add(X, np.ones((2, 4))), ValueError, r"Cannot broadcast shape \(2, 3\) and \(2, 4\)"),
    (lambda: ops.ldexp(X, X), TypeError, "integer exponents `x2`, got dtype float32"),
    (lambda: ops.fabs(Z), TypeError, "real numbers, got dtype complex128"),
    (lambda: ops.erf(Z), TypeError, "real numbers are needed"),
    (lambda: ops.clip(Z, 0, 1), TypeError, "real numbers are needed"),
    (lambda: ops.argmax(Z), TypeError, "real numbers are needed"),
    (lambda: ops.isposinf(Z), ValueError, "real numbers, got dtype complex128"),
    (lambda: ops.median(Z), ValueError, "real numbers, got dtype complex128"),
    (lambda: ops.where(X > 0, X), ValueError, "takes both `x1` and `x2`, or none"),
    (lambda: ops.bitwise_and(X, 1), TypeError, "bitwise_and"),
    (lambda: ops.cast(X, "float31"), ValueError, "invalid dtype 'float31'"),
    (lambda: ops.sum(X, axis=2), ValueError, "axis 2 is out of bounds: the tensor has 2 axes"),
    (lambda: ops.mean(X, axis=(0, -2)), ValueError, "named twice"),
    (lambda: ops.max(np.ones((0, 3)), axis=0), ValueError, "give `initial`"),
    (lambda: ops.argmin(np.ones((0, 3)), axis=0), ValueError, "no elements"),
    (lambda: ops.average(X, axis=0, weights=np.ones(3)), ValueError, r"`weights` of shape \(3,\)"),
    (lambda: ops.quantile(X, 0.5, method="cubic"), ValueError, "`method` must be one of 'linear'"),
    (lambda: ops.jvp(ops.sin, X, [X]), TypeError, "`primals` must be a tuple or list"),
    (lambda: ops.jvp(ops.sin, [X], [X[0]]), ValueError, r"shapes of the primals \[\(2, 3\)\], got \[\(3,\)\]"),
    (lambda: ops.jvp(ops.sin, [np.arange(3)], [np.arange(3)]), TypeError, "floating-point"),
    (lambda: ops.image.extract_patches(np.ones((4, 4, 1), "float32"), (5, 5)), ValueError, "do not fit images"),
    (lambda: ops.image.extract_patches(np.ones((4, 4, 1), "float32"), 2, strides=0), ValueError, "`strides`"),
    (lambda: ops.glu(X), ValueError, "even length in axis -1"),
    (lambda: ops.inner(X, np.ones(4)), ValueError, r"last dimension, got shapes \(2, 3\) and \(4,\)"),
    (lambda: ops.image.resize(np.ones((4, 4, 1), "float32"), (0, 2)), ValueError, "positive height and width"),
]


@pytest.mark.parametrize("row", range(len(REFUSED)))
def test_refused(row):
    call, error, words = REFUSED[row]
    with pytest.raises(error, match=words):
        call()
