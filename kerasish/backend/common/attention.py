"""Kernels of scaled dot-product attention: scores are made and used piece by piece, and made again for the gradient.

Where the mask forbids a source, its score is a large negative number; a target that may see no source thus sees all
alike, and the gradient of its scores is zero. `lse`, the logarithms of the sums of exp(score), stand for the scores
between the two passes.
"""

from collections.abc import Iterator
from typing import Any

from kerasish.backend.common.windows import spans, tile_bytes
from kerasish.backend.registry import kernel

FORBIDDEN = -0.7  # times the largest number: the score of what the mask forbids
_BLOCK = 32  # targets at once where they see the sources before them


@kernel("attention")
def attention(xp, q, k, v, *mask, scale, causal):
    """softmax(scale q k^T) v for each head; and log(sum(exp(scale q k^T))), (batch, heads, targets)."""
    out = xp.empty((*q.shape[:3], v.shape[-1]), q.dtype)
    lse = xp.empty((q.shape[0], q.shape[2], q.shape[1]), q.dtype)
    work = _Work(xp, q, k, mask, scale, causal)
    values, outs, rows = work.sources(v), work.targets(out), work.rows(lse)
    for part in work.parts():
        scores, _ = work.scores(part)
        top = xp.max(scores, axis=-1, keepdims=True)
        scores -= top
        xp.exp(scores, out=scores)
        total = xp.sum(scores, axis=-1, keepdims=True)
        outs[part.at] = xp.matmul(scores, values[part.of][..., : part.seen, :]) / total
        rows[part.at] = (top + xp.log(total))[..., 0]
    return out, lse


@kernel("attention_grad")
def attention_grad(xp, g, q, k, v, out, lse, *mask, scale, causal):
    """The gradients of q, k and v."""
    gq, gk, gv = xp.empty_like(q, order="C"), xp.zeros(k.shape, k.dtype), xp.zeros(v.shape, v.dtype)
    work = _Work(xp, q, k, mask, scale, causal)
    keys, values, key_grads, value_grads = (work.sources(x) for x in (k, v, gk, gv))
    queries, query_grads, grads, outs = (work.targets(x) for x in (q, gq, g, out))
    rows = work.rows(lse)
    for part in work.parts():
        p, allowed = work.scores(part)
        row, grad = rows[part.at][..., None], grads[part.at]
        p -= row
        xp.exp(p, out=p)
        if mask:
            blind = row < work.forbidden / 2
            p *= xp.where(blind, p.dtype.type(1 / k.shape[1]), p.dtype.type(1))
        seen = slice(None, part.seen)
        value_grads[part.of][..., 0, seen, :] += xp.sum(xp.matmul(xp.swapaxes(p, -1, -2), grad), axis=2)
        slope = xp.matmul(grad, xp.swapaxes(values[part.of][..., seen, :], -1, -2))
        slope -= xp.sum(grad * outs[part.at], axis=-1, keepdims=True)
        slope *= p
        slope *= slope.dtype.type(scale)
        if mask:  # elsewhere p is zero where nothing is seen
            slope *= allowed & ~blind
        query_grads[part.at] = xp.matmul(slope, keys[part.of][..., seen, :])
        key_grads[part.of][..., 0, seen, :] += xp.sum(
            xp.matmul(xp.swapaxes(slope, -1, -2), queries[part.at]), axis=2)
    return gq, gk, gv


class _Part:
    """Some targets of some groups of heads of some of the batch.

    Attributes:
        at: index in (batch, groups, heads of a group, targets, ...).
        of: index in (batch, groups, 1, sources, ...).
        seen: how many of the sources the targets may see.
    """

    def __init__(self, batch: slice, groups: slice, targets: slice, seen: int):
        self.at, self.of = (batch, groups, slice(None), targets), (batch, groups)
        self.batch, self.groups, self.span, self.seen = batch, groups, targets, seen


class _Work:
    """The scores of an attention, cut into parts of which the scores fit the cache."""

    def __init__(self, xp: Any, q: Any, k: Any, mask: tuple, scale: float, causal: bool):
        self.xp, self._causal = xp, causal
        (self._batch, self._targets, heads, _), (_, self._sources, self._groups, _) = q.shape, k.shape
        self._shared = heads // self._groups
        self.forbidden = FORBIDDEN * float(xp.finfo(q.dtype).max)
        self._queries = self.targets(q)
        self._keys = xp.swapaxes(self.sources(k), -1, -2)
        self._scale = q.dtype.type(scale)
        self._mask = self._grouped(mask[0]) if mask else None

    def targets(self, x: Any) -> Any:
        """Return `(batch, targets, heads, size)` as (batch, groups, heads of a group, targets, size)."""
        split = x.reshape(*x.shape[:2], self._groups, self._shared, x.shape[-1])
        return split.transpose(0, 2, 3, 1, 4)

    def sources(self, x: Any) -> Any:
        """Return `(batch, sources, groups, size)` as (batch, groups, 1, sources, size)."""
        return x.transpose(0, 2, 1, 3)[:, :, None]

    def rows(self, x: Any) -> Any:
        """Return `(batch, heads, targets)` as (batch, groups, heads of a group, targets)."""
        return x.reshape(self._batch, self._groups, self._shared, self._targets)

    def _grouped(self, mask: Any) -> Any:
        """Return `(batch, heads, targets, sources)` with the heads in groups, all lengths but the last as they are."""
        batch, heads, targets, sources = mask.shape
        heads_of = (self._groups, self._shared) if heads > 1 else (1, 1)
        split = mask.reshape(batch, *heads_of, targets, sources)
        full = (self._batch, self._groups, self._shared, self._targets, self._sources)
        return self.xp.broadcast_to(split, full)

    def parts(self) -> Iterator[_Part]:
        """Yield the parts."""
        row = self._queries.dtype.itemsize * self._shared * self._sources  # bytes of the scores of a target
        room = tile_bytes(self.xp) // max(1, row)
        ahead = self._causal and self._mask is None  # with a mask a target may see nothing, thus all
        few = 8 * self._batch * self._groups * self._targets <= room  # not worth the calls
        most = max(_BLOCK, self._targets // 8) if ahead and not few else room
        group = max(1, room // max(1, self._targets))  # groups of the batch at once
        for batch in spans(self._batch, group // max(1, self._groups)):
            for groups in spans(self._groups, group):
                for targets in spans(self._targets, min(room, most)):
                    yield _Part(batch, groups, targets, min(targets.stop, self._sources) if ahead else self._sources)

    def scores(self, part: _Part) -> tuple[Any, Any]:
        """Return the scores of a part, and where they count (None: everywhere)."""
        xp = self.xp
        scores = xp.matmul(self._queries[part.at] * self._scale, self._keys[part.of][..., : part.seen])
        allowed = None
        if self._causal:
            times = xp.arange(part.span.start, part.span.stop)[:, None]
            allowed = times >= xp.arange(part.seen)
        if self._mask is not None:
            mask = self._mask[part.at]
            allowed = mask if allowed is None else mask & allowed
        if allowed is not None:
            scores = xp.where(allowed, scores, scores.dtype.type(self.forbidden))
        return scores, allowed
