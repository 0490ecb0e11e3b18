"""What IMDB and Reuters share: texts as lists of word numbers, the commonest word first."""

import json
from collections.abc import Iterable, Sequence

import numpy as np

from kerasish.datasets.download import fetch

Texts = list[list[int]]


def mark(texts: Iterable[Sequence[int]], start_char: int | None, index_from: int | None) -> Texts:
    """Return texts with all word numbers raised by `index_from`, and `start_char` before the first word."""
    start = [] if start_char is None else [start_char]
    offset = index_from or 0
    return [start + [word + offset for word in text] for text in texts]


def keep_short(texts: Texts, labels: np.ndarray, maxlen: int | None) -> tuple[Texts, np.ndarray]:
    """Return the texts of fewer than `maxlen` words (all of them for None) and their labels.

    Raises:
        ValueError: none is so short.
    """
    if not maxlen:
        return texts, labels
    short = [i for i, text in enumerate(texts) if len(text) < maxlen]
    if not short:
        raise ValueError(f"no text has fewer than maxlen={maxlen} words; raise maxlen")
    return [texts[i] for i in short], labels[short]


def limit_words(texts: Texts, num_words: int | None, skip_top: int, oov_char: int | None) -> Texts:
    """Return texts in which only words from `skip_top` up to, not including, `num_words` are left.

    Args:
        texts: lists of word numbers.
        num_words: by default the largest word number.
        skip_top: the smallest word number that stays.
        oov_char: what stands for the others; None leaves them out.
    """
    limit = num_words or max(max(text) for text in texts)
    if oov_char is None:
        return [[word for word in text if skip_top <= word < limit] for text in texts]
    return [[word if skip_top <= word < limit else oov_char for word in text] for text in texts]


def as_objects(texts: Texts) -> np.ndarray:
    """Return a one-dimensional array of lists, also where all of them have one length."""
    out = np.empty(len(texts), dtype=object)
    for i, text in enumerate(texts):
        out[i] = text
    return out


def load_word_index(path: str, file: str, file_hash: str) -> dict[str, int]:
    """Return the number of each word, 1 for the commonest, before `index_from` is added."""
    with open(fetch(path, file, file_hash), encoding="utf-8") as content:
        return json.load(content)
