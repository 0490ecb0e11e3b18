"""What StringLookup and IntegerLookup share: a vocabulary, learned or given, and what is made of its numbers."""

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import Tensor
from kerasish.layers.base.layer import Layer
from kerasish.layers.preprocessing.adapting import batches_of, is_whole
from kerasish.layers.preprocessing.encoding import MODES, checked_mode, encode, encoded_shape, refuse_sparse
from kerasish.layers.preprocessing.fingerprint import checked_salt
from kerasish.utils import config


class IndexLookup(Layer):
    """Tokens to numbers. The order: the mask token (0; in mode "int" alone), those that stand for unknown tokens,
    then the vocabulary, most frequent tokens first and among equals the greatest first.

    Args:
        max_tokens: largest size of the vocabulary, special tokens included; None for any.
        num_oov_indices: how many numbers stand for unknown tokens; with none, these raise.
        mask_token: stands for padding.
        oov_token: what is written for an unknown token.
        vocabulary_dtype: "string" or "int64".
        vocabulary: the tokens, or path of a file with one a line; None to learn it with `adapt`.
        idf_weights: (mode "tf_idf") inverse document frequency of each token.
        invert: whether numbers are turned into tokens.
        output_mode: "int", or "one_hot", "multi_hot", "count", "tf_idf": vectors as long as the vocabulary.
        sparse: must be false.
        pad_to_max_tokens: whether vectors have length `max_tokens` in any case.
        oov_method: "floormod" or "farmhash": how one of several numbers for unknown integers is chosen.
        salt: key of the hash that chooses one of several numbers for unknown tokens.
        name: unique if left out.
    """

    def __init__(self, max_tokens: int | None, num_oov_indices: int, mask_token: Any, oov_token: Any,
                 vocabulary_dtype: str, vocabulary: Any = None, idf_weights: Any = None, invert: bool = False,
                 output_mode: str = "int", sparse: bool = False, pad_to_max_tokens: bool = False,
                 oov_method: str = "floormod", salt: Any = None, name: str | None = None, **kwargs: Any):
        kind = type(self).__name__
        output_mode = checked_mode(output_mode, (*MODES, "tf_idf"), kind)
        refuse_sparse(sparse, kind)
        _check(kind, max_tokens, num_oov_indices, pad_to_max_tokens, oov_method, invert, output_mode, idf_weights)
        size = kwargs.pop("vocabulary_size", None)
        given = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        for ignored in ("dtype", "trainable"):
            kwargs.pop(ignored, None)
        super().__init__(name=name, **kwargs)
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.invert, self.max_tokens, self.num_oov_indices = invert, max_tokens, num_oov_indices
        self.mask_token, self.oov_token, self.output_mode = mask_token, oov_token, output_mode
        self.sparse, self.pad_to_max_tokens, self.vocabulary_dtype = False, pad_to_max_tokens, vocabulary_dtype
        self.oov_method, self.salt = oov_method, checked_salt(salt)
        # An empty vocabulary in a config is one that was not learned yet.
        self._frozen_vocab_size = size if size and size > self._token_start else None
        self.input_vocabulary = None if vocabulary is None or isinstance(vocabulary, str) else np.asarray(vocabulary)
        self.input_idf_weights = None if idf_weights is None else np.asarray(idf_weights)
        self._has_input_vocabulary = given
        self.idf_weights: np.ndarray | None = None
        if output_mode == "tf_idf" and given and vocabulary is not None and idf_weights is None:
            raise ValueError(f"{kind} with a `vocabulary` in mode 'tf_idf' needs `idf_weights` too")
        self._install([])
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        self.reset_state()
        self.built = True

    # What a kind of token is to the table, and back; and the table itself.

    def _key(self, token: Any) -> Any:
        raise NotImplementedError

    def _token(self, key: Any) -> Any:
        raise NotImplementedError

    def _rows(self, data: Any) -> list[list[Any]]:
        """Keys of a batch, a list a document."""
        raise NotImplementedError

    def _index(self, inputs: Any) -> Tensor:
        raise NotImplementedError

    def _tokens_at(self, inputs: Any) -> Any:
        raise NotImplementedError

    def _install(self, keys: list[Any]) -> None:
        """Make the table from the keys of the vocabulary, special ones aside."""
        raise NotImplementedError

    _keys: Any

    @property
    def compute_dtype(self) -> str:
        """Dtype of the tokens."""
        return self.vocabulary_dtype

    @property
    def variable_dtype(self) -> str:  # type: ignore[override]
        """Dtype of the tokens."""
        return self.vocabulary_dtype

    # ---- the vocabulary ------------------------------------------------------------------------

    @property
    def _oov_start(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    @property
    def _token_start(self) -> int:
        return self._oov_start + self.num_oov_indices

    def _special_tokens(self) -> list[Any]:
        return [self.mask_token] * self._oov_start + [self.oov_token] * self.num_oov_indices

    def vocabulary_size(self) -> int:
        """Return how many tokens there are, special ones included."""
        return self._token_start + len(self._keys)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Return the tokens, each at its number; without special ones if so told."""
        learned = [self._token(k) for k in self._keys]
        return self._special_tokens() + learned if include_special_tokens else learned

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Replace the vocabulary.

        Args:
            vocabulary: tokens, each once, with or without the special ones in front; or the path of a text file
                with one a line.
            idf_weights: (mode "tf_idf") a number a token.

        Raises:
            ValueError: tokens are missing, repeated or reserved, too many, or `idf_weights` does not fit.
        """
        if (idf_weights is not None) != (self.output_mode == "tf_idf"):
            raise ValueError(f"layer {self.path!r}: `idf_weights` must be set in output mode 'tf_idf' and in no other; "
                             f"the mode is {self.output_mode!r}, and they are {idf_weights!r}")
        if isinstance(vocabulary, str):
            vocabulary = self._from_file(vocabulary)
        tokens = vocabulary.tolist() if hasattr(vocabulary, "tolist") else list(vocabulary)
        if not tokens:
            raise ValueError(f"layer {self.path!r} cannot have an empty vocabulary")
        keys = [self._key(t) for t in tokens]
        special = [self._key(t) for t in self._special_tokens()]
        with_special = bool(special) and keys[: len(special)] == special
        learned = keys[len(special):] if with_special else keys
        self._check_keys(learned)
        weights = None if idf_weights is None else self._padded_weights(idf_weights, len(keys), with_special)
        self._install(learned)
        self._record_size()
        self.idf_weights = weights

    def _from_file(self, path: str) -> list[Any]:
        if not os.path.exists(path):
            raise ValueError(f"layer {self.path!r}: there is no vocabulary file {path!r}")
        return self._read_tokens(path)

    def _check_keys(self, keys: list[Any]) -> None:
        seen: set[Any] = set()
        repeated = [self._token(k) for k in keys if k in seen or seen.add(k)]  # type: ignore[func-returns-value]
        if repeated:
            raise ValueError(f"layer {self.path!r}: tokens stand in the vocabulary more than once: {repeated[:20]}")
        reserved = [("mask_token", self.mask_token)] + ([("oov_token", self.oov_token)] if self.invert else [])
        for name, token in reserved:
            if token is not None and self._key(token) in seen:
                raise ValueError(f"layer {self.path!r}: the reserved `{name}` {token!r} stands among the tokens: the "
                                 f"vocabulary must begin with {self._special_tokens()}, or hold none of these")
        size = self._token_start + len(keys)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(f"layer {self.path!r}: the vocabulary has {size} tokens with the special ones, but "
                             f"`max_tokens` is {self.max_tokens}")

    def _padded_weights(self, idf_weights: Any, count: int, with_special: bool) -> np.ndarray:
        weights = np.asarray(idf_weights, config.floatx())
        if weights.shape != (count,):
            raise ValueError(f"layer {self.path!r}: `idf_weights` must have one number for each of {count} tokens, "
                             f"got shape {weights.shape}")
        front = 0 if with_special else self._token_start
        return self._filled_up(np.concatenate([np.full(front, weights.mean(), weights.dtype), weights]))

    def _filled_up(self, weights: np.ndarray) -> np.ndarray:
        missing = self._depth - len(weights) if self.pad_to_max_tokens else 0
        return np.concatenate([weights, np.zeros(missing, weights.dtype)])

    def _record_size(self) -> None:
        size = self.vocabulary_size()
        fixed = self.output_mode != "int" and not self.pad_to_max_tokens
        if fixed and self._frozen_vocab_size not in (None, size):
            raise RuntimeError(
                f"layer {self.path!r} writes vectors as long as its vocabulary, so its size cannot change from "
                f"{self._frozen_vocab_size} to {size}: make a new layer, or use `pad_to_max_tokens`")
        self._frozen_vocab_size = size

    @property
    def _depth(self) -> Any:
        return self.max_tokens if self.pad_to_max_tokens else self._frozen_vocab_size

    # ---- learning it ---------------------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the vocabulary from data, forgetting what was learned before.

        Args:
            data: an array or list of tokens, or a data set or other iterable of batches.
            steps: how many batches to take; all by default.
        """
        self.reset_state()
        if is_whole(data, lists=True):
            array = np.array(data, dtype=object if self.vocabulary_dtype == "string" else None)
            self.update_state(array[:, None] if array.ndim == 1 else array)
        else:
            for batch in batches_of(data, self.path, steps):
                self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch; each row is a document, a vector is one."""
        self._count(self._rows(data))

    def _count(self, rows: Iterable[list[Any]]) -> None:
        if self._has_input_vocabulary:
            raise ValueError(f"layer {self.path!r} was given its vocabulary, so it cannot adapt to data")
        for row in rows:
            self._token_counts.update(row)
            if self.output_mode == "tf_idf":
                self._document_counts.update(set(row))
            self._documents += 1

    def finalize_state(self) -> None:
        """Make the vocabulary from the counts."""
        counts = self._token_counts
        if self._has_input_vocabulary or not counts:
            self._record_size()
            return
        for token in (self.mask_token, self.oov_token):
            if token is not None:
                counts.pop(self._key(token), None)
        ranked = sorted(counts, key=lambda k: (counts[k], k), reverse=True)
        keys = ranked[: self.max_tokens - self._token_start] if self.max_tokens else ranked
        self._install(keys)
        self._record_size()
        if self.output_mode == "tf_idf":
            containing = np.array([self._document_counts[k] for k in keys], "float64")
            weights = np.log(1 + self._documents / (1 + containing)).astype(config.floatx())
            mean = weights.mean() if len(weights) else 0.0
            front = np.full(self._token_start, mean, weights.dtype)
            self.idf_weights = self._filled_up(np.concatenate([front, weights]))
        self.reset_state()

    def reset_state(self) -> None:
        """Forget the counts."""
        self._token_counts: Counter = Counter()
        self._document_counts: Counter = Counter()
        self._documents = 0

    # ---- computing -----------------------------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        """Return the numbers of tokens, vectors made of them, or with `invert` tokens."""
        self._check_known()
        if self.invert:
            return self._tokens_at(inputs)
        index = self._index(inputs)
        if self.output_mode == "int":
            return index
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return self._weighted(encode(index, mode, self._depth, "int64"))

    def _check_known(self) -> None:
        if self.output_mode != "int" and self._depth is None:
            raise RuntimeError(f"layer {self.path!r} has no vocabulary yet, so the length of its vectors is unknown: "
                               "give it a `vocabulary`, call `adapt` on data, or set `pad_to_max_tokens`")

    def _weighted(self, counts: Tensor) -> Tensor:
        if self.output_mode != "tf_idf":
            return counts
        if self.idf_weights is None:
            raise ValueError(f"layer {self.path!r} has no `idf_weights` yet: call `adapt` or `set_vocabulary`")
        return ops.multiply(ops.cast(counts, self.idf_weights.dtype.name), self.idf_weights)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the numbers or vectors."""
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return encoded_shape(input_shape, mode, self._depth)

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        """Return the symbolic output for a symbolic input."""
        dtype = self.vocabulary_dtype if self.invert else self._result_dtype
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)

    @property
    def _result_dtype(self) -> str:
        return config.floatx() if self.output_mode == "tf_idf" else "int64"

    # ---- config and files ----------------------------------------------------------------------

    def get_build_config(self) -> dict[str, Any]:
        """Return nothing: no shape is needed to build it."""
        return {}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """There is nothing to build."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; a learned vocabulary stands in a file of its own."""
        listed = {name: None if value is None else value.tolist() for name, value in (
            ("idf_weights", self.input_idf_weights), ("vocabulary", self.input_vocabulary))}
        return {**super().get_config(), "invert": self.invert, "max_tokens": self.max_tokens,
                "num_oov_indices": self.num_oov_indices, "oov_token": self.oov_token, "mask_token": self.mask_token,
                "output_mode": self.output_mode, "sparse": False, "pad_to_max_tokens": self.pad_to_max_tokens,
                "vocabulary_dtype": self.vocabulary_dtype, **listed, "vocabulary_size": self._frozen_vocab_size,
                "oov_method": self.oov_method, "salt": None if self.salt is None else list(self.salt)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer from what `get_config` gave.

        Raises:
            ValueError: the vocabulary is the path of a file: a config must not make us read files.
        """
        if isinstance(config.get("vocabulary"), str):
            raise ValueError(f"the config of a {cls.__name__} names a vocabulary file, {config['vocabulary']!r}: "
                             "refusing to read it; make the layer without it and call set_vocabulary(path)")
        return super().from_config(config)

    def save_own_variables(self, store: Any) -> None:
        """Write the inverse document frequencies, if there are any."""
        if self.output_mode == "tf_idf" and self.idf_weights is not None:
            store["idf_weights"] = self.idf_weights

    def load_own_variables(self, store: Any) -> None:
        """Read the inverse document frequencies, if there are any."""
        if self.output_mode == "tf_idf" and "idf_weights" in store:
            self.idf_weights = np.asarray(store["idf_weights"])

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary as `vocabulary.txt`, unless it stands in the config.

        Raises:
            ValueError: a token holds a line break, which the format has no way to write.
        """
        if self.input_vocabulary is not None:
            return
        lines = [str(t) for t in self.get_vocabulary()]
        broken = next((line for line in lines if "\n" in line), None)
        if broken is not None:
            raise ValueError(f"layer {self.path!r}: the token {broken!r} holds a line break, and cannot be saved in a "
                             "file of one token a line: give the layer its `vocabulary` when it is made")
        with open(os.path.join(dir_path, "vocabulary.txt"), "w", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(lines))

    def load_assets(self, dir_path: str) -> None:
        """Read the vocabulary that `save_assets` wrote."""
        if self.input_vocabulary is not None:
            return
        tokens = self._read_tokens(os.path.join(dir_path, "vocabulary.txt"))
        if tokens[: self._token_start] == self._special_tokens() and len(tokens) == self._token_start:
            return  # it was saved before it was learned
        self.set_vocabulary(tokens, self.idf_weights)

    def _read_tokens(self, path: str) -> list[Any]:
        with open(path, encoding="utf-8", newline="\n") as file:
            lines = file.read().split("\n")
        while lines and not lines[-1]:
            lines.pop()
        return [self._read_token(line) for line in lines]

    def _read_token(self, line: str) -> Any:
        return line


def _check(kind: str, max_tokens: Any, num_oov_indices: Any, pad_to_max_tokens: Any, oov_method: Any, invert: Any,
           output_mode: str, idf_weights: Any) -> None:
    if max_tokens is not None and max_tokens <= 1:
        raise ValueError(f"argument `max_tokens` of {kind} must be greater than 1, got {max_tokens!r}")
    if pad_to_max_tokens and max_tokens is None:
        raise ValueError(f"{kind} with `pad_to_max_tokens` needs `max_tokens`")
    if num_oov_indices < 0:
        raise ValueError(f"argument `num_oov_indices` of {kind} must be at least 0, got {num_oov_indices!r}")
    if oov_method not in ("floormod", "farmhash"):
        raise ValueError(f"argument `oov_method` of {kind} must be 'floormod' or 'farmhash', got {oov_method!r}")
    if invert and output_mode != "int":
        raise ValueError(f"{kind} with `invert` needs output_mode='int', got {output_mode!r}")
    if idf_weights is not None and output_mode != "tf_idf":
        raise ValueError(f"argument `idf_weights` of {kind} is for output_mode='tf_idf' alone, got {output_mode!r}")
