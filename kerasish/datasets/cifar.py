"""What CIFAR-10 and CIFAR-100 share: pickled batches of 32x32 colour pictures."""

from pathlib import Path

import numpy as np

from kerasish.datasets.untrusted import load_pickle
from kerasish.utils import config


def load_batches(paths: list[Path], label_key: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the pictures and labels of the batches, one after the other.

    Args:
        paths: the pickled batches.
        label_key: which of their entries holds the labels.

    Returns:
        x: uint8 of shape (n, 32, 32, 3), or (n, 3, 32, 32) where the global data format is "channels_first".
        y: uint8 of shape (n, 1).
    """
    batches = [_load(path, label_key) for path in paths]
    x = np.concatenate([pictures for pictures, _ in batches]).reshape(-1, 3, 32, 32)
    y = np.concatenate([labels for _, labels in batches]).reshape(-1, 1)
    return x.transpose(0, 2, 3, 1) if config.image_data_format() == "channels_last" else x, y


def _load(path: Path, label_key: str) -> tuple[np.ndarray, np.ndarray]:
    with open(path, "rb") as file:
        batch = load_pickle(file, encoding="bytes")
    return batch[b"data"], np.asarray(batch[label_key.encode()], "uint8")
