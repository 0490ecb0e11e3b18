"""Running a list of jobs: a loop of machine code that threads share, without Python between one job and the next.

The work of each job is cut into parts. A thread takes the next part with one atomic addition, and goes on to the next
job when all parts of this one are done, so a thread that comes late, or is held up, is waited for only in the part
that it has taken. Which thread does a part changes nothing in the result.

Subnormal numbers are zero meanwhile (they would cost the optimizer's moments thirty times the time), as far as the
processor can be told so.
"""

import contextlib
import platform
from collections.abc import Iterator
from typing import Any

from kerasish.backend.native.llvm import i64, ir

# Fields of a record, eight bytes each; what is written while running lies on a cache line of its own.
# CHAIN is how many of the next records are done with each part of this one, for FACTOR times its units; they have no
# parts of their own, so that what one kernel writes is still in the nearest cache when the next one reads it.
CODE, TABLE, TOTAL, GRAIN, PARTS, CHAIN, FACTOR, TAKEN, DONE, RECORD = 0, 1, 2, 3, 4, 5, 6, 8, 9, 16
# Fields of the desk at which threads meet: the jobs that are open to all, and who is at work on them.
RECORDS, COUNT, SLOTS, YIELD, TURN, LINGER, SLEEP, OPEN, INSIDE, DESK = 0, 1, 2, 3, 4, 5, 6, 8, 16, 24
# Behind the first three fields, of rounds alone: which slots change, their addresses in each round, and how many.
MOVING, ROWS, WIDTH = 3, 4, 5
# Fields of a table of memory, to which threads come in place of slots: the system's function, its advice, the length of
# a page, the pieces (address and length of each), how many there are, whether somebody waits for them, and zero; on a
# line of its own, which is next.
ADVISE, ADVICE, PAGE, PIECES, OF_PIECES, HURRY, NOTHING, NEXT, MEMORY = 0, 1, 2, 3, 4, 5, 6, 8, 16
_SPINS = 4000  # looks at a counter before the thread lets others run
_YIELDS = 400  # times that it lets them run before it sleeps: whom it waits for may be held up on its own processor


def alone(k: Any) -> None:
    """Run jobs `lo` to `hi` of the records that table entry 0 points to, each part after the other."""
    before = _flush_subnormals(k.builder, k)
    _run_jobs(k, k.lo, k.hi)
    _restore(k.builder, k, before)


def rounds(k: Any) -> None:
    """Run all jobs in each of the rounds `lo` to `hi`, before which slots are pointed elsewhere."""
    build, moving, rows, width = k.builder, _address(k, MOVING), _address(k, ROWS), k.size(WIDTH)
    before = _flush_subnormals(build, k)
    with k.loop(k.lo, k.hi) as turn:
        row = build.gep(rows, [(turn * width).code], source_etype=i64())
        with k.loop(0, width) as n:
            slot = build.load(build.gep(moving, [n.code], source_etype=i64()), typ=i64())
            address = build.load(build.gep(row, [n.code], source_etype=i64()), typ=i64())
            build.store(address, build.gep(k.slots, [slot], source_etype=i64()))
        _run_jobs(k, 0, k.size(COUNT))
    _restore(build, k, before)


def _run_jobs(k: Any, lo: Any, hi: Any) -> None:
    records = _address(k, RECORDS)
    with k.loop(lo, hi) as n:
        record = _record(k.builder, records, n)
        with k.loop(0, _whole(k, _field(k.builder, record, PARTS))) as part:
            _call(k, record, part, k.slots)


def show(k: Any) -> None:
    """Open the desk."""
    k.builder.atomic_rmw("xchg", _gep(k.builder, k.table, OPEN), _int(1), "seq_cst")


def lead(k: Any) -> None:
    """Open the desk, run its jobs together with the threads that follow, close it, wait until they have left."""
    build = k.builder
    show(k)
    _run_shared(k)
    build.atomic_rmw("xchg", _gep(build, k.table, OPEN), _int(0), "seq_cst")
    _wait(k, lambda: build.icmp_signed("==", _load_atomic(build, _gep(build, k.table, INSIDE)), _int(0)))


def look(k: Any) -> None:
    """Look at a closed desk `hi` times, to find out how long that takes."""
    with k.loop(0, k.hi):
        _is_open(k)
        _load_atomic(k.builder, _gep(k.builder, k.table, TURN))
        _pause(k)


def follow(k: Any) -> None:
    """Help whenever the desk is open, and return when it has been closed for a while.

    In place of slots there is the last turn at which this thread has helped.
    """
    build, desk = k.builder, k.table
    turn, idle = k.var(_whole(k, build.load(k.slots, typ=i64()))), k.var(k.number(0, "i8"))
    head, body, after = (build.append_basic_block(name) for name in ("look", "stay", "leave"))
    build.branch(head)
    build.position_at_end(head)
    build.cbranch((idle.get() < k.size(LINGER)).code, body, after)
    build.position_at_end(body)
    now = _whole(k, _load_atomic(build, _gep(build, desk, TURN)))
    with k.either(_is_open(k) & now.differs(turn.get())) as (new, old):
        with new:
            build.atomic_rmw("add", _gep(build, desk, INSIDE), _int(1), "seq_cst")
            with k.when(_is_open(k)):  # nobody may have closed it meanwhile
                _run_shared(k)
            build.atomic_rmw("sub", _gep(build, desk, INSIDE), _int(1), "seq_cst")
            turn.set(now)
            idle.set(0)
        with old:
            _pause(k)
            idle.add(1)
    build.branch(head)
    build.position_at_end(after)
    build.store(turn.get().code, k.slots)


def advise(k: Any) -> None:
    """Let the system give pieces of memory their pages; the threads that come to the table share them."""
    with _piece(k) as (begin, nbytes):
        _advise(k, begin, nbytes)


def touch(k: Any) -> None:
    """Do as `advise`, page by page until the table says HURRY: no thread that wants memory meanwhile has to wait."""
    build = k.builder
    page, nothing = _field(build, k.slots, PAGE), build.trunc(_field(build, k.slots, NOTHING), ir.IntType(8))
    with _piece(k) as (begin, nbytes):
        hurry = _whole(k, _load_atomic(build, _gep(build, k.slots, HURRY)))
        with k.either(hurry.differs(0)) as (at_once, slowly):
            with at_once:
                _advise(k, begin, nbytes)
            with slowly, k.loop(0, _whole(k, build.udiv(nbytes, page))) as n:
                place = build.inttoptr(build.add(begin, build.mul(n.code, page)), ir.PointerType())
                build.atomic_rmw("or", place, nothing, "monotonic")  # with a constant for it, LLVM would only read


def _advise(k: Any, begin: Any, nbytes: Any) -> None:
    build, i32 = k.builder, ir.IntType(32)
    function = _Pointer(build.inttoptr(_field(build, k.slots, ADVISE), ir.PointerType()),
                        ir.FunctionType(i32, [i64(), i64(), i32]))
    build.call(function, [begin, nbytes, build.trunc(_field(build, k.slots, ADVICE), i32)])


@contextlib.contextmanager
def _piece(k: Any) -> Iterator[Any]:
    """Within this stands what is done with the begin and the length of each piece that this thread takes."""
    build, table = k.builder, k.slots
    pieces = build.inttoptr(_field(build, table, PIECES), ir.PointerType())
    with _taken(build, _gep(build, table, NEXT), _field(build, table, OF_PIECES)) as n:
        piece = build.gep(pieces, [build.mul(n, _int(2))], source_etype=i64())
        yield _field(build, piece, 0), _field(build, piece, 1)


def _is_open(k: Any) -> Any:
    build = k.builder
    return _whole(k, _load_atomic(build, _gep(build, k.table, OPEN))).differs(0)


def _run_shared(k: Any) -> None:
    build = k.builder
    records, slots = _address(k, RECORDS), _address(k, SLOTS)
    before = _flush_subnormals(build, k)
    with k.loop(0, k.size(COUNT)) as n:
        record = _record(build, records, n)
        parts = _field(build, record, PARTS)
        with _taken(build, _gep(build, record, TAKEN), parts) as part:
            _call(k, record, _whole(k, part), slots)
            build.atomic_rmw("add", _gep(build, record, DONE), _int(1), "acq_rel")
        _wait(k, lambda record=record, parts=parts: build.icmp_signed(
            ">=", _load_atomic(build, _gep(build, record, DONE)), parts))
    _restore(build, k, before)


@contextlib.contextmanager
def _taken(build: Any, counter: Any, count: Any) -> Iterator[Any]:
    """Within this stands what is done with each number below `count` that the counter gives to this thread."""
    head, body, after = (build.append_basic_block(name) for name in ("take", "do", "done"))
    build.branch(head)
    build.position_at_end(head)
    n = build.atomic_rmw("add", counter, _int(1), "acq_rel")
    build.cbranch(build.icmp_signed("<", n, count), body, after)
    build.position_at_end(body)
    yield n
    build.branch(head)
    build.position_at_end(after)


def _call(k: Any, record: Any, part: Any, slots: Any) -> None:
    """Run one part of a job, and of those that are chained to it."""
    build = k.builder
    total, grain = (_field(build, record, n) for n in (TOTAL, GRAIN))
    lo = build.mul(part.code, grain)
    hi = build.add(lo, grain)
    hi = build.select(build.icmp_signed("<", hi, total), hi, total)
    with k.loop(0, _whole(k, build.add(_field(build, record, CHAIN), _int(1)))) as n:
        link = _record(build, record, n)
        pointer = ir.PointerType()
        kind = ir.FunctionType(ir.VoidType(), [pointer, pointer, i64(), i64()])
        code, table, factor = (_field(build, link, field) for field in (CODE, TABLE, FACTOR))
        function = _Pointer(build.inttoptr(code, pointer), kind)
        build.call(function, [slots, build.inttoptr(table, pointer), build.mul(lo, factor), build.mul(hi, factor)])


class _Pointer:
    """A function known by its address, as llvmlite's `call` wants it."""

    def __init__(self, address: Any, kind: Any):
        self._address, self.function_type, self.type = address, kind, ir.PointerType()
        self.type.pointee = kind

    def get_reference(self) -> str:
        return self._address.get_reference()


def _wait(k: Any, holds: Any) -> None:
    """Look again and again; after a while let other threads run between two looks."""
    build = k.builder
    entry, head, again, give, after = (build.block, *(
        build.append_basic_block(n) for n in ("wait", "again", "give", "go")))
    yields = k.var(k.number(0, "i8"))
    build.branch(head)
    build.position_at_end(head)
    spins = build.phi(i64())
    spins.add_incoming(_int(0), entry)
    build.cbranch(holds(), after, again)
    build.position_at_end(again)
    _pause(k)
    more = build.add(spins, _int(1))
    spins.add_incoming(more, again)
    build.cbranch(build.icmp_signed("<", more, _int(_SPINS)), head, give)
    build.position_at_end(give)
    yields.add(1)
    rest = build.select((yields.get() < _YIELDS).code, k.size(YIELD).code, k.size(SLEEP).code)
    # The one takes no argument and the other a microsecond; in C's calls a number too many does no harm.
    resting = ir.FunctionType(ir.IntType(32), [ir.IntType(32)])
    build.call(_Pointer(build.inttoptr(rest, ir.PointerType()), resting), [ir.Constant(ir.IntType(32), 1)])
    spins.add_incoming(_int(_SPINS - 20), give)
    build.branch(head)
    build.position_at_end(after)


def _pause(k: Any) -> None:
    """Tell the processor that the thread only waits."""
    if _is_x86():
        k.builder.call(k.declare("llvm.x86.sse2.pause", ir.VoidType(), []), [])


def _flush_subnormals(build: Any, k: Any) -> Any:
    """Set the bits for flush-to-zero and denormals-are-zero; return the register as it was."""
    if not _is_x86():
        return None
    with build.goto_entry_block():
        place = build.alloca(ir.IntType(32))
    pointer = [ir.PointerType()]
    build.call(k.declare("llvm.x86.sse.stmxcsr", ir.VoidType(), pointer), [place])
    before = build.load(place, typ=ir.IntType(32))
    build.store(build.or_(before, ir.Constant(ir.IntType(32), 0x8040)), place)
    build.call(k.declare("llvm.x86.sse.ldmxcsr", ir.VoidType(), pointer), [place])
    return place, before


def _restore(build: Any, k: Any, before: Any) -> None:
    if before is not None:
        place, register = before
        build.store(register, place)
        build.call(k.declare("llvm.x86.sse.ldmxcsr", ir.VoidType(), [ir.PointerType()]), [place])


def _is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64", "i686")


def _int(n: int) -> Any:
    return ir.Constant(i64(), n)


def _gep(build: Any, base: Any, field: int) -> Any:
    return build.gep(base, [_int(field)], source_etype=i64())


def _field(build: Any, record: Any, field: int) -> Any:
    return build.load(_gep(build, record, field), typ=i64())


def _load_atomic(build: Any, place: Any) -> Any:
    return build.load_atomic(place, "seq_cst", 8, typ=i64())


def _address(k: Any, field: int) -> Any:
    return k.builder.inttoptr(k.size(field).code, ir.PointerType())


def _record(build: Any, records: Any, n: Any) -> Any:
    return build.gep(records, [build.mul(n.code, _int(RECORD))], source_etype=i64())


def _whole(k: Any, code: Any) -> Any:
    return k.lo.like(code)
