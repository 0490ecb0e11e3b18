"""Attention, forward: targets in the lanes of vectors, sources one after the other, scores in the cache alone.

A unit of work is a *chunk* of the targets of one head. Its queries lie turned in scratch memory, one *block* of two
vectors of targets after the other; keys and values are met in tiles, so that a block's scores of a tile fit the
first cache. The greatest score and the sum of exponentials run along (M. Milakov and N. Gimelshein, Online normalizer
calculation for softmax, 2018).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kerasish.backend.common.attention import FORBIDDEN
from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, lowering, split
from kerasish.backend.native.kernels.tiles import copy_rows, load_turned, product, rows_at_once, store_turned
from kerasish.backend.native.language import Kernel, Pointer, Value, real_bits
from kerasish.backend.native.vector_math import exp_below, log

ROOM = 4096  # float32 numbers of a tile or chunk: half of a small first cache
MOST = 128  # targets of a chunk, sources of a tile
FORBIDDEN_SCORE = FORBIDDEN * float(np.finfo(np.float32).max)
SIZES = ("targets", "sources", "heads", "groups", "depth", "value_depth", "chunk", "tile", "mask_batch", "mask_head",
         "mask_target", "scale")


class Form(NamedTuple):
    """What the machine code depends on."""

    masked: bool
    causal: bool

    @property
    def ahead(self) -> bool:
        """Whether sources after a target are left out at once; with a mask it may be that it sees nothing, thus all."""
        return self.causal and not self.masked


class Attention:
    """What both passes share while their kernel is written: sizes, masks, places.

    Args:
        k: the kernel.
        form: the case.
        operands: how many entries of the table stand before the sizes.
    """

    def __init__(self, k: Kernel, form: Form, operands: int):
        self.k, self.form, self.width, self.rows = k, form, 2 * k.lanes, rows_at_once(k)
        self.sizes = {name: k.size(operands + n) for n, name in enumerate(SIZES[:-1])}
        self.scale = k.real(operands + len(SIZES) - 1).to("f4")
        self._allowed = k.scratch("u1", (MOST + k.lanes) * self.width) if form.masked else None

    def __getattr__(self, name: str) -> Value:
        return self.sizes[name]

    def least(self, x: Value, y: Any) -> Value:
        """Return the smaller of two whole numbers."""
        return x.minimum(self.k.whole(y))

    def room(self) -> Value:
        """Return how many numbers scratch memory has for a row."""
        return (self.depth.maximum(self.value_depth) + 31) // 32 * 32

    def place(self, batch: Value, time: Any, head: Value, times: Value, heads: Value, depth: Value) -> Value:
        """Return the index of a row of an array (batch, times, heads, depth)."""
        return ((batch * times + time) * heads + head) * depth

    def seen(self, stop: Value) -> Value:
        """Return how many sources the targets before `stop` see."""
        return self.least(stop, self.sources) if self.form.ahead else self.sources

    def seen_of_tile(self, first: Value, source: Value, count: Value) -> Value:
        """Return how many of `count` sources from `source` on a block of targets from `first` on sees."""
        return self.least(first + self.width - source, count) if self.form.ahead else count

    def read_mask(self, mask: Pointer, batch: Value, head: Value, first: Value, source: Value, count: Value) -> None:
        """Bring the mask of a block and a tile into scratch memory, targets in the lanes."""
        from_here = mask + (batch * self.mask_batch + head * self.mask_head + source) + first * self.mask_target
        assert self._allowed is not None
        load_turned(self.k, from_here, self.mask_target, self.targets - first, count, self._allowed, self.width)

    def scores(self, keys: Pointer, queries: Pointer, first: Value, source: Value, count: Value,
               use: Callable[[Value, int, Value], None]) -> None:
        """Call `use(n, v, score)` for sources n < count and both vectors v of targets, the mask applied."""
        k, rows = self.k, self.rows
        times = [(k.lane_numbers(k.lanes) + (first + v * k.lanes).splat(k.lanes)).to("i4") for v in range(2)]

        def tile(n: Value, rows: int, near: bool = True) -> None:
            found = product(k, rows, 2, keys + n * self.depth, self.depth, 1, queries, self.width, self.depth)
            for i in range(rows):
                for v in range(2):
                    use(n + i, v, self._with_mask(found[i][v], n + i, v, source, times[v], near))

        before = k.number(0, "i8")
        if self.form.ahead:  # no need to compare where the whole block comes after the sources
            before = self.least(count, (first - source).maximum(0)) // rows * rows
            with k.loop(0, before, rows) as n:
                tile(n, rows, near=False)
        self.by_tiles(count, tile, before)

    def _with_mask(self, score: Value, n: Value, v: int, source: Value, times: Value, near: bool) -> Value:
        allowed = self.allowed(n, v, source, times) if near else None
        return score if allowed is None else allowed.where(score, FORBIDDEN_SCORE)

    def allowed(self, n: Value, v: int, source: Value, times: Value) -> Value | None:
        """Return which targets may see source n of a tile."""
        lanes, allowed = self.k.lanes, None
        if self.form.causal:
            allowed = times >= (source + n).to("i4").splat(lanes)
        if self._allowed is not None:
            mask = self._allowed.load(n * self.width + v * lanes, lanes).differs(0)
            allowed = mask if allowed is None else allowed & mask
        return allowed

    def by_tiles(self, count: Value, tile: Callable[[Value, int], None], start: Any = 0) -> None:
        """Call `tile(n, rows)` for as many rows at once as a product takes, then for each row that is left."""
        k, whole = self.k, count // self.rows * self.rows
        with k.loop(start, whole, self.rows) as n:
            tile(n, self.rows)
        with k.loop(whole, count) as n:
            tile(n, 1)

    def columns(self, a: Pointer, stride: Value, depth: Value, b: Pointer, count: Value, out: Pointer,
                factors: list[Value] | None = None) -> None:
        """Add to columns in scratch memory: `out[d, t] = out[d, t] * factors[t] + sum over n of a[n, d] b[n, t]`."""
        k = self.k

        def tile(d: Value, rows: int) -> None:
            places = [[(d + i) * self.width + v * k.lanes for v in range(2)] for i in range(rows)]
            start = [[out.load(places[i][v], k.lanes) for v in range(2)] for i in range(rows)]
            if factors is not None:
                start = [[x * f for x, f in zip(row, factors, strict=True)] for row in start]
            found = product(k, rows, 2, a + d, 1, stride, b, self.width, count, start)
            for i in range(rows):
                for v in range(2):
                    out.store(places[i][v], found[i][v])

        self.by_tiles(depth, tile)


def forward(form: Form) -> Callable[[Kernel], None]:
    """Return the writer of the forward pass: q, k, v, perhaps the mask, out, lse; then `SIZES`."""

    return lambda k: _Forward(k, form).write()


class _Forward(Attention):
    def __init__(self, k: Kernel, form: Form):
        operands = 5 + form.masked
        super().__init__(k, form, operands)
        self.q, self.key, self.v, *mask, self.out, self.lse = (
            k.pointer(n, "u1" if form.masked and n == 3 else "f4") for n in range(operands))
        self.mask = mask[0] if mask else None
        self._queries, self._outs, self._keys, self._values = (k.scratch("f4", ROOM) for _ in range(4))
        self._p = k.scratch("f4", MOST * self.width)
        self._tops, self._totals = (k.scratch("f4", MOST) for _ in range(2))

    def write(self) -> None:
        """Write the kernel."""
        k = self.k
        chunks = (self.targets + self.chunk - 1) // self.chunk
        with k.loop(k.lo, k.hi) as unit:
            row, first = unit // chunks, unit % chunks * self.chunk
            batch, head = row // self.heads, row % self.heads
            stop = self.least(first + self.chunk, self.targets)
            self._begin(batch, head, first, stop)
            self._sources(batch, head, first, stop)
            self._end(batch, head, first, stop)

    def _blocks(self, first: Value, stop: Value) -> Any:
        """A loop over the first targets of blocks."""
        return self.k.loop(first, stop, self.width)

    def _begin(self, batch: Value, head: Value, first: Value, stop: Value) -> None:
        k, lanes, depth = self.k, self.k.lanes, self.sizes["depth"]
        with self._blocks(first, stop) as t:
            place = self.place(batch, t, head, self.targets, self.heads, depth)
            load_turned(k, self.q + place, self.heads * depth, self.targets - t, depth,
                        self._queries + (t - first) * self.room(), self.width, self.scale.splat(lanes))
            for v in range(2):
                self._tops.store(t - first + v * lanes, k.number(float("-inf"), "f4", lanes))
                self._totals.store(t - first + v * lanes, k.number(0.0, "f4", lanes))
        with k.loop(0, (stop - first + self.width - 1) // self.width * self.width * self.room(), lanes) as n:
            self._outs.store(n, k.number(0.0, "f4", lanes))

    def _sources(self, batch: Value, head: Value, first: Value, stop: Value) -> None:
        k, depth, value_depth = self.k, self.depth, self.value_depth
        group = head // (self.heads // self.groups)
        seen = self.seen(stop)
        with k.loop(0, seen, self.tile) as source:
            count = self.least(seen - source, self.tile)
            for x, out, n in ((self.key, self._keys, depth), (self.v, self._values, value_depth)):
                place = self.place(batch, source, group, self.sources, self.groups, n)
                copy_rows(k, x + place, self.groups * n, count, n, out, n)
            with self._blocks(first, stop) as t:
                self._block(batch, head, first, t, source, self.seen_of_tile(t, source, count))

    def _block(self, batch: Value, head: Value, first: Value, t: Value, source: Value, count: Value) -> None:
        k, lanes, at = self.k, self.k.lanes, t - first
        if self.mask is not None:
            self.read_mask(self.mask, batch, head, t, source, count)
        before = [self._tops.load(at + v * lanes, lanes) for v in range(2)]
        tops = [k.var(x) for x in before]

        def use(n: Value, v: int, score: Value) -> None:
            self._p.store(n * self.width + v * lanes, score)
            top = tops[v].get()
            tops[v].set((score > top).where(score, top))

        self.scores(self._keys, self._queries + at * self.room(), t, source, count, use)
        shrink = [exp_below(b - m.get()) for b, m in zip(before, tops, strict=True)]
        totals = [k.var(self._totals.load(at + v * lanes, lanes) * shrink[v]) for v in range(2)]
        with k.loop(0, count) as n:
            for v in range(2):
                p = exp_below(self._p.load(n * self.width + v * lanes, lanes) - tops[v].get())
                self._p.store(n * self.width + v * lanes, p)
                totals[v].add(p)
        for v in range(2):
            self._tops.store(at + v * lanes, tops[v].get())
            self._totals.store(at + v * lanes, totals[v].get())
        self.columns(self._values, self.value_depth, self.value_depth, self._p, count,
                     self._outs + at * self.room(), shrink)

    def _end(self, batch: Value, head: Value, first: Value, stop: Value) -> None:
        k, lanes, depth = self.k, self.k.lanes, self.value_depth
        with self._blocks(first, stop) as t:
            at = t - first
            totals = [self._totals.load(at + v * lanes, lanes) for v in range(2)]
            place = self.place(batch, t, head, self.targets, self.heads, depth)
            for v in range(2):
                self._p.store(v * lanes, 1.0 / totals[v])
            store_turned(k, self._outs + at * self.room(), self.width, self.targets - t, depth, self.out + place,
                         self.heads * depth, self._p)
            for v in range(2):
                inside = k.lane_numbers(lanes) < (self.targets - t - v * lanes).splat(lanes)
                self.lse.store((batch * self.heads + head) * self.targets + t + v * lanes,
                               self._tops.load(at + v * lanes, lanes) + log(totals[v]), inside)


def sizes_of(q: Any, key: Any, v: Any, mask: Any, scale: float) -> tuple[int, ...] | None:
    """Return the sizes of `SIZES`, None if the kernels do not serve."""
    (targets, heads, depth), (sources, groups), value_depth = q.shape[1:], key.shape[1:3], v.shape[-1]
    room = -(-max(depth, value_depth) // 32) * 32
    arrays = [q, key, v]
    if any(a.dtype != np.float32 or not a.size for a in arrays) or room > 128:
        return None
    chunk, tile = min(MOST, ROOM // room // 32 * 32), min(MOST, ROOM // room // 8 * 8)
    steps = [0, 0, 0]
    if mask is not None:
        n = mask.shape
        if n[3] != sources:
            return None
        steps = [0 if n[i] == 1 else math.prod(n[i + 1:]) for i in range(3)]
    return (targets, sources, heads, groups, depth, value_depth, chunk, tile, *steps, real_bits(scale))


def cost(sizes: dict[str, int], form: Form, products: int) -> float:
    """Return the nanoseconds that a target takes, roughly."""
    work = products * sizes["sources"] * (sizes["depth"] + sizes["value_depth"]) / 2
    return (work / 50 + sizes["sources"] / 3) * (0.6 if form.ahead else 1)


@lowering("attention")
def attention(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    q, key, v, *mask = ins
    values = sizes_of(q, key, v, mask[0] if mask else None, params["scale"])
    if values is None:
        return None
    form, sizes = Form(bool(mask), params["causal"]), dict(zip(SIZES, values, strict=True))
    chunks = -(-sizes["targets"] // sizes["chunk"])
    names = (*(f"i{n}" for n in range(len(ins))), "o0", "o1")
    total = q.shape[0] * sizes["heads"] * chunks
    grain = split(total, cost(sizes, form, 2) * min(sizes["chunk"], sizes["targets"]))
    return Plan((Job(f"attention {engine.lanes()} {form}", forward(form), names, values, total, grain),))
