"""Sounds as spectra over time, on the mel scale."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.base.layer import Layer
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class MelSpectrogram(Layer):
    """Power in bands of the mel scale over time: (..., samples) gives (..., bands, windows).

    Windows of the signal are transformed to frequencies, `|stft|^mag_exp`, gathered in overlapping triangular bands
    equally wide in mel, and written in decibels. Source: Keras `layers.MelSpectrogram`.

    Args:
        fft_length: length to which windows are filled up.
        sequence_stride: samples from one window to the next.
        sequence_length: samples of a window; `fft_length` by default.
        window: "hann", "hamming", a tensor as long as a window, or None.
        sampling_rate: samples a second.
        num_mel_bins: how many bands there are.
        min_freq, max_freq: where the bands begin and end, in hertz; by default they end at half the sampling rate.
        power_to_db: whether the result is `10 log10(power / ref_power)`.
        top_db: values are at most this many decibels below the largest.
        mag_exp: 1 for the magnitude, 2 for the power.
        min_power: least value of which a logarithm is taken.
        ref_power: what counts as 0 decibels.
    """

    def __init__(self, fft_length: int = 2048, sequence_stride: int = 512, sequence_length: int | None = None,
                 window: Any = "hann", sampling_rate: int = 16000, num_mel_bins: int = 128, min_freq: float = 20.0,
                 max_freq: float | None = None, power_to_db: bool = True, top_db: float = 80.0, mag_exp: float = 2.0,
                 min_power: float = 1e-10, ref_power: float = 1.0, **kwargs: Any):
        sequence_length = sequence_length or fft_length
        if fft_length < sequence_length:
            raise ValueError("MelSpectrogram: `fft_length` may not be below `sequence_length`, got "
                             f"{fft_length} and {sequence_length}")
        super().__init__(**kwargs)
        self.fft_length, self.sequence_stride, self.sequence_length = fft_length, sequence_stride, sequence_length
        self.window, self.sampling_rate, self.num_mel_bins = window, sampling_rate, num_mel_bins
        self.min_freq, self.max_freq = min_freq, max_freq or int(sampling_rate / 2)
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power

    def call(self, inputs: Any) -> Tensor:
        """Return the bands over time."""
        dtype = self.compute_dtype if self.compute_dtype in ("float32", "float64") else "float32"
        real, imaginary = ops.stft(ops.cast(inputs, dtype), self.sequence_length, self.sequence_stride,
                                   self.fft_length, window=self.window, center=True)
        power = ops.power(ops.sqrt(ops.square(real) + ops.square(imaginary)), self.mag_exp)
        bands = ops.matmul(power, self.linear_to_mel_weight_matrix(
            self.num_mel_bins, power.shape[-1], self.sampling_rate, self.min_freq, self.max_freq, dtype))
        if self.power_to_db:
            bands = self._decibels(bands)
        return ops.cast(ops.swapaxes(bands, -1, -2), self.compute_dtype)

    def _decibels(self, power: Tensor) -> Tensor:
        reference = 10.0 * np.log10(max(abs(self.ref_power), self.min_power))
        level = 10.0 * ops.log10(ops.maximum(power, self.min_power)) - float(reference)
        return ops.maximum(level, ops.max(level) - self.top_db)

    def linear_to_mel_weight_matrix(self, num_mel_bins: int = 20, num_spectrogram_bins: int = 129,
                                    sampling_rate: float = 8000, lower_edge_hertz: float = 125.0,
                                    upper_edge_hertz: float = 3800.0, dtype: str = "float32") -> Tensor:
        """Return how much each frequency counts in each band, (frequencies, bands): triangles of height 1 in mel.

        `mel(f) = 1127 log(1 + f / 700)`; frequency 0 counts nowhere. Source: the Hidden Markov Model Toolkit.
        """
        frequencies = np.linspace(0.0, sampling_rate / 2, num_spectrogram_bins)
        edges = np.linspace(_mel(lower_edge_hertz), _mel(upper_edge_hertz), num_mel_bins + 2)
        place = _mel(frequencies)[:, None]
        rising = (place - edges[:-2]) / (edges[1:-1] - edges[:-2])
        falling = (edges[2:] - place) / (edges[2:] - edges[1:-1])
        weights = np.maximum(0.0, np.minimum(rising, falling))
        weights[0] = 0.0
        return ops.convert_to_tensor(weights, dtype=dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return (..., bands, windows)."""
        samples = input_shape[-1]
        if samples is not None:
            samples = 1 + (samples + self.fft_length // 2 * 2 - self.fft_length) // self.sequence_stride
        return (*input_shape[:-1], self.num_mel_bins, samples)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("fft_length", "sequence_stride", "sequence_length", "window", "sampling_rate", "num_mel_bins",
                 "min_freq", "max_freq", "power_to_db", "top_db", "mag_exp", "min_power", "ref_power")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0)
