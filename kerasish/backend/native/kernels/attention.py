"""Attention, forward: targets in the lanes of vectors, sources one after the other, scores in the cache alone.

A unit of work is a chunk of the targets of one head. The greatest score and the sum of exponentials run along
(M. Milakov and N. Gimelshein, Online normalizer calculation for softmax, 2018).
"""

from collections.abc import Callable
from typing import Any

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, lowering, split
from kerasish.backend.native.kernels.attending import (
    FORBIDDEN_SCORE,
    MOST,
    ROOM,
    SIZES,
    Attention,
    Form,
    cost,
    sizes_of,
)
from kerasish.backend.native.kernels.tiles import copy_rows, fill, turn
from kerasish.backend.native.language import Kernel, Value
from kerasish.backend.native.vector_math import exp_below, log


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
        self._queries, self._outs = k.scratch("f4", ROOM), k.scratch("f4", ROOM)
        self._tile = k.scratch("f4", 2 * ROOM + 16)  # keys, then values
        self._p = k.scratch("f4", MOST * self.width)
        self._tops, self._totals, self._factors = (k.scratch("f4", MOST + 32) for _ in range(3))
        self._any_blind = k.var(k.number(0, "i8"))  # whether a target of the chunk may see none of what it has met

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

    def _begin(self, batch: Value, head: Value, first: Value, stop: Value) -> None:
        k = self.k
        self.keep(self._factors, 0, [self.scale.splat(k.lanes)] * 2)
        with k.loop(first, stop, self.width) as t:
            block = (t - first) * self.room
            copy_rows(k, self.q + self.of_target(batch, t, head, self.depth), self.heads * self.depth,
                      self.least(stop - t, self.width), self.depth, self._p, self.room, self._factors)
            turn(k, self._p, self.room, self.width, self.depth, self._queries + block, self.width)
            fill(k, self._outs + block, self.room * self.width, 0.0)
            self.keep(self._tops, t - first, self.constant(float("-inf")))
            self.keep(self._totals, t - first, self.constant(0.0))

    def _sources(self, batch: Value, head: Value, first: Value, stop: Value) -> None:
        k, seen = self.k, self.seen(stop)
        if not self.form.may_be_blind:
            with k.loop(0, seen, self.tile) as source:
                self._meet(batch, head, first, stop, source, self.least(seen - source, self.tile))
            return
        self._any_blind.set(0)
        with k.loop(0, self.sources, self.tile) as source, k.when((source < seen) | self._any_blind.get().differs(0)):
            self._meet(batch, head, first, stop, source, self.least(self.sources - source, self.tile))

    def _meet(self, batch: Value, head: Value, first: Value, stop: Value, source: Value, count: Value) -> None:
        """Let the blocks of a chunk meet a tile: what a block may see of it, then, if that was nothing, the rest."""
        k, none = self.k, self.k.number(0, "i8")
        self.read_tile(batch, source, head // (self.heads // self.groups), count, self.key, self.v, self._tile)
        with k.loop(first, stop, self.width) as t, k.loop(0, 1 + self.form.may_be_blind) as time:
            at, seen = t - first, self.seen_of_tile(t, source, count)
            begin, end = none, seen
            if self.form.may_be_blind:
                again, blind = time.equals(1), self.blind(self.vectors(self._tops, at), stop - t)
                begin, end = again.where(seen, none), (again & blind).where(count, seen)
                self._any_blind.set((again & blind).where(k.number(1, "i8"), self._any_blind.get()))
            with k.when(begin < end):
                self._block(batch, head, t, at, source + begin, begin, end - begin)

    def _block(self, batch: Value, head: Value, t: Value, at: Value, source: Value, row: Value, count: Value) -> None:
        """Let a block meet `count` sources from `source` on, which stand in scratch memory from a row on."""
        k, width, block = self.k, self.width, at * self.room
        self.inner(self._tile + row * self.depth, self._queries + block, self.depth, count, self._p)
        self.read_mask(batch, head, t, source, count)
        before = self.vectors(self._tops, at)
        tops = [k.var(x) for x in before]

        def highest(n: Value, allowed: list[Value] | None) -> None:
            scores = self.vectors(self._p, n * width)
            if allowed is not None:
                scores = [a.where(x, FORBIDDEN_SCORE) for a, x in zip(allowed, scores, strict=True)]
                self.keep(self._p, n * width, scores)
            for top, x in zip(tops, scores, strict=True):
                top.set((x > top.get()).where(x, top.get()))

        self.each_source(count, t, source, highest)
        shrink = [exp_below(b - top.get()) for b, top in zip(before, tops, strict=True)]
        totals = [k.var(x * s) for x, s in zip(self.vectors(self._totals, at), shrink, strict=True)]
        with k.loop(0, count) as n:
            p = [exp_below(x - top.get()) for x, top in zip(self.vectors(self._p, n * width), tops, strict=True)]
            self.keep(self._p, n * width, p)
            for v in range(2):
                totals[v].add(p[v])
        self.keep(self._tops, at, [x.get() for x in tops])
        self.keep(self._totals, at, [x.get() for x in totals])
        self.columns(self._tile + (row * self.value_depth + ROOM), self.value_depth, self._p, count,
                     self._outs + block, shrink)

    def _end(self, batch: Value, head: Value, first: Value, stop: Value) -> None:
        k, lanes, depth = self.k, self.k.lanes, self.value_depth
        with k.loop(first, stop, self.width) as t:
            at, count = t - first, self.least(stop - t, self.width)
            totals = self.vectors(self._totals, at)
            self.keep(self._factors, 0, [1.0 / x for x in totals])
            turn(k, self._outs + at * self.room, self.width, depth, self.width, self._p, self.room)
            copy_rows(k, self._p, self.room, count, depth, self.out + self.of_target(batch, t, head, depth),
                      self.heads * depth, self._factors)
            rows = (batch * self.heads + head) * self.targets + t
            for v, (top, total) in enumerate(zip(self.vectors(self._tops, at), totals, strict=True)):
                inside = k.lane_numbers(lanes) < (count - v * lanes).splat(lanes)
                self.lse.store(rows + v * lanes, top + log(total), inside)


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
