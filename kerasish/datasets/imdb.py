"""IMDB: film reviews, and whether the writer liked the film."""

from typing import Any

import numpy as np

from kerasish.datasets.download import Split, fetch, shuffled
from kerasish.datasets.text import as_objects, keep_short, limit_words, load_word_index, mark
from kerasish.datasets.untrusted import load_npz

_HASH = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
_INDEX_HASH = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
    **kwargs: Any,
) -> Split:
    """Return `(x_train, y_train), (x_test, y_test)`: 25000 and 25000 reviews.

    Args:
        path: the file's name in the cache.
        num_words: word numbers from here on become `oov_char`; by default from the largest on.
        skip_top: word numbers below this become `oov_char`.
        maxlen: reviews of this many words or more are left out.
        seed: of the shuffle.
        start_char: stands before each review; None for nothing.
        oov_char: stands for a word that is not kept; None leaves it out.
        index_from: is added to each word's number: the commonest is `index_from + 1`.
        **kwargs: nothing.

    Returns:
        x: object array of shape (n,), lists of word numbers.
        y: int64 of shape (n,), 1 for a good review, 0 for a bad one.

    Raises:
        ValueError: no review is shorter than `maxlen`.
        TypeError: an argument is unknown.

    Source: Maas et al., Learning Word Vectors for Sentiment Analysis, 2011; `keras.datasets.imdb`.
    """
    if kwargs:
        raise TypeError(f"imdb.load_data takes no argument {', '.join(map(repr, kwargs))}")
    arrays = load_npz(fetch(path, "imdb.npz", _HASH))
    rng = np.random.RandomState(seed)
    parts = []
    for part in ("train", "test"):
        order = shuffled(len(arrays[f"x_{part}"]), rng)
        texts = mark(arrays[f"x_{part}"][order], start_char, index_from)
        parts.append(keep_short(texts, arrays[f"y_{part}"][order], maxlen))
    (train, y_train), (test, y_test) = parts
    texts = limit_words(train + test, num_words, skip_top, oov_char)
    return (as_objects(texts[: len(train)]), y_train), (as_objects(texts[len(train) :]), y_test)


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Return the number of each word, 1 for the commonest; `load_data` adds `index_from` to it.

    Args:
        path: the file's name in the cache.
    """
    return load_word_index(path, "imdb_word_index.json", _INDEX_HASH)
