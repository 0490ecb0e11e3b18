"""Rows for Fourier transforms and windows of signals."""

import numpy as np

from tests.ops.case import Case, integers, normal

WIDE = ("float64", "float32")
PAIR = (normal(2, 4, 6), normal(2, 4, 6))


def parts(z):
    return z.real, z.imag


def transform(name):
    return lambda x: parts(getattr(np.fft, name)(x[0] + 1j * x[1]))


def windows(x, sequence_length, sequence_stride):
    return np.lib.stride_tricks.sliding_window_view(x, sequence_length, -1)[..., ::sequence_stride, :]


def weights(window, sequence_length, fft_length):
    if window is None:
        return np.ones(fft_length)
    if isinstance(window, str):
        a = {"hann": 0.5, "hamming": 0.54}[window]
        window = a - (1 - a) * np.cos(2 * np.pi * np.arange(sequence_length) / sequence_length)
    before = (fft_length - sequence_length) // 2
    return np.pad(window, (before, fft_length - sequence_length - before))


def short_time(x, sequence_length, sequence_stride, fft_length, window="hann", center=True):
    if center:
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(fft_length // 2,) * 2], mode="reflect")
    return parts(np.fft.rfft(windows(x, fft_length, sequence_stride) * weights(window, sequence_length, fft_length)))


def inverse_short_time(x, sequence_length, sequence_stride, fft_length, length=None, window="hann", center=True):
    w = weights(window, sequence_length, fft_length)
    frames = np.fft.irfft(x[0] + 1j * x[1], fft_length) * w
    out = np.zeros((*frames.shape[:-2], fft_length + sequence_stride * (frames.shape[-2] - 1)))
    total = np.zeros(out.shape[-1])
    for i in range(frames.shape[-2]):
        at = slice(i * sequence_stride, i * sequence_stride + fft_length)
        out[..., at] += frames[..., i, :]
        total[at] += w * w
    out = out / np.where(total > 1e-10, total, 1)
    start = fft_length // 2 if center else 0
    return out[..., start : start + length] if length is not None else out[..., start : out.shape[-1] - start]


CASES = [
    *[Case(name, [PAIR], reference=transform(name), dtypes=WIDE, atol=1e-4) for name in ("fft", "fft2", "ifft2")],
    *[Case("rfft", [normal(2, n)], {"fft_length": m}, dtypes=WIDE, atol=1e-4,
           reference=lambda x, fft_length: parts(np.fft.rfft(x, fft_length)))
      for n, m in ((6, None), (7, None), (6, 9), (6, 4), (5, 8))],
    Case("rfft", [integers(2, 6)], reference=lambda x: parts(np.fft.rfft(x)), id="int", atol=1e-4),
    *[Case("irfft", [(normal(2, n), normal(2, n))], {"fft_length": m}, dtypes=WIDE, id=f"{n}-{m}",
           reference=lambda x, fft_length: np.fft.irfft(x[0] + 1j * x[1], fft_length))
      for n, m in ((4, None), (4, 7), (4, 5), (4, 10))],
    Case("extract_sequences", [normal(2, 11), 4, 2], reference=windows),
    Case("extract_sequences", [normal(11), 3, 5], reference=windows, id="apart", dynamic=False),
    Case("extract_sequences", [integers(2, 6), 6, 1], reference=windows, id="int"),
    *[Case("stft", [normal(2, 24), 6, 3, 8], {"window": w, "center": c}, reference=short_time, dtypes=WIDE, atol=1e-4)
      for w, c in (("hann", True), ("hamming", False), (None, False))],
    Case("stft", [normal(24), 4, 2, 4, np.array([0.5, 1.0, 2.0, 1.0])], reference=short_time, dtypes=WIDE, atol=1e-4,
         id="weights", differentiable=[0], dynamic=False),
    *[Case("istft", [(normal(2, 5, 5), normal(2, 5, 5)), 6, 3, 8], {"window": w, "center": c, "length": n},
           reference=inverse_short_time, dtypes=WIDE, atol=1e-4)
      for w, c, n in (("hann", True, None), ("hamming", False, None), (None, True, 9))],
]
