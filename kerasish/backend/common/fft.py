"""Fourier kernels. Complex values go in and out as pairs of real arrays, (real, imaginary)."""

from kerasish.backend.common.elementwise import complex_of
from kerasish.backend.common.halves import through_float32
from kerasish.backend.registry import kernel


def _pair(z, dtype):
    return z.real.astype(dtype, copy=False), z.imag.astype(dtype, copy=False)


def _enter(name: str) -> None:
    @kernel(name)
    @through_float32
    def transform(xp, real, imag):
        return _pair(getattr(xp.fft, name)(complex_of(xp, real, imag)), real.dtype)


for _name in ("fft", "ifft", "fft2", "ifft2"):
    _enter(_name)


@kernel("rfft")
@through_float32
def rfft(xp, x, *, length):
    return _pair(xp.fft.rfft(x, n=length), x.dtype)


@kernel("irfft")
@through_float32
def irfft(xp, real, imag, *, length):
    return xp.fft.irfft(complex_of(xp, real, imag), n=length).astype(real.dtype, copy=False)


@kernel("extract_sequences")
def extract_sequences(xp, x, *, length, stride):
    """Windows of the last axis: (..., signal) -> (..., windows, length)."""
    if x.shape[-1] < length:
        return xp.zeros((*x.shape[:-1], 0, length), x.dtype)
    count, step = (x.shape[-1] - length) // stride + 1, x.strides[-1]
    shape, strides = (*x.shape[:-1], count, length), (*x.strides[:-1], stride * step, step)
    return xp.lib.stride_tricks.as_strided(x, shape, strides).copy()


@kernel("overlap_sequences")
@through_float32
def overlap_sequences(xp, x, *, size, stride):
    """Windows added up where they overlap: (..., windows, length) -> (..., size)."""
    *lead, count, length = x.shape
    out = xp.zeros((*lead, size), x.dtype)
    # Windows that lie `step` apart do not overlap, and those are added at once.
    step = -(-length // stride)
    for first in range(min(step, count)):
        chosen = x[..., first::step, :]
        spaced = xp.zeros((*lead, chosen.shape[-2], step * stride), x.dtype)
        spaced[..., :length] = chosen
        start = first * stride
        whole = spaced.reshape(*lead, -1)[..., : size - start]
        out[..., start : start + whole.shape[-1]] += whole
    return out
