"""Kernels of a short-time Fourier transform, for a convolution over time."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.dtypes import standardize_dtype
from kerasish.core.tensor import Tensor
from kerasish.initializers.base import Initializer
from kerasish.utils.registry import builtin

# Coefficients a of the window sum_k (-1)^k a_k cos(2 pi k t).
WINDOWS = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
}


def window_values(name: str, length: int, periodic: bool) -> np.ndarray:
    """Return a window; a periodic one is the start of a symmetric one that is longer by one."""
    if name not in WINDOWS:
        return _of_scipy(name, length, periodic)
    if length == 1:
        return np.ones(1)
    t = np.arange(length) / (length if periodic else length - 1)
    return sum((-1) ** k * a * np.cos(2 * np.pi * k * t) for k, a in enumerate(WINDOWS[name]))


def _of_scipy(name: str, length: int, periodic: bool) -> np.ndarray:
    """A window that is no sum of cosines."""
    try:
        from scipy.signal import get_window

        return get_window(name, length, periodic)
    except (ImportError, ValueError) as error:
        raise ValueError(f"argument `window` must be one of {', '.join(WINDOWS)}, one of SciPy's windows (if scipy is "
                         f"installed), an array or None, got {name!r}: {error}") from None


@builtin("keras.initializers")
class STFT(Initializer):
    """The real or imaginary part of windowed Fourier coefficients, shape (frame, 1, frequencies).

    `kernel[t, f] = w[t] cos(-2 pi t f / n) / s`, or sin, with n = 2 (frequencies - 1).

    Args:
        side: "real" (cos) or "imag" (sin).
        window: a name of `WINDOWS` or of one of SciPy's windows, an array as long as the frame, or None.
        scaling: "density" (s is the norm of w), "spectrum" (s is the sum of w) or None (s is 1).
        periodic: whether a named window is periodic rather than symmetric.
    """

    def __init__(self, side: str = "real", window: Any = "hann", scaling: str | None = "density",
                 periodic: bool = False):
        if side not in ("real", "imag"):
            raise ValueError(f"argument `side` must be 'real' or 'imag', got {side!r}")
        if isinstance(window, str) and window not in WINDOWS:
            _of_scipy(window, 8, periodic)  # raises where there is none of that name
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(f"argument `scaling` must be 'density', 'spectrum' or None, got {scaling!r}")
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        frame, _, frequencies = shape
        angle = -2 * np.pi * np.arange(frame)[:, None, None] * np.arange(frequencies) / (2 * (frequencies - 1))
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        if self.window is not None:
            named = isinstance(self.window, str)
            w = window_values(self.window, frame, self.periodic) if named else np.asarray(self.window)
            if w.shape != (frame,):
                raise ValueError(f"argument `window` must have the frame's length {frame}, got shape {w.shape}")
            norms = {"density": np.sqrt((w * w).sum()), "spectrum": np.abs(w).sum(), None: 1.0}
            kernel = kernel * w[:, None, None] / norms[self.scaling]
        return ops.convert_to_tensor(kernel, dtype=standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}
