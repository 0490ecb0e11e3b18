"""What attention forward and backward share: who sees whom, places, and products of tiles and blocks.

A *chunk* is some targets of one head, taken in *blocks* of two vectors of targets; sources are met in *tiles*, so that
the scores of a block and a tile fit the first cache.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kerasish.backend.common.attention import FORBIDDEN
from kerasish.backend.native.kernels.tiles import choose, copy_rows, product, rows_at_once, turn
from kerasish.backend.native.language import Kernel, Pointer, Value, real_bits

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
    def may_be_blind(self) -> bool:
        """Whether a target may see none of the sources that causality leaves it, and thus count all alike."""
        return self.causal and self.masked


class Attention:
    """What both passes share while their kernel is written: sizes, masks, places, products.

    Products take some rows at once; where rows are left, they are computed beyond what is there, from whatever lies in
    scratch memory, and not used.

    Args:
        k: the kernel.
        form: the case.
        operands: how many entries of the table stand before the sizes.
    """

    def __init__(self, k: Kernel, form: Form, operands: int):
        k.unrolls = False
        self.k, self.form, self.width, self.rows = k, form, 2 * k.lanes, rows_at_once(k)
        self.sizes = {name: k.size(operands + n) for n, name in enumerate(SIZES[:-1])}
        self.scale = k.real(operands + len(SIZES) - 1).to("f4")
        self.room = (self.depth.maximum(self.value_depth) + 31) // 32 * 32  # numbers of a row in scratch memory
        self.mask: Pointer | None = None
        if form.masked:
            self._allowed, self._mask_rows = (k.scratch("u1", MOST * self.width) for _ in range(2))

    def __getattr__(self, name: str) -> Value:
        return self.sizes[name]

    # ---- where things are ----------------------------------------------------------------------

    def place(self, batch: Value, time: Any, head: Value, times: Value, heads: Value, depth: Value) -> Value:
        """Return the index of a row of an array (batch, times, heads, depth)."""
        return ((batch * times + time) * heads + head) * depth

    def of_target(self, batch: Value, time: Any, head: Value, depth: Value) -> Value:
        """Return the index of a row of an array like the queries."""
        return self.place(batch, time, head, self.targets, self.heads, depth)

    def of_source(self, batch: Value, time: Any, group: Value, depth: Value) -> Value:
        """Return the index of a row of an array like the keys."""
        return self.place(batch, time, group, self.sources, self.groups, depth)

    def vectors(self, x: Pointer, at: Any) -> list[Value]:
        """Return what stands beside a block of targets."""
        return [x.load(at + v * self.k.lanes, self.k.lanes) for v in range(2)]

    def keep(self, x: Pointer, at: Any, vectors: list[Value]) -> None:
        """Write what stands beside a block of targets."""
        for v in range(2):
            x.store(at + v * self.k.lanes, vectors[v])

    def constant(self, number: float) -> list[Value]:
        """Return a number for each target of a block."""
        return [self.k.number(number, "f4", self.k.lanes)] * 2

    def read_tile(self, batch: Value, source: Value, group: Value, count: Value, keys: Pointer, values: Pointer,
                  tile: Pointer) -> None:
        """Bring keys, and values `ROOM` further on, into scratch memory."""
        with self.k.loop(0, 2) as which:
            first = which.equals(0)
            depth = first.where(self.depth, self.value_depth)
            rows = choose(first, keys, values) + self.of_source(batch, source, group, depth)
            copy_rows(self.k, rows, self.groups * depth, count, depth, tile + which * ROOM, depth)

    # ---- who sees whom -------------------------------------------------------------------------

    def least(self, x: Value, y: Any) -> Value:
        """Return the smaller of two whole numbers."""
        return x.minimum(self.k.whole(y))

    def seen(self, stop: Value) -> Value:
        """Return how many sources the targets before `stop` may see."""
        return self.least(stop, self.sources) if self.form.causal else self.sources

    def seen_of_tile(self, first: Value, source: Value, count: Value) -> Value:
        """Return how many of `count` sources from `source` on a block of targets from `first` on may see."""
        return self.least((first + self.width - source).maximum(0), count) if self.form.causal else count

    def blind(self, scores: list[Value], count: Value) -> Value:
        """Return whether one of the first `count` targets of a block has but such a score as the mask leaves."""
        lanes = self.k.lanes
        inside = [self.k.lane_numbers(lanes) < (count - v * lanes).splat(lanes) for v in range(2)]
        return ((scores[0] < FORBIDDEN_SCORE / 2) & inside[0] | (scores[1] < FORBIDDEN_SCORE / 2) & inside[1]).any()

    def read_mask(self, batch: Value, head: Value, first: Value, source: Value, count: Value) -> None:
        """Bring the mask of a block and a tile into scratch memory, targets in the lanes."""
        if self.mask is None:
            return
        place = batch * self.mask_batch + head * self.mask_head + source + first * self.mask_target
        rows = self.least(self.targets - first, self.width)
        copy_rows(self.k, self.mask + place, self.mask_target, rows, count, self._mask_rows, MOST)
        turn(self.k, self._mask_rows, MOST, self.width, count, self._allowed, self.width)

    def each_source(self, count: Value, first: Value, source: Value,
                    body: Callable[[Value, list[Value] | None], None]) -> None:
        """Call `body(n, allowed)` for the sources of a tile: which targets of a block may see it; None for all."""
        k, lanes = self.k, self.k.lanes
        times = [k.lane_numbers(lanes) + (first + v * lanes).splat(lanes) for v in range(2)]
        before = k.number(0, "i8")
        if not self.form.masked:  # no need to compare where the whole block comes after the sources
            before = self.least(count, (first - source).maximum(0)) if self.form.causal else count
            with k.loop(0, before) as n:
                body(n, None)
        if self.form.masked or self.form.causal:
            with k.loop(before, count) as n:
                body(n, [self._may_see(n, v, source, times[v]) for v in range(2)])

    def _may_see(self, n: Value, v: int, source: Value, times: Value) -> Value:
        lanes = self.k.lanes
        if not self.form.masked:
            return times >= (source + n).splat(lanes)
        mask = self._allowed.load(n * self.width + v * lanes, lanes).differs(0)
        return mask & (times >= (source + n).splat(lanes)) if self.form.causal else mask

    # ---- products ------------------------------------------------------------------------------

    def inner(self, rows: Pointer, columns: Pointer, depth: Value, count: Value, out: Pointer,
              finish: Callable[[Value, int, Value], Value] | None = None) -> None:
        """Write inner products of a tile and a block: `out[n, t] = sum over d of rows[n, d] columns[d, t]`.

        Args:
            finish: if given, `finish(place in out, v, product)` is written instead.
        """
        k, lanes = self.k, self.k.lanes
        with k.loop(0, count, self.rows) as n:
            found = product(k, self.rows, 2, rows + n * depth, depth, 1, columns, self.width, depth)
            for i in range(self.rows):
                for v in range(2):
                    place = (n + i) * self.width + v * lanes
                    out.store(place, found[i][v] if finish is None else finish(place, v, found[i][v]))

    def columns(self, rows: Pointer, depth: Value, b: Pointer, count: Value, out: Pointer,
                factors: list[Value] | None = None) -> None:
        """Add to the columns of a block: `out[d, t] = out[d, t] * factors[t] + sum over n of rows[n, d] b[n, t]`."""
        k = self.k
        with k.loop(0, depth, self.rows) as d:
            places = [(d + i) * self.width for i in range(self.rows)]
            start = [self.vectors(out, p) for p in places]
            if factors is not None:
                start = [[x * f for x, f in zip(row, factors, strict=True)] for row in start]
            found = product(k, self.rows, 2, rows + d, 1, depth, b, self.width, count, start)
            for p, row in zip(places, found, strict=True):
                self.keep(out, p, row)


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
    return (work / 50 + sizes["sources"] / 3) * (0.6 if form.causal else 1)
