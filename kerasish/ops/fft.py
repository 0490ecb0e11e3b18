"""Fourier transforms, of pairs of tensors (real part, imaginary part), and windows of signals."""

from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import is_float
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.elementwise import multiply
from kerasish.ops.shape import pad

__all__ = ["extract_sequences", "fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]

Pair = tuple[Tensor, Tensor]


def _pair_spec(real, imag):
    return Spec(real.shape, real.dtype), Spec(imag.shape, imag.dtype)


def _plane_spec(real, imag):
    if len(real.shape) < 2:
        raise ValueError(f"Input should have rank >= 2, got shape {tuple(real.shape)}")
    return _pair_spec(real, imag)


def _scaled(pair: Pair, factor: Any) -> Pair:
    return multiply(pair[0], factor), multiply(pair[1], factor)


# The transpose of a transform by F is one by the conjugate of F: the inverse, times the number of points.
_fft = Card("fft", ("real", "imag"), spec=_pair_spec,
            vjp=lambda g, real_spec: _scaled(_ifft(*g), real_spec.shape[-1]))
_ifft: Card = Card("ifft", ("real", "imag"), spec=_pair_spec,
             vjp=lambda g, real_spec: _scaled(_fft(*g), 1 / real_spec.shape[-1]))
_fft2 = Card("fft2", ("real", "imag"), spec=_plane_spec,
             vjp=lambda g, real_spec: _scaled(_ifft2(*g), real_spec.shape[-1] * real_spec.shape[-2]))
_ifft2: Card = Card("ifft2", ("real", "imag"), spec=_plane_spec,
              vjp=lambda g, real_spec: _scaled(_fft2(*g), 1 / (real_spec.shape[-1] * real_spec.shape[-2])))


def _resized(x: Tensor, n: int) -> Tensor:
    """Cut or fill the last axis with zeros to a length."""
    if x.shape[-1] >= n:
        return x[..., :n]
    return pad(x, ((0, 0),) * (x.ndim - 1) + ((0, n - x.shape[-1]),))


def _doubles(length: int, dtype: Any) -> np.ndarray:
    """How often each bin of a real signal's spectrum stands in the whole one."""
    bins = np.arange(length // 2 + 1)
    return np.where((bins == 0) | (2 * bins == length), 1, 2).astype(dtype)


def _rfft_vjp(g, x_spec, length):
    weights = length / _doubles(length, x_spec.dtype)
    return _resized(_irfft(g[0] * weights, g[1] * weights, length=length), x_spec.shape[-1])


def _irfft_vjp(g, real_spec, length):
    weights = _doubles(length, real_spec.dtype) / np.asarray(length, real_spec.dtype)
    return tuple(_resized(part * weights, real_spec.shape[-1]) for part in _rfft(g, length=length))


def _rfft_spec(x, *, length):
    out = Spec((*x.shape[:-1], length // 2 + 1), x.dtype)
    return out, out


_rfft = Card("rfft", ("x",), promote="float", spec=_rfft_spec, vjp=(_rfft_vjp,))
_irfft = Card("irfft", ("real", "imag"), vjp=_irfft_vjp,
              spec=lambda real, imag, *, length: Spec((*real.shape[:-1], length), real.dtype))


def _pair(x: Any) -> Pair:
    """The real and imaginary part, checked."""
    if not isinstance(x, tuple | list) or len(x) != 2:
        raise ValueError(f"`x` must be a pair (real part, imaginary part), got {type(x).__name__}")
    real, imag = (to_tensor(part) for part in x)
    if not real.ndim or not imag.ndim:
        raise ValueError("Input should have rank >= 1. Received: real and imaginary part of shapes "
                         f"{real.shape} and {imag.shape}")
    if real.shape != imag.shape or real.dtype != imag.dtype or not is_float(real.dtype):
        raise ValueError("real and imaginary part must share a shape and a floating-point dtype, got "
                         f"{real.dtype}{list(real.shape)} and {imag.dtype}{list(imag.shape)}")
    return real, imag


@public
def fft(x: Any) -> Pair:
    """The discrete Fourier transform over the last axis: out[k] = sum_n x[n] exp(-2 pi i k n / N).

    Args:
        x: (real part, imaginary part).
    """
    return _fft(*_pair(x))


@public
def fft2(x: Any) -> Pair:
    """The discrete Fourier transform over the last two axes; arguments as in `fft`."""
    return _fft2(*_pair(x))


@public
def ifft2(x: Any) -> Pair:
    """The inverse discrete Fourier transform over the last two axes; arguments as in `fft`."""
    return _ifft2(*_pair(x))


@public
def rfft(x: Any, fft_length: int | None = None) -> Pair:
    """The discrete Fourier transform of real signals over the last axis: bins 0 to length // 2.

    Args:
        x: (..., n).
        fft_length: signals are cut or filled with zeros to this length; n by default.

    Returns:
        Real and imaginary part, (..., fft_length // 2 + 1).
    """
    x = to_tensor(x)
    if not x.ndim:
        raise ValueError("Input should have rank >= 1. Received: a number")
    return _rfft(x, length=x.shape[-1] if fft_length is None else int(fft_length))


@public
def irfft(x: Any, fft_length: int | None = None) -> Tensor:
    """The inverse of `rfft`.

    Args:
        x: (real part, imaginary part), (..., bins).
        fft_length: length of the signals, 2 (bins - 1) by default; bins beyond it are left out, missing ones are zero.
    """
    real, imag = _pair(x)
    return _irfft(real, imag, length=2 * (real.shape[-1] - 1) if fft_length is None else int(fft_length))


# ---- windows of signals ----


def _sequences_spec(x, *, length, stride):
    if not x.shape:
        raise ValueError("Input should have rank >= 1. Received: a number")
    if length < 1 or stride < 1:
        raise ValueError(f"sequences need a positive length and stride, got {length} and {stride}")
    count = max(0, (x.shape[-1] - length) // stride + 1)
    return Spec((*x.shape[:-1], count, length), x.dtype)


_sequences = Card("extract_sequences", ("x",), spec=_sequences_spec, vjp=(
    lambda g, x_spec, stride: _overlap(g, size=x_spec.shape[-1], stride=stride),))
_overlap: Card = Card("overlap_sequences", ("x",), vjp=(
    lambda g, x_spec, stride: _sequences(g, length=x_spec.shape[-1], stride=stride)[..., : x_spec.shape[-2], :],),
    spec=lambda x, *, size, stride: Spec((*x.shape[:-2], size), x.dtype))


@public
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Tensor:
    """Windows of the last axis.

    Args:
        x: (..., n).
        sequence_length: length of a window.
        sequence_stride: distance from one to the next.

    Returns:
        (..., 1 + (n - sequence_length) // sequence_stride, sequence_length).
    """
    return _sequences(x, length=int(sequence_length), stride=int(sequence_stride))


def _window(window: Any, sequence_length: int, fft_length: int, dtype: Any) -> Tensor:
    """Weights of a window, centred in `fft_length`; all ones if it is None."""
    if fft_length < sequence_length:
        raise ValueError(f"`fft_length` must equal or exceed `sequence_length` {sequence_length}, got {fft_length}")
    if window is None:
        return OPS["ones"]((fft_length,), dtype)
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(f"If a string is passed to name a window, it is 'hann' or 'hamming', got {window!r}")
        a = 0.5 if window == "hann" else 0.54
        # Periodic, as spectra want it: one point more than the window would be symmetric.
        window = a - (1 - a) * np.cos(2 * np.pi * np.arange(sequence_length) / sequence_length)
    window = to_tensor(window, dtype.name)
    if window.shape != (sequence_length,):
        raise ValueError(f"The shape of `window` must be ({sequence_length},), got {window.shape}")
    before = (fft_length - sequence_length) // 2
    return pad(window, ((before, fft_length - sequence_length - before),))


def _require_stride(stride: Any) -> None:
    if not isinstance(stride, int | np.integer) or stride < 1:
        raise ValueError(f"`sequence_stride` must be a positive integer, got {stride!r}")


@public
def stft(x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann",
         center: bool = True) -> Pair:
    """The short-time Fourier transform: `rfft` of windows of the last axis.

    Args:
        x: (..., n), float32 or float64.
        sequence_length: length of a window.
        sequence_stride: distance from one to the next.
        fft_length: length to which windows are filled, at both ends, with what lies beside them times zero.
        window: "hann", "hamming", a tensor (sequence_length,), or None for ones over `fft_length`.
        center: whether the signal is padded by reflection so that windows are centred on their times.

    Returns:
        Real and imaginary part, (..., windows, fft_length // 2 + 1).
    """
    x = to_tensor(x)
    if x.dtype.name not in ("float32", "float64"):
        raise TypeError(f"argument `x` must be `float32` or `float64`, got {x.dtype}")
    weights = _window(window, sequence_length, fft_length, x.dtype)
    _require_stride(sequence_stride)
    if center:
        x = pad(x, ((0, 0),) * (x.ndim - 1) + ((fft_length // 2, fft_length // 2),), mode="reflect")
    return rfft(extract_sequences(x, fft_length, sequence_stride) * weights)


@public
def istft(x: Any, sequence_length: int, sequence_stride: int, fft_length: int, length: int | None = None,
          window: Any = "hann", center: bool = True) -> Tensor:
    """The inverse of `stft`: windows added up and divided by the sum of the squared weights.

    Args:
        x: (real part, imaginary part), (..., windows, fft_length // 2 + 1).
        sequence_length, sequence_stride, fft_length, window, center: as given to `stft`.
        length: length of the signal; by default what the windows give.
    """
    real, imag = _pair(x)
    if real.ndim < 2:
        raise ValueError(f"Input should have rank >= 2 (windows, bins), got shape {real.shape}")
    weights = _window(window, sequence_length, fft_length, real.dtype)
    _require_stride(sequence_stride)
    count = real.shape[-2]
    size = fft_length + sequence_stride * (count - 1)
    signal = _overlap(irfft((real, imag), fft_length) * weights, size=size, stride=sequence_stride)
    total = _overlap(OPS["broadcast_to"](weights * weights, (count, fft_length)), size=size, stride=sequence_stride)
    signal = signal / OPS["where"](total > 1e-10, total, OPS["ones_like"](total))
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else size - start
    return signal[..., start:end]
