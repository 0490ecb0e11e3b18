"""Texts to rows of token numbers, or to vectors of token counts."""

import string
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.dispatch import to_tensor
from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import Tensor
from kerasish.layers.base.arguments import is_int
from kerasish.layers.base.layer import Layer
from kerasish.layers.preprocessing.adapting import batches_of, is_whole
from kerasish.layers.preprocessing.encoding import MODES, checked_mode, refuse_sparse
from kerasish.layers.preprocessing.string_lookup import NOWHERE, StringLookup
from kerasish.layers.preprocessing.strings import flat_bytes, text_array
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object

# Bytes to lower case and bytes to drop. Only ASCII letters are lowered, as in Keras; other letters keep their bytes.
_LOWER, _SAME = bytes(range(256)).lower(), bytes(range(256))
_PUNCTUATION = string.punctuation.encode()
STANDARDIZE = {None: (_SAME, b""), "lower": (_LOWER, b""), "strip_punctuation": (_SAME, _PUNCTUATION),
               "lower_and_strip_punctuation": (_LOWER, _PUNCTUATION)}
Rows = list[list[bytes]]


@builtin("keras.layers")
class TextVectorization(Layer):
    """Turn texts into numbers: standardize, split into tokens, join neighbours to n-grams, look up in a vocabulary.

    Texts are NumPy arrays or lists of `str`, shape (batch,) or (batch, 1). In mode "int" number 0 pads, 1 stands for
    unknown tokens. Source: Keras `layers.TextVectorization`.

    Args:
        max_tokens: largest size of the vocabulary, special tokens included; None for any.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation" (letters and marks of ASCII), None,
            or a function from an array of strings to one.
        split: "whitespace", "character", None (each string is a token), or a function from an array of strings to a
            list of tokens for each.
        ngrams: n for all groups of 1 to n neighbouring tokens, or a tuple of their lengths; None for single tokens.
        output_mode: "int" (rows of numbers), or "multi_hot", "count", "tf_idf" (vectors as long as the vocabulary).
        output_sequence_length: (mode "int") length of the rows; by default that of the longest.
        pad_to_max_tokens: whether vectors have length `max_tokens` in any case.
        vocabulary: the tokens, or path of a file with one a line; None to learn it with `adapt`.
        idf_weights: (mode "tf_idf") inverse document frequency of each token.
        sparse, ragged: must be false.
        encoding: how strings are written as bytes.
        name: unique if left out.
    """

    def __init__(self, max_tokens: int | None = None, standardize: Any = "lower_and_strip_punctuation",
                 split: Any = "whitespace", ngrams: Any = None, output_mode: str = "int",
                 output_sequence_length: int | None = None, pad_to_max_tokens: bool = False, vocabulary: Any = None,
                 idf_weights: Any = None, sparse: bool = False, ragged: bool = False, encoding: str = "utf-8",
                 name: str | None = None, **kwargs: Any):
        output_mode = checked_mode(output_mode, (*MODES, "tf_idf"), "TextVectorization")
        refuse_sparse(sparse, "TextVectorization")
        if ragged:
            raise ValueError("TextVectorization cannot make ragged tensors: leave out `ragged`, rows are padded")
        _check(standardize, split, ngrams, output_mode, output_sequence_length)
        lookup = {name: kwargs.pop(name) for name in ("has_input_vocabulary", "vocabulary_size") if name in kwargs}
        super().__init__(name=name, **kwargs)
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self._standardize, self._split, self._ngrams_argument = standardize, split, ngrams
        self._ngrams = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
        self._output_mode, self._length, self._encoding = output_mode, output_sequence_length, encoding
        # Of this name: files hold its vocabulary under it.
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, mask_token="",
            output_mode=output_mode, pad_to_max_tokens=pad_to_max_tokens, encoding=encoding, **lookup)

    compute_dtype = property(lambda self: "string", doc="Dtype of its inputs.")
    variable_dtype = property(lambda self: "string", doc="Dtype of its inputs.")

    def build(self, input_shape: Any = None) -> None:
        """There is nothing to build."""

    # ---- the vocabulary ------------------------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary from texts, forgetting what was learned before.

        Args:
            data: an array or list of texts, or a data set or other iterable of batches.
            batch_size: makes no difference.
            steps: how many batches to take; all by default.
        """
        self.reset_state()
        if is_whole(data, lists=True):
            array = np.array(data, dtype=object)
            self.update_state(array[:, None] if array.ndim == 1 else array)
        else:
            for batch in batches_of(data, self.path, steps):
                self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch of texts, each of them a document."""
        self._lookup_layer._count(self._tokens(data)[0])

    def finalize_state(self) -> None:
        """Make the vocabulary from the counts."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forget the counts."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """Return the tokens, each at its number; without padding and the unknown token if so told."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Return how many tokens there are, special ones included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Replace the vocabulary; arguments as in `StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights=idf_weights)

    # ---- texts to tokens -----------------------------------------------------------------------

    def _tokens(self, inputs: Any) -> tuple[Rows, tuple[int, ...]]:
        """Return a list of tokens for each text, and the shape in which the lists stand."""
        flat, shape = flat_bytes(inputs, self._encoding, self.path)
        if callable(self._standardize):
            standard = self._standardize(text_array(flat, shape, self._encoding))
            flat, shape = flat_bytes(standard, self._encoding, self.path)
        elif self._standardize is not None:
            table, dropped = STANDARDIZE[self._standardize]
            flat = [text.translate(table, dropped) for text in flat]
        if self._split is None:
            width = shape[-1] if shape else 1
            rows, shape = [flat[i: i + width] for i in range(0, len(flat), width or 1)], shape[:-1]
        else:
            shape = self._lead(shape)
            rows = self._split_into_tokens(flat, shape)
        return (rows if self._ngrams is None else [_joined(row, self._ngrams) for row in rows]), shape

    def _lead(self, shape: Any) -> tuple:
        """The shape without a last axis of length 1."""
        if len(shape) < 2:
            return tuple(shape)
        if shape[-1] not in (1, None):
            raise ValueError(f"layer {self.path!r} splits texts, which must have shape (batch,) or a last axis of "
                             f"length 1, got shape {tuple(shape)}")
        return tuple(shape[:-1])

    def _split_into_tokens(self, flat: list[bytes], shape: tuple[int, ...]) -> Rows:
        if self._split == "whitespace":
            return [text.split() for text in flat]
        if self._split == "character":
            return [[c.encode() for c in text.decode(errors="replace")] for text in flat]
        rows = self._split(text_array(flat, (len(flat),), self._encoding))
        if len(rows) != len(flat):
            raise ValueError(f"the function `split` of layer {self.path!r} must return a list of tokens for each of "
                             f"{len(flat)} texts, got {len(rows)}")
        return [flat_bytes(row, self._encoding, self.path)[0] for row in rows]

    # ---- tokens to numbers ---------------------------------------------------------------------

    def call(self, inputs: Any) -> Tensor:
        """Return (batch, length) numbers, or (batch, vocabulary) vectors."""
        lookup = self._lookup_layer
        lookup._check_known()
        rows, lead = self._tokens(inputs)
        if self._length is not None:
            rows = [row[: self._length] for row in rows]
        lengths = np.fromiter(map(len, rows), "int64", len(rows))
        numbers = lookup.numbers_of(rows)
        if self._output_mode in ("int", "one_hot"):
            return self._padded(numbers, lengths, lead)
        counts = _counted(numbers, lengths, lookup._depth)
        if self._output_mode == "multi_hot":
            counts = (counts > 0).astype("int64")
        return lookup._weighted(to_tensor(counts.reshape(*lead, lookup._depth)))

    def _padded(self, numbers: np.ndarray, lengths: np.ndarray, lead: tuple[int, ...]) -> Tensor:
        longest = int(lengths.max(initial=0)) if self._length is None else self._length
        fill = 0 if self._output_mode == "int" else NOWHERE
        out = np.full((len(lengths), longest), fill, "int64")
        out[np.arange(longest) < lengths[:, None]] = numbers
        table = to_tensor(out.reshape(*lead, longest))
        return table if self._output_mode == "int" else ops.one_hot(table, self._lookup_layer._depth, dtype="int64")

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the numbers or vectors."""
        lead = tuple(input_shape[:-1]) if self._split is None else self._lead(input_shape)
        if self._output_mode not in ("int", "one_hot"):
            return (*lead, self._lookup_layer._depth)
        length = self._length
        if length is None and self._split is None and self._ngrams is None and input_shape:
            length = input_shape[-1]
        return (*lead, length) if self._output_mode == "int" else (*lead, length, self._lookup_layer._depth)

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        """Return the symbolic output for symbolic texts."""
        return KerasTensor(self.compute_output_shape(inputs.shape), self._lookup_layer._result_dtype)

    # ---- config and files ----------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; functions by their registered names."""
        lookup = self._lookup_layer.get_config()
        functions = {name: serialize_keras_object(value) if callable(value) else value
                     for name, value in (("standardize", self._standardize), ("split", self._split))}
        return {**super().get_config(), "max_tokens": lookup["max_tokens"], **functions,
                "ngrams": self._ngrams_argument, "output_mode": self._output_mode,
                "output_sequence_length": self._length, "pad_to_max_tokens": lookup["pad_to_max_tokens"],
                "sparse": False, "ragged": False, "vocabulary": lookup["vocabulary"],
                "idf_weights": lookup["idf_weights"], "encoding": self._encoding,
                "vocabulary_size": self.vocabulary_size()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer from what `get_config` gave.

        Raises:
            ValueError: the vocabulary is the path of a file: a config must not make us read files.
        """
        if isinstance(config.get("vocabulary"), str):
            raise ValueError(f"the config of a TextVectorization names a vocabulary file, {config['vocabulary']!r}: "
                             "refusing to read it; make the layer without it and call set_vocabulary(path)")
        config = {**config, **{name: deserialize_keras_object(config[name]) for name in ("standardize", "split")
                               if isinstance(config.get(name), dict)}}
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return super().from_config(config)

    def save_own_variables(self, store: Any) -> None:
        """Write the inverse document frequencies, if there are any."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        """Read the inverse document frequencies, if there are any."""
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary as `vocabulary.txt`, unless it stands in the config."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Read the vocabulary that `save_assets` wrote."""
        self._lookup_layer.load_assets(dir_path)


def _check(standardize: Any, split: Any, ngrams: Any, output_mode: str, length: Any) -> None:
    choices: dict[str, tuple[Any, tuple]] = {
        "standardize": (standardize, tuple(STANDARDIZE)), "split": (split, (None, "whitespace", "character"))}
    for name, (value, allowed) in choices.items():
        if not callable(value) and value not in allowed:
            raise ValueError(f"argument `{name}` of TextVectorization must be one of {allowed} or a function, "
                             f"got {value!r}")
    lengths = ngrams if isinstance(ngrams, tuple) else (ngrams,)
    if ngrams is not None and not all(is_int(n, 1) for n in lengths):
        raise ValueError(f"argument `ngrams` must be None, a positive integer or a tuple of them, got {ngrams!r}")
    if length is not None and (output_mode != "int" or not is_int(length, 0)):
        raise ValueError("argument `output_sequence_length` must be None, or a non-negative integer in mode 'int'; "
                         f"got {length!r} in mode {output_mode!r}")


def _joined(tokens: list[bytes], lengths: tuple[int, ...]) -> list[bytes]:
    """All groups of neighbouring tokens of the given lengths, one length after another, joined by spaces."""
    return [b" ".join(tokens[i: i + n]) for n in lengths for i in range(len(tokens) - n + 1)]


def _counted(numbers: np.ndarray, lengths: np.ndarray, depth: int) -> np.ndarray:
    """How often each number occurs in each row: (rows, depth)."""
    place = np.repeat(np.arange(len(lengths)) * depth, lengths) + numbers
    counts = np.bincount(place[numbers != NOWHERE], minlength=len(lengths) * depth)
    return counts.reshape(len(lengths), depth)
