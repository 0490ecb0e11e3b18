"""Sounds as spectra over time, by convolution with kernels that can be trained."""

import math
from typing import Any

from kerasish import ops
from kerasish.core.dtypes import is_float
from kerasish.core.tensor import Tensor
from kerasish.initializers import STFT
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.base.layer import Layer
from kerasish.layers.base.spatial import padding_name, windows_along
from kerasish.utils import config
from kerasish.utils.registry import builtin

MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


@builtin("keras.layers")
class STFTSpectrogram(Layer):
    """Spectra of windows of a signal, each channel by itself (Keras: `layers.STFTSpectrogram`).

    (batch, samples, channels) gives (batch, windows, channels * frequencies), the frequencies of a channel side by
    side; or, expanded, (batch, windows, frequencies, channels). Channels come first for "channels_first".

    Args:
        mode: "real", "imag", both in a row ("stft"), "angle", "magnitude", its logarithm ("log"), or its square for
            positive and negative frequencies together ("psd").
        frame_length: samples of a window.
        frame_step: samples from one window to the next; half a window by default.
        fft_length: length to which windows are filled up; by default the next power of two.
        window: "hann", "hamming" or another name that `initializers.STFT` knows, an array, or None.
        periodic: whether the window is periodic rather than symmetric.
        scaling: "density", "spectrum" or None: by what the window is divided.
        padding: "valid" or "same".
        expand_dims: whether frequencies have an axis of their own.
        data_format: where the channels are.
    """

    def __init__(self, mode: str = "log", frame_length: int = 256, frame_step: int | None = None,
                 fft_length: int | None = None, window: Any = "hann", periodic: bool = False,
                 scaling: str | None = "density", padding: str = "valid", expand_dims: bool = False,
                 data_format: str | None = None, **kwargs: Any):
        if mode not in MODES:
            raise ValueError(f"argument `mode` of STFTSpectrogram must be one of {MODES}, got {mode!r}")
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ValueError(f"argument `frame_step` of STFTSpectrogram must be from 1 to `frame_length` "
                             f"{frame_length}, got {frame_step!r}")
        if fft_length is not None and fft_length < frame_length:
            raise ValueError(f"argument `fft_length` of STFTSpectrogram must be at least `frame_length` "
                             f"{frame_length}, got {fft_length!r}")
        super().__init__(**kwargs)
        self.mode, self.frame_length, self.frame_step, self.fft_length = mode, frame_length, frame_step, fft_length
        self._step = frame_step or frame_length // 2
        self._frequencies = (fft_length or 2 ** math.ceil(math.log2(frame_length))) // 2 + 1
        self.window, self.periodic, self.scaling = window, periodic, scaling
        self.padding, self.expand_dims = padding_name(padding), expand_dims
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=3)
        self._initializers = {side: STFT(side, window, scaling, periodic) for side in ("real", "imag")}

    def build(self, input_shape: Any) -> None:
        """Make the kernels (frame_length, 1, frequencies) that the mode needs."""
        sides = {"real": ["real"], "imag": ["imag"]}.get(self.mode, ["real", "imag"])
        shape = (self.frame_length, 1, self._frequencies)
        self._kernels = [self.add_weight(name=f"{side}_kernel", shape=shape, initializer=self._initializers[side])
                         for side in sides]

    def call(self, inputs: Any) -> Tensor:
        """Return the spectra.

        Raises:
            TypeError: the inputs are no floats.
        """
        if not is_float(inputs.dtype):
            raise TypeError(f"layer {self.path!r} takes floating-point inputs, got dtype {inputs.dtype}: cast them")
        parts = [self._convolved(inputs, kernel) for kernel in self._kernels]
        return self._arranged(self._combined(parts))

    def _convolved(self, x: Any, kernel: Any) -> Tensor:
        """(batch, channels, windows, frequencies)."""
        x = x if self.data_format == "channels_first" else ops.swapaxes(x, 1, 2)
        batch, channels, samples = x.shape
        out = ops.conv(ops.reshape(x, (batch * channels, samples, 1)), kernel, strides=self._step,
                       padding=self.padding, data_format="channels_last")
        return ops.reshape(out, (batch, channels, *out.shape[1:]))

    def _combined(self, parts: list[Tensor]) -> Tensor:
        if len(parts) == 1:
            return parts[0]
        real, imaginary = parts
        if self.mode == "stft":
            return ops.concatenate([real, imaginary], axis=-1)
        if self.mode == "angle":
            return ops.arctan2(imaginary, real)
        power = ops.square(real) + ops.square(imaginary)
        if self.mode == "psd":
            return power + ops.pad(power[..., 1:-1], ((0, 0), (0, 0), (0, 0), (1, 1)))
        magnitude = ops.sqrt(ops.maximum(power, config.epsilon()))
        return magnitude if self.mode == "magnitude" else ops.log(ops.maximum(magnitude, config.epsilon()))

    def _arranged(self, x: Tensor) -> Tensor:
        first = self.data_format == "channels_first"
        if self.expand_dims:
            return x if first else ops.transpose(x, (0, 2, 3, 1))
        batch, channels, windows, frequencies = x.shape
        x = ops.reshape(ops.swapaxes(x, 2, 3), (batch, channels * frequencies, windows))
        return x if first else ops.swapaxes(x, 1, 2)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the spectra."""
        first = self.data_format == "channels_first"
        batch, channels, samples = input_shape if first else (input_shape[0], input_shape[2], input_shape[1])
        (windows,) = windows_along((samples,), (self.frame_length,), (self._step,), self.padding, (1,))
        count = self._frequencies * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            return (batch, channels, windows, count) if first else (batch, windows, count, channels)
        total = None if channels is None else channels * count
        return (batch, total, windows) if first else (batch, windows, total)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("mode", "frame_length", "frame_step", "fft_length", "window", "periodic", "scaling", "padding",
                 "data_format", "expand_dims")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
