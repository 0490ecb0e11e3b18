"""The memory of a program as machine code: one arena for what it computes, a slot with an address for every value."""

import ctypes
import mmap
import sys
import threading
import weakref
from bisect import insort
from typing import Any

import numpy as np

from kerasish.backend.native.jobs import Plan
from kerasish.compiler.codegen.chains import Chain
from kerasish.compiler.codegen.schedule import Layout
from kerasish.compiler.ir import Instruction, Program

_LARGE = 4096  # bytes from which on an output is written straight into the array that the caller gets


class Arena:
    """A piece of memory for programs that run one at a time: nothing in it outlasts a run.

    Attributes:
        memory: bytes.
        lock: held while a program runs in it.
    """

    def __init__(self, nbytes: int):
        self.memory = np.empty(nbytes + 64, np.uint8)
        self.lock = threading.RLock()

    @staticmethod
    def of(nbytes: int) -> "Arena":
        """Return an arena that is large enough: one that another program has already, else a new one."""
        with _making:
            fitting = [a for a in _arenas if a.memory.nbytes >= nbytes + 64]
            arena = min(fitting, key=lambda a: a.memory.nbytes) if fitting else Arena(nbytes)
            _arenas.add(arena)
        return arena


    def drop(self) -> None:
        """Give the pages back to the system, where it can be told so; they come back empty when they are written to."""
        if sys.platform != "linux":
            return
        page, begin = mmap.PAGESIZE, self.memory.ctypes.data
        first, last = -(-begin // page) * page, (begin + self.memory.nbytes) // page * page
        if last > first:
            ctypes.CDLL(None).madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), mmap.MADV_DONTNEED)


def release() -> None:
    """Give back the memory of large arenas in which nothing runs just now; the next run takes it again."""
    for arena in list(_arenas):
        if arena.memory.nbytes >= _WORTH_RELEASING and arena.lock.acquire(blocking=False):
            try:
                arena.drop()
            finally:
                arena.lock.release()


def trim() -> None:
    """Give back what the C library keeps of freed memory, where it can be told so: much, after a step op by op."""
    if sys.platform == "linux":
        trimming = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trimming is not None:
            trimming(ctypes.c_size_t(0))


_WORTH_RELEASING = 1 << 26
_arenas: "weakref.WeakSet[Arena]" = weakref.WeakSet()
_making = threading.Lock()


class Memory:
    """Where the values of a program lie.

    Attributes:
        arena: where values lie that have no place of their own.
        slots: the address of every value, then those of scratch memory; jobs read them.
        direct: values that lie in arrays of their own, given before every run: large outputs; the targets of a body,
            which has an arena of its own, since it runs while the program around it does.
    """

    def __init__(self, program: Program, layout: Layout, plans: list[Plan | None], chains: dict[int, Chain],
                 targets: list[int] | None = None):
        self._program, self._root = program, layout.root
        external = {*program.inputs, *(v for _, v in program.variables), *(v for _, v in program.constants),
                    *layout.in_place}
        is_body = targets is not None
        if targets is None:
            targets = [v for v in dict.fromkeys(program.outputs)
                       if layout.root[v] == v and v not in external and _bytes(program.specs[v]) >= _LARGE]
        self.direct = targets
        scratch = {n: p.scratch for n, p in enumerate(plans) if p is not None and p.scratch}
        until = {link.leader: n for n, link in chains.items()}
        offsets, total = places(program, layout, external | set(self.direct), scratch, until)
        self.arena = Arena(total) if is_body else Arena.of(total)
        self._shift = -self.arena.memory.ctypes.data % 64
        self._offsets = offsets
        self._constants = {v: np.array(a, order="C") for a, v in program.constants}
        extra = [key for key in offsets if isinstance(key, tuple)]
        self._scratch = {key: len(program.specs) + n for n, key in enumerate(extra)}
        self.slots = np.zeros(len(program.specs) + len(extra), np.int64)
        base = self.arena.memory.ctypes.data + self._shift
        for key, offset in offsets.items():
            self.slots[self._scratch.get(key, key)] = base + offset
        for v, array in self._constants.items():
            self.slots[v] = array.ctypes.data

    def point(self, v: int, array: np.ndarray) -> None:
        """Put a value in an array, which must stay alive."""
        self.slots[v] = array.ctypes.data

    def slots_of(self, n: int, i: Instruction, plan: Plan) -> dict[str, int]:
        """Return the slots of the operands of instruction number n by name."""
        names = {f"i{m}": self._root[v] for m, v in enumerate(i.inputs)}
        names.update({f"o{m}": self._root[v] for m, v in enumerate(i.outputs)})
        names.update({f"s{m}": self._scratch[n, m] for m in range(len(plan.scratch))})
        return names

    def fixed(self, v: int) -> np.ndarray | None:
        """Return the array of a value whose place never changes, else None."""
        root, spec = self._root[v], self._program.specs[v]
        if root in self._constants:
            return self._constants[root].reshape(spec.shape)
        if root not in self._offsets:
            return None
        begin = self._shift + self._offsets[root]
        return self.arena.memory[begin : begin + _bytes(spec)].view(spec.dtype).reshape(spec.shape)

    def at(self, v: int) -> np.ndarray:
        """Return the array at the address in a value's slot, which something else keeps alive."""
        spec = self._program.specs[v]
        raw = (ctypes.c_uint8 * _bytes(spec)).from_address(int(self.slots[v]))
        return np.frombuffer(memoryview(raw), spec.dtype).reshape(spec.shape)


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
