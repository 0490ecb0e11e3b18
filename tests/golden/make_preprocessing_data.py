"""Makes data of preprocessing layers with real Keras, where a table of rows alone will not do.

    KERAS_BACKEND=jax python tests/golden/make_preprocessing_data.py           # drawn_images, spectrograms
    KERAS_BACKEND=tensorflow python tests/golden/make_preprocessing_data.py    # texts

`drawn_images`: `class`, `kwargs`, `x`, `out` of a call with training=True in which every uniform draw takes the next
numbers of one sequence, `frac(0.618034 k)`. `spectrograms`: `class`, `kwargs`, `x`, `out`.
`texts`: first row `hashes`: `strings`, their Fingerprint64 (`fast`), SipHash under keys (`strong`), and crossing with
their place less three (`crossed`), each modulo 2^62. The others as in `layers_lookup`; `vocabulary` after `adapt`.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import keras  # noqa: E402
import numpy as np  # noqa: E402
from golden_io import save  # noqa: E402

RNG = np.random.RandomState(0)
IMAGES = (np.round(RNG.uniform(0, 255, (3, 8, 10, 3)) * 64) / 64).astype("float32")
UNIT = (np.round(RNG.uniform(0, 1, (2, 6, 5, 3)) * 1024) / 1024).astype("float32")
FIRST = {"data_format": "channels_first"}

DRAWN: list[tuple[str, dict[str, Any], np.ndarray]] = [
    *(("RandomFlip", {"mode": m}, IMAGES) for m in ("horizontal", "vertical", "horizontal_and_vertical")),
    ("RandomFlip", {"mode": "horizontal", **FIRST}, np.moveaxis(IMAGES, -1, 1)),
    ("RandomFlip", {}, IMAGES[0]),
    *(("RandomRotation", {"factor": 0.3, "fill_mode": m}, IMAGES) for m in ("reflect", "wrap", "constant", "nearest")),
    ("RandomRotation", {"factor": [-0.2, 0.1], "interpolation": "nearest", **FIRST}, np.moveaxis(IMAGES, -1, 1)),
    ("RandomRotation", {"factor": 0.3}, IMAGES[0]),
    ("RandomZoom", {"height_factor": 0.3}, IMAGES),
    ("RandomZoom", {"height_factor": [0.1, 0.5], "width_factor": [-0.4, -0.1], "fill_mode": "constant",
                    "fill_value": 7.0}, IMAGES),
    ("RandomTranslation", {"height_factor": 0.3, "width_factor": 0.2}, IMAGES),
    ("RandomTranslation", {"height_factor": [0.1, 0.4], "width_factor": [-0.3, 0.0], "fill_mode": "wrap"}, IMAGES),
    ("RandomShear", {"x_factor": 0.3, "y_factor": 0.2}, IMAGES),
    ("RandomPerspective", {"factor": 0.8, "scale": 0.5, "fill_value": 3.0}, IMAGES),
    ("RandomCrop", {"height": 5, "width": 4}, IMAGES),
    ("RandomCrop", {"height": 5, "width": 4, **FIRST}, np.moveaxis(IMAGES, -1, 1)),
    ("RandomBrightness", {"factor": 0.4}, IMAGES), ("RandomBrightness", {"factor": [0.1, 0.3]}, IMAGES[0]),
    ("RandomBrightness", {"factor": 0.4, "value_range": [0, 1]}, UNIT),
    ("RandomContrast", {"factor": 0.4}, IMAGES),
    ("RandomContrast", {"factor": [0.3, 0.6], "value_range": [0, 1], **FIRST}, np.moveaxis(UNIT, -1, 1)),
    ("RandomHue", {"factor": 0.4}, IMAGES), ("RandomHue", {"factor": 0.4, "value_range": [0, 1]}, UNIT),
    ("RandomSaturation", {"factor": [0.2, 0.7], "value_range": [0, 1]}, UNIT),
    ("RandomColorDegeneration", {"factor": 0.7}, IMAGES), ("RandomGrayscale", {"factor": 0.5}, IMAGES),
    ("RandomColorJitter", {"value_range": [0, 1], "brightness_factor": 0.2, "contrast_factor": 0.3,
                           "saturation_factor": [0.3, 0.6], "hue_factor": 0.1}, UNIT),
    ("RandomInvert", {"factor": 0.5}, IMAGES), ("RandomSharpness", {"factor": 0.8}, IMAGES),
    ("Solarization", {"addition_factor": 0.3, "threshold_factor": 0.6}, IMAGES),
    ("RandomErasing", {"factor": 0.8, "scale": [0.1, 0.5], "fill_value": 5}, IMAGES),
    ("RandomGaussianBlur", {"factor": 0.8, "kernel_size": 5, "sigma": 0.9}, IMAGES),
    ("AutoContrast", {}, IMAGES), ("AutoContrast", {"value_range": [0, 1]}, UNIT * 0.5),
    ("Equalization", {}, IMAGES), ("Equalization", {"value_range": [0, 1], "bins": 32}, UNIT),
    ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": [2, 3]}, IMAGES),
    ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": [2, 2], "clip_limit": 0.0}, IMAGES),
]
SOUND = RNG.uniform(-1, 1, (2, 900)).astype("float32")
SPECTROGRAMS: list[tuple[str, dict[str, Any], np.ndarray]] = [
    ("MelSpectrogram", {"fft_length": 128, "sequence_stride": 50, "num_mel_bins": 12, "sampling_rate": 8000}, SOUND),
    ("MelSpectrogram", {"fft_length": 128, "sequence_stride": 64, "sequence_length": 100, "window": "hamming",
                        "num_mel_bins": 6, "power_to_db": False, "mag_exp": 1.0, "max_freq": 3000.0}, SOUND[0]),
    *(("STFTSpectrogram", {"mode": m, "frame_length": 50}, np.stack([SOUND, -0.5 * SOUND], -1))
      for m in ("log", "magnitude", "psd", "real", "imag", "stft")),
    ("STFTSpectrogram", {"frame_length": 40, "frame_step": 30, "fft_length": 64, "padding": "same",
                         "expand_dims": True, "window": "hamming", "scaling": "spectrum"}, SOUND[:, :, None]),
    ("STFTSpectrogram", {"frame_length": 40, "periodic": True, **FIRST}, SOUND[:, None, :]),
]


def sequence_instead_of_draws() -> None:
    """Makes uniform draws take the next numbers of a sequence that starts anew with each row."""
    from keras.src.backend import random as backend_random

    def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
        count = int(np.prod(shape, dtype=int))
        numbers = np.modf(0.618034 * np.arange(drawn[0] + 1, drawn[0] + count + 1))[0].reshape(tuple(shape))
        drawn[0] += count
        return keras.ops.convert_to_tensor((minval + numbers * (maxval - minval)).astype("float32"))

    backend_random.uniform = uniform


drawn = [0]


def results(rows: list[tuple[str, dict[str, Any], np.ndarray]], **call: Any) -> list[dict[str, Any]]:
    """Calls a new layer for each row."""
    out = []
    for name, kwargs, x in rows:
        drawn[0] = 0
        layer = getattr(keras.layers, name)(**kwargs)
        out.append({"class": name, "kwargs": kwargs, "x": np.ascontiguousarray(x), "out": np.asarray(layer(x, **call))})
    return out


TEXTS = ["The QUICK brown fox, jumped over the dog's back!", "the fox -- the\tfox\n and the DOG", "", "  ",
         "Ünïcödé ÀÉ straße 日本語 テスト", "a_b (c) [d] {e} ~f~ `g` ^h $5.00 100%", "naïve café naïve", "x"]
ASK = ["the fox and a unicorn", "ünïcödé ÜNÏCÖDÉ 日本語", "", "dogs back café x x x"]
TEXT_ROWS: list[tuple[str, dict[str, Any], list, list]] = [
    *(("TextVectorization", {"standardize": s, "output_sequence_length": 7}, TEXTS, ASK)
      for s in ("lower_and_strip_punctuation", "lower", "strip_punctuation", None)),
    ("TextVectorization", {"split": "character"}, TEXTS, ASK),
    ("TextVectorization", {"ngrams": [2, 3], "max_tokens": 12}, TEXTS, ASK),
    ("TextVectorization", {"output_mode": "tf_idf", "max_tokens": 10, "ngrams": 2}, TEXTS, ASK),
    ("TextVectorization", {"output_mode": "tf_idf", "max_tokens": 99, "pad_to_max_tokens": True}, TEXTS, ASK),
    ("TextVectorization", {"output_mode": "count", "split": None}, TEXTS, ASK),
    ("StringLookup", {"num_oov_indices": 5}, ["b", "a", "b", "ü"], ["a", "b", "unknown", "日本", "ü", ""]),
    ("StringLookup", {"output_mode": "tf_idf", "num_oov_indices": 2}, [["a", "b"], ["a", "c"]],
     [["a", "z"], ["b", "b"]]),
    ("StringLookup", {"output_mode": "multi_hot", "mask_token": "m"}, ["b", "a", "m"], [["a", "m"], ["z", "m"]]),
    ("IntegerLookup", {"num_oov_indices": 4, "oov_method": "farmhash", "salt": [3, 7]}, [5, 7, 5], [5, 1, 2, 3, -8]),
    ("IntegerLookup", {"num_oov_indices": 3, "mask_token": 0, "max_tokens": 6}, [5, 7, 5, 0, 9], [5, 1, 0, 9, -8]),
    ("IntegerLookup", {"output_mode": "tf_idf"}, [[5, 7], [5, 9]], [[5, 1], [9, 9]]),
]


def texts() -> list[dict[str, Any]]:
    import tensorflow as tf

    draw = random.Random(0)
    lengths = (5, 7, 8, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 100, 127, 128, 129, 192, 193, 300)
    strings = ["", "a", "ab", "abc", "abcd", "omar", "ünïcödé", "日本語"] + [
        "".join(draw.choice("abcdefghij klmnop") for _ in range(n)) for n in lengths]
    size = 1 << 62
    places = tf.constant([[i - 3] for i in range(len(strings))], tf.int64)
    crossed = tf.sparse.to_dense(tf.sparse.cross_hashed([tf.constant([[s] for s in strings]), places], size))
    rows: list[dict[str, Any]] = [{
        "hashes": True, "strings": strings, "fast": tf.strings.to_hash_bucket_fast(strings, size).numpy(),
        "strong": [{"key": key, "hash": tf.strings.to_hash_bucket_strong(strings, size, key=key).numpy()}
                   for key in ([133, 133], [1, 0])],
        "crossed": crossed.numpy().ravel()}]
    for name, kwargs, data, ask in TEXT_ROWS:
        given = {k: tuple(v) if k == "ngrams" and isinstance(v, list) else v for k, v in kwargs.items()}
        layer = getattr(keras.layers, name)(**given)
        layer.adapt(np.array(data))
        vocabulary = [v.item() if hasattr(v, "item") else v for v in layer.get_vocabulary()]
        rows.append({"class": name, "kwargs": kwargs, "adapt": np.array(data), "x": np.array(ask),
                     "out": layer(np.array(ask)).numpy(), "vocabulary": vocabulary})
    return rows


if keras.backend.backend() == "tensorflow":
    save("texts", texts())
else:
    save("spectrograms", results(SPECTROGRAMS))
    sequence_instead_of_draws()
    save("drawn_images", results(DRAWN, training=True))
