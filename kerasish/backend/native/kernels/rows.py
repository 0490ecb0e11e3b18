"""Adding rows to a table of zeros where indices say: the gradient of an embedding.

A part is a stretch of the table: it is cleared, and what belongs to it is added while it is in the cache, in the order
of the indices.
"""

import math
from typing import Any

from kerasish.backend.native.jobs import Job, Plan, lowering
from kerasish.backend.native.language import Value

_KINDS = {"f": "f4", "d": "f8"}
_STRETCH = 1 << 19  # bytes of the table that stay in the cache
_SCAN = 0.6  # nanoseconds an index; every part looks at all of them
_BYTE = 0.04  # nanoseconds


def _writer(kind: str, index_kind: str) -> Any:

    def write(k: Any) -> None:
        values, indices, out = k.pointer(0, kind), k.pointer(1, index_kind), k.pointer(2, kind)
        count, length, width = (k.size(3 + n) for n in range(3))
        lanes = k.lanes if kind == "f4" else k.lanes // 2
        k.sweep(k.lo * width, k.hi * width, lambda i, mask: out.store(i, k.number(0.0, kind, lanes), mask), lanes)
        with k.loop(0, count) as n:
            row = indices.load(n).to("i8")
            row = (row < 0).where(row + length, row)
            with k.when((row >= k.lo) & (row < k.hi)):
                table, more = out + row * width, values + n * width

                def add(i: Value, mask: Value | None, table: Any = table, more: Any = more) -> None:
                    table.store(i, table.load(i, lanes, mask) + more.load(i, lanes, mask), mask)

                k.sweep(0, width, add, lanes)

    return write


@lowering("scatter_item")
def scatter_item(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    """Rows of a table by one array of indices."""
    kind = _KINDS.get(outs[0].dtype.char)
    if kind is None or params["index"] != ("array",) or not outs[0].size or ins[1].dtype.name not in ("int32", "int64"):
        return None
    length, count = params["shape"][0], math.prod(ins[1].shape)
    nbytes = outs[0].size * outs[0].dtype.itemsize
    work = (nbytes + 2 * math.prod(ins[0].shape) * outs[0].dtype.itemsize) * _BYTE
    parts = min(64, max(16, nbytes // _STRETCH), int(work / (4 * _SCAN * max(count, 1))), int(work / 10_000))
    return Plan((Job(f"add rows {kind} {ins[1].dtype.name}", _writer(kind, f"i{ins[1].dtype.itemsize}"),
                     ("i0", "i1", "o0"), (count, length, outs[0].size // length), length,
                     -(-length // max(parts, 1))),))
