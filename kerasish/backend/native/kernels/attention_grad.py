"""Attention, backward: the probabilities of a block of targets and a tile of sources are made again, and used twice.

Targets lie in the lanes while probabilities, their slopes and the gradient of the queries are made (see `attention`);
for the gradients of keys and values it is their features that do. A unit of work is one head of keys and values.
"""

from collections.abc import Callable
from typing import Any

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, lowering, split
from kerasish.backend.native.kernels.attention import (
    FORBIDDEN_SCORE,
    MOST,
    ROOM,
    SIZES,
    Attention,
    Form,
    cost,
    sizes_of,
)
from kerasish.backend.native.kernels.tiles import copy_rows, load_turned, product, store_turned
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
        # Of a chunk: queries and gradients with targets in the lanes and by rows, the gradient of the queries.
        self._queries, self._grads, self._query_rows, self._grad_rows, self._query_grads = (
            k.scratch("f4", ROOM) for _ in range(5))
        self._lse, self._deltas, self._evenly = (k.scratch("f4", MOST + 32) for _ in range(3))
        # Of a tile of sources.
        self._keys, self._values = k.scratch("f4", ROOM), k.scratch("f4", ROOM)
        self._p, self._slopes = k.scratch("f4", MOST * self.width), k.scratch("f4", MOST * self.width)

    def write(self) -> None:
        """Write the kernel."""
        k, shared = self.k, self.heads // self.groups
        with k.loop(k.lo, k.hi) as unit:
            batch, group = unit // self.groups, unit % self.groups
            for x, depth in ((self.gk, self.depth), (self.gv, self.value_depth)):
                with k.loop(0, self.sources) as n:
                    self._clear(x + self.place(batch, n, group, self.sources, self.groups, depth), depth)
            with k.loop(group * shared, (group + 1) * shared) as head, k.loop(0, self.targets, self.chunk) as first:
                stop = self.least(first + self.chunk, self.targets)
                self._begin(batch, head, first, stop)
                self._sources(batch, group, head, first, stop)
                self._end(batch, head, first, stop)

    def _clear(self, row: Pointer, depth: Value) -> None:
        self.k.sweep(0, depth, lambda d, mask: row.store(d, self.k.number(0.0, "f4", self.k.lanes), mask))

    # ---- a chunk of targets --------------------------------------------------------------------

    def _begin(self, batch: Value, head: Value, first: Value, stop: Value) -> None:
        k = self.k
        with k.loop(first, stop, self.width) as t:
            at, left = t - first, self.targets - t
            count = self.least(left, self.width)
            for x, depth, turned, rows, factor in (
                    (self.q, self.depth, self._queries, self._query_rows, self.scale.splat(k.lanes)),
                    (self.g, self.value_depth, self._grads, self._grad_rows, None)):
                here = x + self.place(batch, t, head, self.targets, self.heads, depth)
                load_turned(k, here, self.heads * depth, left, depth, turned + at * self.room(), self.width, factor)
                copy_rows(k, here, self.heads * depth, count, depth, rows + at * self.room(), self.room(), factor)
            self._rows(batch, head, t, at, count)
        with k.loop(0, (stop - first + self.width - 1) // self.width * self.width * self.room(), k.lanes) as n:
            self._query_grads.store(n, k.number(0.0, "f4", k.lanes))

    def _rows(self, batch: Value, head: Value, t: Value, at: Value, count: Value) -> None:
        """Bring what belongs to each target: lse, sum(g out), and what a target that sees nothing sees of each."""
        k, lanes, depth = self.k, self.k.lanes, self.value_depth
        with k.loop(0, count) as i:
            place = self.place(batch, t + i, head, self.targets, self.heads, depth)
            self._deltas.store(at + i, self._inner(self.g + place, self.out + place, depth))
        for v in range(2):
            inside = k.lane_numbers(lanes) < (count - v * lanes).splat(lanes)
            lse = self.lse.load((batch * self.heads + head) * self.targets + t + v * lanes, lanes, inside)
            self._lse.store(at + v * lanes, lse)
            delta = inside.where(self._deltas.load(at + v * lanes, lanes), 0.0)
            self._deltas.store(at + v * lanes, delta)
            if self.form.masked:
                each = (k.number(1.0, "f4") / self.sources.to("f4")).splat(lanes)
                self._evenly.store(at + v * lanes, (lse < FORBIDDEN_SCORE / 2).where(each, 1.0))

    def _inner(self, a: Pointer, b: Pointer, count: Value) -> Value:
        """Return the sum of products of two rows."""
        lanes = self.k.lanes
        total = self.k.var(self.k.number(0.0, "f4", lanes))
        self.k.sweep(0, count, lambda d, mask: total.add(a.load(d, lanes, mask) * b.load(d, lanes, mask)))
        return total.get().total()

    def _end(self, batch: Value, head: Value, first: Value, stop: Value) -> None:
        k, lanes = self.k, self.k.lanes
        for v in range(2):
            self._p.store(v * lanes, self.scale.splat(lanes))
        with k.loop(first, stop, self.width) as t:
            place = self.place(batch, t, head, self.targets, self.heads, self.depth)
            store_turned(k, self._query_grads + (t - first) * self.room(), self.width, self.targets - t, self.depth,
                         self.gq + place, self.heads * self.depth, self._p)

    # ---- a tile of sources, a block of targets -------------------------------------------------

    def _sources(self, batch: Value, group: Value, head: Value, first: Value, stop: Value) -> None:
        k, seen = self.k, self.seen(stop)
        with k.loop(0, seen, self.tile) as source:
            count = self.least(seen - source, self.tile)
            places = [self.place(batch, source, group, self.sources, self.groups, d)
                      for d in (self.depth, self.value_depth)]
            copy_rows(k, self.key + places[0], self.groups * self.depth, count, self.depth, self._keys, self.depth)
            copy_rows(k, self.v + places[1], self.groups * self.value_depth, count, self.value_depth, self._values,
                      self.value_depth)
            with k.loop(first, stop, self.width) as t:
                self._block(batch, head, t, t - first, source, self.seen_of_tile(t, source, count), places)

    def _block(self, batch: Value, head: Value, t: Value, at: Value, source: Value, count: Value,
               places: list[Value]) -> None:
        block = at * self.room()
        if self.mask is not None:
            self.read_mask(self.mask, batch, head, t, source, count)
        self._probabilities(t, at, source, count)
        self._slope(t, at, source, count)
        self.columns(self._keys, self.depth, self.depth, self._slopes, count, self._query_grads + block)
        left = self.least(self.targets - t, self.width)
        ahead = source - t if self.form.ahead else None
        for factors, rows, depth, out, place in (
                (self._slopes, self._query_rows, self.depth, self.gk, places[0]),
                (self._p, self._grad_rows, self.value_depth, self.gv, places[1])):
            self._over_targets(factors, rows + block, depth, count, left, ahead, out + place)

    def _probabilities(self, t: Value, at: Value, source: Value, count: Value) -> None:
        lanes = self.k.lanes

        def use(n: Value, v: int, score: Value) -> None:
            p = exp_below(score - self._lse.load(at + v * lanes, lanes))
            if self.form.masked:
                p = p * self._evenly.load(at + v * lanes, lanes)
            self._p.store(n * self.width + v * lanes, p)

        self.scores(self._keys, self._queries + at * self.room(), t, source, count, use)

    def _slope(self, t: Value, at: Value, source: Value, count: Value) -> None:
        """Write the gradient of the scores."""
        k, lanes = self.k, self.k.lanes
        grads = self._grads + at * self.room()
        times = [(k.lane_numbers(lanes) + (t + v * lanes).splat(lanes)).to("i4") for v in range(2)]

        def tile(n: Value, rows: int) -> None:
            found = product(k, rows, 2, self._values + n * self.value_depth, self.value_depth, 1, grads, self.width,
                            self.value_depth)
            for i in range(rows):
                for v in range(2):
                    place = (n + i) * self.width + v * lanes
                    slope = (found[i][v] - self._deltas.load(at + v * lanes, lanes)) * self._p.load(place, lanes)
                    allowed = self.allowed(n + i, v, source, times[v]) if self.form.masked else None
                    self._slopes.store(place, slope if allowed is None else allowed.where(slope, 0.0))

        self.by_tiles(count, tile)

    def _over_targets(self, factors: Pointer, rows: Pointer, depth: Value, count: Value, left: Value,
                      ahead: Value | None, out: Pointer) -> None:
        """Add `sum over targets of factors[n, target] rows[target]` to rows n of the output.

        Args:
            left: targets of the block.
            ahead: if given, no target before the one numbered `n + ahead` counts.
        """
        k, lanes = self.k, self.k.lanes

        def tile(n: Value, at_once: int) -> None:
            skip = k.number(0, "i8") if ahead is None else (n + ahead).maximum(0)
            with k.loop(0, depth, 2 * lanes) as d:
                found = product(k, at_once, 2, factors + (n * self.width + skip), self.width, 1,
                                rows + (skip * self.room() + d), self.room(), left - skip)
                for v in range(2):
                    inside = k.lane_numbers(lanes) < (depth - d - v * lanes).splat(lanes)
                    for i in range(at_once):
                        place = (n + i) * self.groups * depth + d + v * lanes
                        out.store(place, out.load(place, lanes, inside) + found[i][v], inside)

        self.by_tiles(count, tile)


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
