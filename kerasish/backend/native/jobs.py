"""Jobs: what an instruction of a program asks of kernels, and the table of who can lower which op to jobs."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Job(NamedTuple):
    """One call of a kernel, in parts that may run at the same time.

    Attributes:
        key: names the machine code; two jobs with one key have the same code, whatever their sizes are.
        write: writes the kernel (see `language`). Entry `n` of its table is the slot of operand `n`; after the
            operands come the sizes.
        operands: "i0", "i1", ... inputs; "o0", ... outputs; "s0", ... scratch memory of the plan. All are contiguous.
        sizes: whole numbers for the kernel; a name among them stands for the address of that function of the library
            of products.
        total: units of work; a call does units lo to hi. Parts begin at multiples of `grain`.
        in_rows: whether unit n writes the n-th of `total` equal pieces of the first output, and nothing else.
        grain: units of a part. It may depend on sizes but not on the number of threads, so that results do not either.
    """

    key: str
    write: Callable[[Any], None]
    operands: tuple[str, ...]
    sizes: tuple[int | str, ...] = ()
    total: int = 1
    grain: int = 1
    in_rows: bool = False


class Plan(NamedTuple):
    """The jobs of one instruction, in order, and the bytes of each piece of scratch memory that they share."""

    jobs: tuple[Job, ...]
    scratch: tuple[int, ...] = ()


Lowering = Callable[[list[Any], list[Any], dict[str, Any]], "Plan | None"]
LOWERINGS: dict[str, Lowering] = {}


def lowering(*names: str) -> Callable[[Lowering], Lowering]:
    """Return a decorator that enters a function in the table under names of ops.

    The function is given the inputs and outputs (things with `shape`, `dtype`, `size`) and the op's parameters; it
    returns the plan, or None if it does not serve this case.
    """

    def enter(function: Lowering) -> Lowering:
        for name in names:
            LOWERINGS[name] = function
        return function

    return enter


def split(total: int, cost: float, most: int = 64, multiple: int = 1) -> int:
    """Return a grain: parts of some 30 microseconds, at most `most` of them.

    Args:
        total: units of work.
        cost: nanoseconds a unit takes, roughly.
        most: the largest number of parts.
        multiple: what the grain is to be a multiple of.
    """
    units = max(int(30_000 / max(cost, 1e-3)), -(-total // most), 1)
    return -(-units // multiple) * multiple


def align(nbytes: int) -> int:
    """Return a number of bytes rounded up to whole cache lines."""
    return -(-nbytes // 64) * 64
