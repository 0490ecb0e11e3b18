"""Where the values of a program lie: offsets in one arena for what it computes, a slot for every value."""

from bisect import insort
from typing import Any

import numpy as np

from kerasish.backend.native.jobs import Plan
from kerasish.compiler.codegen.chains import Chain
from kerasish.compiler.codegen.schedule import Layout
from kerasish.compiler.ir import Instruction, Program

_LARGE = 4096  # bytes from which on an output is written straight into the array that the caller gets


class Placement:
    """Where the values of a program lie.

    Attributes:
        slots: how many: one a value, then those of scratch memory.
        nbytes: of the arena, where values lie that have no place of their own.
        offsets: int64 array of pairs (slot, where in the arena).
        direct: values that lie in arrays of their own, given before every run: large outputs; the targets of a body,
            which has an arena of its own, since it runs while the program around it does.
    """

    def __init__(self, program: Program, layout: Layout, plans: list[Plan | None], chains: dict[int, Chain],
                 targets: list[int] | None = None):
        self._root = layout.root
        external = {*program.inputs, *(v for _, v in program.variables), *(v for _, v in program.constants),
                    *layout.in_place}
        if targets is None:
            targets = [v for v in dict.fromkeys(program.outputs)
                       if layout.root[v] == v and v not in external and _bytes(program.specs[v]) >= _LARGE]
        self.direct = targets
        scratch = {n: p.scratch for n, p in enumerate(plans) if p is not None and p.scratch}
        until = {link.leader: n for n, link in chains.items()}
        offsets, self.nbytes = places(program, layout, external | set(self.direct), scratch, until)
        extra = [key for key in offsets if isinstance(key, tuple)]
        self._scratch = {key: len(program.specs) + n for n, key in enumerate(extra)}
        self.slots = len(program.specs) + len(extra)
        self.offsets = np.array(
            [(self._scratch.get(key, key), offset) for key, offset in offsets.items()], np.int64).reshape(-1, 2)

    def slots_of(self, n: int, i: Instruction, plan: Plan) -> dict[str, int]:
        """Return the slots of the operands of instruction number n by name."""
        names = {f"i{m}": self._root[v] for m, v in enumerate(i.inputs)}
        names.update({f"o{m}": self._root[v] for m, v in enumerate(i.outputs)})
        names.update({f"s{m}": self._scratch[n, m] for m in range(len(plan.scratch))})
        return names


def _bytes(spec: Any) -> int:
    return spec.size * spec.dtype.itemsize


def places(program: Program, layout: Layout, external: set[int], extra: dict[int, tuple[int, ...]],
           until: dict[int, int]) -> tuple[dict[Any, int], int]:
    """Assign offsets in one piece of memory to values that have none of their own, so that those alive together differ.

    Args:
        program: the program in the order in which it runs.
        layout: which values share memory.
        external: roots that lie elsewhere.
        extra: instruction number -> bytes of scratch memory that it needs while it runs.
        until: instruction number -> that of the one which runs at the same time.

    Returns:
        Offsets by value, and by (instruction number, n) for scratch memory; and the bytes in all.
    """
    spans: dict[Any, list[int]] = {}
    sizes: dict[Any, int] = {}
    end = len(program.instructions)
    for n, i in enumerate(program.instructions):
        for v in (*i.outputs, *i.inputs):
            r = layout.root[v]
            if r in external:
                continue
            span = spans.setdefault(r, [n, n])
            span[1] = max(span[1], until.get(n, n))
            sizes[r] = _bytes(program.specs[r])
        for m, nbytes in enumerate(extra.get(n, ())):
            spans[n, m], sizes[n, m] = [n, until.get(n, n)], nbytes
    for v in (*program.outputs, *(v for _, v in layout.copied)):
        if layout.root[v] in spans:
            spans[layout.root[v]][1] = end
    return _pack(spans, sizes)


def _pack(spans: dict[Any, list[int]], sizes: dict[Any, int]) -> tuple[dict[Any, int], int]:
    """Largest first, each at the lowest offset that is free as long as it lives."""
    placed: list[tuple[int, int, int, int]] = []  # offset, where it ends, first and last instruction; by offset
    offsets: dict[Any, int] = {}
    total = 0
    for key in sorted(spans, key=lambda k: -sizes[k]):
        begin, end = spans[key]
        need = -(-max(sizes[key], 1) // 64) * 64
        offset = 0
        for at, top, first, last in placed:
            if at - offset >= need:
                break
            if top > offset and first <= end and begin <= last:
                offset = top
        insort(placed, (offset, offset + need, begin, end))
        offsets[key] = offset
        total = max(total, offset + need)
    return offsets, total
