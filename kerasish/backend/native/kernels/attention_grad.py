"""Attention, backward: the probabilities of a block of targets and a tile of sources are made again, and used twice.

Targets lie in the lanes while probabilities, their slopes and the gradient of the queries are made (see `attention`);
for the gradients of keys and values it is their features that do. A unit of work is one head of keys and values.
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
from kerasish.backend.native.kernels.tiles import choose, copy_rows, fill, product, turn
from kerasish.backend.native.language import Kernel, Pointer, Value
from kerasish.backend.native.vector_math import exp_below


def backward(form: Form) -> Callable[[Kernel], None]:
    """Return the writer of the backward pass: g, q, k, v, out, lse, perhaps the mask, gq, gk, gv; then `SIZES`."""
    return lambda k: _Backward(k, form).write()


class _Backward(Attention):
    def __init__(self, k: Kernel, form: Form):
        operands = 9 + form.masked
        super().__init__(k, form, operands)
        self.g, self.q, self.key, self.v, self.out, self.lse, *mask, self.gq, self.gk, self.gv = (
            k.pointer(n, "u1" if form.masked and n == 6 else "f4") for n in range(operands))
        self.mask = mask[0] if mask else None
        # Of a chunk: queries and then gradients, by rows and by columns; the gradient of the queries; and beside them
        # lse, sum(g out), and what a target counts that sees nothing: its share of each source, and zero.
        self._rows, self._columns = k.scratch("f4", 2 * ROOM), k.scratch("f4", 2 * ROOM)
        self._query_grads = k.scratch("f4", ROOM)
        self._lse, self._deltas, self._shares, self._counts = (k.scratch("f4", MOST + 32) for _ in range(4))
        self._any_blind = k.var(k.number(0, "i8"))  # whether a target of the chunk sees nothing
        # Of a tile: keys and then values; slopes of the scores and then probabilities.
        self._tile = k.scratch("f4", 2 * ROOM + 16)
        self._slopes = k.scratch("f4", 2 * MOST * self.width)
        self._p = self._slopes + MOST * self.width
        self._scales = k.scratch("f4", self.width)

    def write(self) -> None:
        """Write the kernel."""
        k, shared = self.k, self.heads // self.groups
        self.keep(self._scales, 0, [self.scale.splat(k.lanes)] * 2)
        with k.loop(k.lo, k.hi) as unit:
            batch, group = unit // self.groups, unit % self.groups
            with k.loop(0, self.sources) as n:
                for x, depth in ((self.gk, self.depth), (self.gv, self.value_depth)):
                    fill(k, x + self.of_source(batch, n, group, depth), depth, 0.0)
            with k.loop(group * shared, (group + 1) * shared) as head, k.loop(0, self.targets, self.chunk) as first:
                stop = self.least(first + self.chunk, self.targets)
                self._begin(batch, head, first, stop)
                self._sources(batch, group, head, first, stop)
                self._end(batch, head, first, stop)

    # ---- a chunk of targets --------------------------------------------------------------------

    def _begin(self, batch: Value, head: Value, first: Value, stop: Value) -> None:
        k = self.k
        self._any_blind.set(0)
        with k.loop(first, stop, self.width) as t:
            block, count = (t - first) * self.room, self.least(stop - t, self.width)
            for x, n, depth, factors in ((self.q, 0, self.depth, self._scales), (self.g, 1, self.value_depth, None)):
                copy_rows(k, x + self.of_target(batch, t, head, depth), self.heads * depth, count, depth,
                          self._rows + (block + n * ROOM), self.room, factors)
            with k.loop(0, 2) as which:
                at, depth = which * ROOM + block, which.equals(0).where(self.depth, self.value_depth)
                turn(k, self._rows + at, self.room, self.width, depth, self._columns + at, self.width)
            fill(k, self._query_grads + block, self.room * self.width, 0.0)
            self._beside(batch, head, t, t - first, count)

    def _beside(self, batch: Value, head: Value, t: Value, at: Value, count: Value) -> None:
        """Bring what belongs to each target."""
        k, lanes, depth = self.k, self.k.lanes, self.value_depth
        with k.loop(0, count) as i:
            place = self.of_target(batch, t + i, head, depth)
            self._deltas.store(at + i, self._inner(self.g + place, self.out + place, depth))
        inside = [k.lane_numbers(lanes) < (count - v * lanes).splat(lanes) for v in range(2)]
        rows = (batch * self.heads + head) * self.targets + t
        lse = [self.lse.load(rows + v * lanes, lanes, inside[v]) for v in range(2)]
        self.keep(self._lse, at, lse)
        if self.form.may_be_blind:
            self._any_blind.set(self.blind(lse, count).where(k.number(1, "i8"), self._any_blind.get()))
        if self.form.masked:
            blind = [x < FORBIDDEN_SCORE / 2 for x in lse]
            each = (k.number(1.0, "f4") / self.sources.to("f4")).splat(lanes)
            self.keep(self._shares, at, [b.where(each, 1.0) for b in blind])
            self.keep(self._counts, at, [b.where(k.number(0.0, "f4", lanes), 1.0) for b in blind])

    def _inner(self, a: Pointer, b: Pointer, count: Value) -> Value:
        """Return the sum of products of two rows."""
        lanes = self.k.lanes
        total = self.k.var(self.k.number(0.0, "f4", lanes))
        self.k.sweep(0, count, lambda d, mask: total.add(a.load(d, lanes, mask) * b.load(d, lanes, mask)))
        return total.get().total()

    def _end(self, batch: Value, head: Value, first: Value, stop: Value) -> None:
        k = self.k
        with k.loop(first, stop, self.width) as t:
            turn(k, self._query_grads + (t - first) * self.room, self.width, self.depth, self.width, self._p, self.room)
            copy_rows(k, self._p, self.room, self.least(stop - t, self.width), self.depth,
                      self.gq + self.of_target(batch, t, head, self.depth), self.heads * self.depth, self._scales)

    # ---- a tile of sources, a block of targets -------------------------------------------------

    def _sources(self, batch: Value, group: Value, head: Value, first: Value, stop: Value) -> None:
        k, seen = self.k, self.seen(stop)
        if self.form.may_be_blind:
            seen = self._any_blind.get().differs(0).where(self.sources, seen)
        with k.loop(0, seen, self.tile) as source:
            count = self.least(seen - source, self.tile)
            self.read_tile(batch, source, group, count, self.key, self.v, self._tile)
            with k.loop(first, stop, self.width) as t:
                seen_here = self.seen_of_tile(t, source, count)
                if self.form.may_be_blind:
                    seen_here = self.blind(self.vectors(self._lse, t - first), stop - t).where(count, seen_here)
                with k.when(seen_here > 0):
                    self._block(batch, group, head, t, t - first, source, seen_here)

    def _block(self, batch: Value, group: Value, head: Value, t: Value, at: Value, source: Value,
               count: Value) -> None:
        k, block = self.k, at * self.room
        self.read_mask(batch, head, t, source, count)
        self.inner(self._tile, self._columns + block, self.depth, count, self._p)
        self._probabilities(t, at, source, count)
        self._scores_slope(at, count)
        self.columns(self._tile, self.depth, self._slopes, count, self._query_grads + block)
        left = self.least(self.targets - t, self.width)
        with k.loop(0, 2) as which:
            first = which.equals(0)
            depth = first.where(self.depth, self.value_depth)
            out = choose(first, self.gk, self.gv) + self.of_source(batch, source, group, depth)
            self._over_targets(self._slopes + which * (MOST * self.width), self._rows + (which * ROOM + block), depth,
                               count, left, source - t, out)

    def _probabilities(self, t: Value, at: Value, source: Value, count: Value) -> None:
        """Make the scores probabilities."""
        lse = self.vectors(self._lse, at)
        shares = self.vectors(self._shares, at) if self.form.masked else None

        def body(n: Value, allowed: list[Value] | None) -> None:
            scores = self.vectors(self._p, n * self.width)
            if allowed is not None:
                scores = [a.where(x, FORBIDDEN_SCORE) for a, x in zip(allowed, scores, strict=True)]
            p = [exp_below(x - y) for x, y in zip(scores, lse, strict=True)]
            if shares is not None:
                p = [x * y for x, y in zip(p, shares, strict=True)]
            self.keep(self._p, n * self.width, p)

        self.each_source(count, t, source, body)

    def _scores_slope(self, at: Value, count: Value) -> None:
        """Write the gradient of the scores."""
        deltas = self.vectors(self._deltas, at)
        counts = self.vectors(self._counts, at) if self.form.masked else None

        def finish(place: Value, v: int, x: Value) -> Value:
            slope = (x - deltas[v]) * self._p.load(place, self.k.lanes)
            return slope if counts is None else slope * counts[v]

        self.inner(self._tile + ROOM, self._columns + (ROOM + at * self.room), self.value_depth, count, self._slopes,
                   finish)

    def _over_targets(self, factors: Pointer, rows: Pointer, depth: Value, count: Value, left: Value, ahead: Value,
                      out: Pointer) -> None:
        """Add `sum over targets of factors[n, target] rows[target]` to rows n of the output.

        Args:
            left: targets of the block.
            ahead: if causal and without a mask, no target before the one numbered `n + ahead` counts.
        """
        k, lanes, width = self.k, self.k.lanes, self.width
        with k.loop(0, count, self.rows) as n, k.loop(0, depth, 2 * lanes) as d:
            skip = (n + ahead).maximum(0) if self.form.causal and not self.form.masked else k.number(0, "i8")
            found = product(k, self.rows, 2, factors + (n * width + skip), width, 1, rows + (skip * self.room + d),
                            self.room, left - skip)
            inside = [k.lane_numbers(lanes) < (depth - d - v * lanes).splat(lanes) for v in range(2)]
            for i in range(self.rows):
                with k.when(n + i < count):
                    for v in range(2):
                        place = (n + i) * self.groups * depth + d + v * lanes
                        out.store(place, out.load(place, lanes, inside[v]) + found[i][v], inside[v])


@lowering("attention_grad")
def attention_grad(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    g, q, key, v, _, _, *mask = ins
    values = sizes_of(q, key, v, mask[0] if mask else None, params["scale"])
    if values is None or g.dtype != q.dtype:
        return None
    form, sizes = Form(bool(mask), params["causal"]), dict(zip(SIZES, values, strict=True))
    names = (*(f"i{n}" for n in range(len(ins))), "o0", "o1", "o2")
    shared = sizes["heads"] // sizes["groups"]
    grain = split(q.shape[0] * sizes["groups"], cost(sizes, form, 5) * sizes["targets"] * shared)
    job = Job(f"attention_grad {engine.lanes()} {form}", backward(form), names, values,
              q.shape[0] * sizes["groups"], grain)
    return Plan((job,))
