"""WAV files in folders as a data set."""

import os
import wave
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.data.directory import dataset_from_directory


def audio_dataset_from_directory(
    directory: str | os.PathLike, labels: Any = "inferred", label_mode: str | None = "int",
    class_names: Sequence[str] | None = None, batch_size: int | None = 32, sampling_rate: int | None = None,
    output_sequence_length: int | None = None, ragged: bool = False, shuffle: bool = True, seed: int | None = None,
    validation_split: float | None = None, subset: str | None = None, follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """Return a data set of the 16-bit `.wav` files below a folder: float32 samples in [-1, 1), and labels.

    Args:
        sampling_rate: samples a second that every file must have; nothing is resampled.
        output_sequence_length: samples to which every file is cut or filled up with zeros; by default those of
            the longest file in the batch.
        ragged: not available, must be False.
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset,
            follow_links, verbose: see `image_dataset_from_directory`.

    Returns:
        A `Dataset` of `(audio, labels)`, or of audio alone, of shape (batch, samples, channels); a list of two for
        `subset="both"`. It has the attributes `class_names` and `file_paths`.

    Raises:
        ValueError: an argument is wrong, or a file has another rate or width; names the file.

    Source: `keras.utils.audio_dataset_from_directory`.
    """
    if ragged:
        raise ValueError("ragged=True is not available: there are no ragged tensors; batches are filled up with zeros")
    for name, value in (("sampling_rate", sampling_rate), ("output_sequence_length", output_sequence_length)):
        if value is not None and not isinstance(value, int):
            raise ValueError(f"`{name}` should have an integer value. Received: {value!r}")
        if value is not None and value < 1:
            raise ValueError(f"`{name}` should be higher than 0. Received: {value!r}")

    def load(path: str) -> np.ndarray:
        audio = _read_wav(path, sampling_rate)
        if output_sequence_length is None:
            return audio
        audio = audio[:output_sequence_length]
        return np.pad(audio, ((0, output_sequence_length - len(audio)), (0, 0)))

    return dataset_from_directory(
        directory, load, (".wav",), "audio files", labels=labels, label_mode=label_mode, class_names=class_names,
        batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset,
        follow_links=follow_links, format="tf", verbose=verbose, pad=output_sequence_length is None,
    )


def _read_wav(path: str, sampling_rate: int | None) -> np.ndarray:
    with wave.open(path, "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path} has samples of {8 * file.getsampwidth()} bits, expected 16")
        if sampling_rate not in (None, file.getframerate()):
            raise ValueError(f"{path} has {file.getframerate()} samples a second, expected {sampling_rate}")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.reshape(-1, file.getnchannels()).astype("float32") / 32768.0
