"""Reuters: newswires of 1987, and what each is about."""

import numpy as np

from kerasish.datasets.download import Split, fetch, shuffled, train_size
from kerasish.datasets.text import as_objects, keep_short, limit_words, load_word_index, mark
from kerasish.datasets.untrusted import load_npz

_HASH = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
_INDEX_HASH = "4d44cc38712099c9e383dc6e5f11a921"
_TOPICS = """
    cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass
    crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi
    iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead
"""


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> Split:
    """Return `(x_train, y_train), (x_test, y_test)`: 11228 newswires in all.

    Args:
        path: the file's name in the cache.
        num_words: word numbers from here on become `oov_char`; by default from the largest on.
        skip_top: word numbers below this become `oov_char`.
        maxlen: newswires of this many words or more are left out.
        test_split: the fraction that tests.
        seed: of the shuffle before the split.
        start_char: stands before each newswire; None for nothing.
        oov_char: stands for a word that is not kept; None leaves it out.
        index_from: is added to each word's number: the commonest is `index_from + 1`.

    Returns:
        x: object array of shape (n,), lists of word numbers.
        y: int64 of shape (n,), the topic from 0 to 45.

    Raises:
        ValueError: no newswire is shorter than `maxlen`, or `test_split` is out of range.

    Source: Lewis, Reuters-21578; `keras.datasets.reuters`.
    """
    arrays = load_npz(fetch(path, "reuters.npz", _HASH))
    order = shuffled(len(arrays["x"]), np.random.RandomState(seed))
    texts, y = keep_short(mark(arrays["x"][order], start_char, index_from), arrays["y"][order], maxlen)
    x = as_objects(limit_words(texts, num_words, skip_top, oov_char))
    n_train = train_size(len(x), test_split)
    return (x[:n_train], y[:n_train]), (x[n_train:], y[n_train:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """Return the number of each word, 1 for the commonest; `load_data` adds `index_from` to it.

    Args:
        path: the file's name in the cache.
    """
    return load_word_index(path, "reuters_word_index.json", _INDEX_HASH)


def get_label_names() -> tuple[str, ...]:
    """Return the 46 topics in the order of their numbers."""
    return tuple(_TOPICS.split())
