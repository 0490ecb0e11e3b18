"""The kernel that looks for wrong whole numbers."""

from typing import Any

from kerasish.backend.native.batches import list_jobs
from kerasish.backend.native.jobs import Job
from kerasish.backend.native.language import kind_of
from kerasish.compiler.machine.blueprint import Call, Check


def check(spec: Any, params: dict[str, Any], slot: int, complain: Call) -> Check:
    """Return a check that the numbers of a spec lie in a range.

    Args:
        spec: of the numbers.
        params: of the op.
        slot: where their address is.
        complain: what is run where a number is wrong.
    """
    kind, ignore = kind_of(spec.dtype) or "", params["ignore"] if params["ignore"] is not None else 0
    job = Job(f"check range {kind}", searching(kind), ("i0",), (0, params["upper"], ignore), spec.size, spec.size)
    return Check(list_jobs([job], [{"i0": slot}]), 1, complain)


def serves(spec: Any) -> bool:
    """Tell whether there is a kernel for numbers of a spec."""
    return spec.dtype.kind in "iu" and kind_of(spec.dtype) is not None and spec.size > 0


def searching(kind: str) -> Any:
    """Return the writer of a count of numbers outside [0, upper) that are not the one to be ignored.

    Table: numbers; the address of the count, upper, the number to be ignored.
    """

    def write(k: Any) -> None:
        numbers, found, upper, ignore = k.pointer(0, kind), k.address(1, "i8"), k.size(2), k.size(3)
        wrong = k.var(k.number(0, "i8"))
        with k.loop(k.lo, k.hi) as n:
            number = numbers.load(n).to("i8")
            bad = ((number < 0) | (number >= upper)) & number.differs(ignore)
            wrong.add(bad.where(k.number(1, "i8"), 0))
        found.store(0, wrong.get())

    return write
