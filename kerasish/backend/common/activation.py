"""Kernels of the activations that are more than arithmetic: each elementwise, stable at both ends."""

from kerasish.backend.common.halves import through_float32
from kerasish.backend.registry import kernel


@kernel("relu")
def relu(xp, x, *, out=None):
    """max(x, 0)."""
    return xp.maximum(x, x.dtype.type(0), out=out)


@kernel("relu6")
def relu6(xp, x, *, out=None):
    """min(max(x, 0), 6)."""
    return xp.minimum(xp.maximum(x, x.dtype.type(0), out=out), x.dtype.type(6), out=out)


@kernel("sigmoid")
@through_float32
def sigmoid(xp, x, *, out=None):
    """1 / (1 + exp(-x)); where exp(-x) overflows the quotient is the 0 it should be."""
    out = xp.empty_like(x) if out is None else out
    xp.exp(xp.negative(x, out=out), out=out)
    return xp.reciprocal(xp.add(out, x.dtype.type(1), out=out), out=out)


@kernel("softplus")
@through_float32
def softplus(xp, x, *, out=None):
    """log(1 + exp(x)) as max(x, 0) + log1p(exp(-|x|)), which neither overflows nor loses small values."""
    out = xp.empty_like(x) if out is None else out
    xp.exp(xp.negative(xp.absolute(x, out=out), out=out), out=out)
    return xp.add(xp.log1p(out, out=out), xp.maximum(x, x.dtype.type(0)), out=out)
