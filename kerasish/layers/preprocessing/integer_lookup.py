"""Integers to consecutive numbers by a vocabulary, or back."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.dispatch import eager_scope, to_tensor
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_lookup import IndexLookup
from kerasish.layers.preprocessing.fingerprint import bucket_of
from kerasish.utils.registry import builtin

NOWHERE = -1  # the number of a masked integer where vectors are written: it leaves no trace there


@builtin("keras.layers")
class IntegerLookup(IndexLookup):
    """Look up the numbers of integers in a vocabulary, or with `invert` integers by number.

    Source: Keras `layers.IntegerLookup`.

    Args:
        max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode, sparse,
            pad_to_max_tokens, name: as in `IndexLookup`.
        vocabulary_dtype: "int64".
        oov_method: which of several numbers an unknown integer gets: "floormod", the remainder by their count, or
            "farmhash", a hash of its decimal digits.
        salt: (with "farmhash") key of the hash, then SipHash-2-4.
    """

    def __init__(self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: int | None = None,
                 oov_token: int = -1, vocabulary: Any = None, vocabulary_dtype: str = "int64", idf_weights: Any = None,
                 invert: bool = False, output_mode: str = "int", sparse: bool = False, pad_to_max_tokens: bool = False,
                 oov_method: str = "floormod", salt: Any = None, name: str | None = None, **kwargs: Any):
        if vocabulary_dtype != "int64":
            raise ValueError(f"argument `vocabulary_dtype` of IntegerLookup must be 'int64', got {vocabulary_dtype!r}")
        if salt is not None and oov_method != "farmhash":
            raise ValueError(f"argument `salt` of IntegerLookup needs oov_method='farmhash', got {oov_method!r}")
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary_dtype, vocabulary=vocabulary,
                         idf_weights=idf_weights, invert=invert, output_mode=output_mode, sparse=sparse,
                         pad_to_max_tokens=pad_to_max_tokens, oov_method=oov_method, salt=salt, name=name, **kwargs)

    def _key(self, token: Any) -> int:
        return int(token)

    def _token(self, key: Any) -> int:
        return int(key)

    def _read_token(self, line: str) -> int:
        return int(line)

    def _install(self, keys: list[int]) -> None:
        self._keys = np.array(keys, "int64")
        pairs = {k: i for i, k in enumerate(keys, self._token_start)}
        if self.mask_token is not None:
            pairs[self._key(self.mask_token)] = 0 if self.output_mode == "int" else NOWHERE
        order = sorted(pairs)
        self._sorted_keys, self._numbers = np.array(order, "int64"), np.array([pairs[k] for k in order], "int64")

    def _rows(self, data: Any) -> list[list[int]]:
        array = self._integers(data).numpy()
        rows = array.reshape(len(array), -1) if array.ndim > 1 else array.reshape(1, -1)
        return rows.tolist()

    def _integers(self, inputs: Any) -> Tensor:
        x = to_tensor(inputs)
        if x.dtype.kind not in "iu":
            raise TypeError(f"layer {self.path!r} expects integers, got dtype {x.dtype.name}")
        return ops.cast(x, "int64")

    def _index(self, inputs: Any) -> Tensor:
        x = self._integers(inputs)
        outside = self._outside(x)
        if not len(self._sorted_keys):
            found, number = ops.zeros_like(x, dtype="bool"), x
        else:
            place = ops.minimum(ops.searchsorted(self._sorted_keys, x), len(self._sorted_keys) - 1)
            found = ops.equal(ops.take(self._sorted_keys, place, axis=0), x)
            number = ops.take(self._numbers, place, axis=0)
        if self.num_oov_indices == 0:
            self._refuse_unknown(x, found)
        return ops.cast(ops.where(found, number, outside), "int64")

    def _outside(self, x: Tensor) -> Any:
        """The number of each integer, were it unknown."""
        if self.num_oov_indices < 2:
            return self._oov_start if self.num_oov_indices else NOWHERE
        if self.oov_method == "floormod":
            return ops.mod(x, self.num_oov_indices) + self._oov_start
        buckets = [bucket_of(b"%d" % v, self.num_oov_indices, self.salt) for v in x.numpy().ravel().tolist()]
        return to_tensor(np.array(buckets, "int64").reshape(x.shape) + self._oov_start)

    def _refuse_unknown(self, x: Tensor, found: Tensor) -> None:
        if not x.is_concrete:  # known only where values are
            return
        with eager_scope():
            unknown = x.numpy()[~found.numpy()]
        if unknown.size:
            raise ValueError(f"layer {self.path!r} got {unknown[:10].tolist()}, not in its vocabulary, and has no "
                             "number for unknown integers: set `num_oov_indices` to 1 or more")

    def _tokens_at(self, inputs: Any) -> Tensor:
        x = self._integers(inputs)
        tokens = np.array([*self.get_vocabulary(), self.oov_token], "int64")
        last = len(tokens) - 1
        return ops.take(tokens, ops.where(ops.logical_and(x >= 0, x < last), x, last), axis=0)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        return config | {name: None if config[name] is None else int(config[name])
                         for name in ("oov_token", "mask_token")}
