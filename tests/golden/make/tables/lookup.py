"""Layers that look up text and numbers, and what Keras adapts with TensorFlow only."""

import numpy as np

from make.draws import normal
from make.layers import row

WORDS = np.array([["a", "b", "x"], ["c", "", "a"]])
CORPUS = np.array(["the cat", "the dog the cat", "a bird", "cat cat dog"])
TEXTS = np.array(["The cat, the DOG!", "a fish", ""])
NUMBERS = np.array([[3, 1, 9], [5, 0, 3]], "int64")
SEEN = np.array([3, 3, 5, 1, 3, 5], "int64")
VOCABULARY = dict(vocabulary=["a", "b", "c"])
OPTIONS = dict(symbolic=False, grad=False, weights=False)

ROWS = [
    row("Discretization", "adapt", dict(num_bins=4), normal(3, 4), adapt=normal(40, std=2), grad=False),
    row("Discretization", "adapt_epsilon", dict(num_bins=3, epsilon=0.1), normal(3, 4), adapt=normal(30, std=2),
        grad=False),
    row("StringLookup", "int", dict(**VOCABULARY), WORDS, **OPTIONS),
    row("StringLookup", "mask", dict(mask_token="", **VOCABULARY), WORDS, **OPTIONS),
    row("StringLookup", "oov3", dict(num_oov_indices=3, **VOCABULARY), WORDS, **OPTIONS),
    row("StringLookup", "invert", dict(invert=True, **VOCABULARY), np.array([[0, 1, 2], [3, 9, 1]], "int64"),
        **OPTIONS),
    row("StringLookup", "multi_hot", dict(output_mode="multi_hot", **VOCABULARY), WORDS, **OPTIONS),
    row("StringLookup", "one_hot", dict(output_mode="one_hot", **VOCABULARY), WORDS[:, 0], **OPTIONS),
    row("StringLookup", "count", dict(output_mode="count", **VOCABULARY), WORDS, **OPTIONS),
    row("StringLookup", "tf_idf", dict(output_mode="tf_idf", idf_weights=[0.5, 1.0, 2.0], **VOCABULARY), WORDS,
        **OPTIONS),
    row("StringLookup", "adapt", dict(max_tokens=4), WORDS,
        adapt=np.array(["b", "a", "b", "c", "a", "b", "d"]), **OPTIONS),
    row("StringLookup", "adapt_padded", dict(max_tokens=8, output_mode="multi_hot", pad_to_max_tokens=True), WORDS,
        adapt=np.array(["b", "a", "b"]), **OPTIONS),
    row("IntegerLookup", "int", dict(vocabulary=[3, 5]), NUMBERS, **OPTIONS),
    row("IntegerLookup", "mask", dict(vocabulary=[3, 5], mask_token=0), NUMBERS, **OPTIONS),
    row("IntegerLookup", "oov2", dict(vocabulary=[3, 5], num_oov_indices=2), NUMBERS, **OPTIONS),
    row("IntegerLookup", "count", dict(vocabulary=[3, 5], output_mode="count"), NUMBERS, **OPTIONS),
    row("IntegerLookup", "adapt", dict(), NUMBERS, adapt=SEEN, **OPTIONS),
    row("IntegerLookup", "invert", dict(vocabulary=[3, 5], invert=True), np.array([0, 1, 2], "int64"), **OPTIONS),
    row("TextVectorization", "int", dict(), TEXTS, adapt=CORPUS, **OPTIONS),
    row("TextVectorization", "length", dict(output_sequence_length=3, max_tokens=5), TEXTS, adapt=CORPUS, **OPTIONS),
    row("TextVectorization", "multi_hot", dict(output_mode="multi_hot"), TEXTS, adapt=CORPUS, **OPTIONS),
    row("TextVectorization", "count_padded", dict(output_mode="count", max_tokens=9, pad_to_max_tokens=True), TEXTS,
        adapt=CORPUS, **OPTIONS),
    row("TextVectorization", "tf_idf", dict(output_mode="tf_idf"), TEXTS, adapt=CORPUS, **OPTIONS),
    row("TextVectorization", "bigrams", dict(ngrams=2), TEXTS, adapt=CORPUS, **OPTIONS),
    row("TextVectorization", "trigrams", dict(ngrams=3), TEXTS, adapt=CORPUS, **OPTIONS),
    row("TextVectorization", "characters", dict(split="character", output_sequence_length=6), TEXTS, adapt=CORPUS,
        **OPTIONS),
    row("TextVectorization", "lower_only", dict(standardize="lower"), TEXTS, adapt=CORPUS, **OPTIONS),
    row("TextVectorization", "no_standardize", dict(standardize=None, split=None), CORPUS, adapt=CORPUS, **OPTIONS),
    row("TextVectorization", "vocabulary", dict(vocabulary=["cat", "dog"]), TEXTS, **OPTIONS),
    row("Hashing", "text", dict(num_bins=7), WORDS, **OPTIONS),
    row("Hashing", "numbers", dict(num_bins=7), NUMBERS, **OPTIONS),
    row("Hashing", "salt", dict(num_bins=7, salt=133), WORDS, **OPTIONS),
    row("Hashing", "salts", dict(num_bins=7, salt=[133, 137]), WORDS, **OPTIONS),
    row("Hashing", "mask", dict(num_bins=7, mask_value=""), WORDS, **OPTIONS),
    row("HashedCrossing", "text", dict(num_bins=7), [WORDS[:, :1], WORDS[:, 1:2]], **OPTIONS),
    row("HashedCrossing", "numbers", dict(num_bins=7), [NUMBERS[:, :1], NUMBERS[:, 1:2]], **OPTIONS),
    row("HashedCrossing", "one_hot", dict(num_bins=5, output_mode="one_hot"), [WORDS[:, :1], WORDS[:, 1:2]],
        **OPTIONS),
    row("Hashing", "multi_hot", dict(num_bins=5, output_mode="multi_hot"), WORDS, **OPTIONS),
]
