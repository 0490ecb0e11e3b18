"""Strings to numbers by a vocabulary, or back."""

from itertools import chain
from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_lookup import IndexLookup
from kerasish.layers.preprocessing.fingerprint import bucket_of
from kerasish.layers.preprocessing.strings import flat_bytes, object_array
from kerasish.utils.registry import builtin

NOWHERE = -1  # the number of a masked token where vectors are written: it leaves no trace there


class TokenIndex(dict):
    """Token, as bytes, -> number; a token that it does not hold goes to one of `buckets` numbers from `first` on."""

    def __init__(self, keys: list[bytes], start: int, first: int, buckets: int, salt: Any):
        super().__init__(zip(keys, range(start, start + len(keys))))
        self.first, self.buckets, self.salt = first, buckets, salt

    def __missing__(self, key: bytes) -> int:
        if self.buckets == 0:
            raise KeyError(key)
        return self.first + (bucket_of(key, self.buckets, self.salt) if self.buckets > 1 else 0)


@builtin("keras.layers")
class StringLookup(IndexLookup):
    """Look up the numbers of strings in a vocabulary, or with `invert` strings by number.

    Strings are NumPy arrays or lists of `str` or `bytes`; strings that come out are arrays of `str`.
    Source: Keras `layers.StringLookup`.

    Args:
        max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode,
            pad_to_max_tokens, sparse, name: as in `IndexLookup`.
        encoding: how strings are written as bytes.
        salt: key of the hash that chooses among several numbers for unknown strings (SipHash-2-4; without one,
            FarmHash's Fingerprint64).
    """

    encoding: str

    def __init__(self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: str | None = None,
                 oov_token: str = "[UNK]", vocabulary: Any = None, idf_weights: Any = None, invert: bool = False,
                 output_mode: str = "int", pad_to_max_tokens: bool = False, sparse: bool = False,
                 encoding: str = "utf-8", name: str | None = None, salt: Any = None, **kwargs: Any):
        object.__setattr__(self, "encoding", encoding)  # the base class reads it while it takes the vocabulary
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, "string", vocabulary=vocabulary,
                         idf_weights=idf_weights, invert=invert, output_mode=output_mode, sparse=sparse,
                         pad_to_max_tokens=pad_to_max_tokens, salt=salt, name=name, **kwargs)

    def _key(self, token: Any) -> bytes:
        return token if isinstance(token, bytes) else str(token).encode(self.encoding)

    def _token(self, key: bytes) -> str:
        return key.decode(self.encoding)

    def _install(self, keys: list[bytes]) -> None:
        self._keys = object_array(keys, (len(keys),))
        self._table = TokenIndex(keys, self._token_start, self._oov_start, self.num_oov_indices, self.salt)
        if self.mask_token is not None:
            self._table[self._key(self.mask_token)] = 0 if self.output_mode == "int" else NOWHERE

    def _rows(self, data: Any) -> list[list[bytes]]:
        flat, shape = flat_bytes(data, self.encoding, self.path)
        width = len(flat) // shape[0] if len(shape) > 1 and shape[0] else len(flat)
        return [flat[i: i + width] for i in range(0, len(flat), width or 1)]

    def numbers_of(self, rows: Any) -> np.ndarray:
        """Return the numbers of tokens (bytes) in lists, one after another.

        Raises:
            ValueError: there is no number for unknown tokens, and one occurs.
        """
        table = self._table
        try:
            return np.fromiter(map(table.__getitem__, chain.from_iterable(rows)), "int64")
        except KeyError as error:
            raise ValueError(f"layer {self.path!r} got {error.args[0]!r}, which is not in its vocabulary, and has no "
                             "number for unknown tokens: set `num_oov_indices` to 1 or more") from None

    def _index(self, inputs: Any) -> Tensor:
        flat, shape = flat_bytes(inputs, self.encoding, self.path)
        return to_tensor(self.numbers_of([flat]).reshape(shape))

    def _tokens_at(self, inputs: Any) -> np.ndarray:
        numbers = np.asarray(inputs)
        if numbers.dtype.kind not in "iu":
            raise TypeError(f"layer {self.path!r} turns integers into strings, got dtype {numbers.dtype}")
        tokens = object_array([*self.get_vocabulary(), self.oov_token], (-1,))
        known = (numbers >= 0) & (numbers < len(tokens) - 1)
        return tokens[np.where(known, numbers, len(tokens) - 1)]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = {**super().get_config(), "encoding": self.encoding}
        del config["vocabulary_dtype"]
        return config
