"""What a program is as machine code, without an address in it: what can be written down and built again later."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kerasish.backend.native.batches import Listed


class Place(NamedTuple):
    """A value as it lies in memory: its slot, in which its address is, and how it is to be seen."""

    slot: int
    shape: tuple[int, ...]
    dtype: np.dtype


class Jobs(NamedTuple):
    """Jobs that run without Python between them, and the nanoseconds that they take on one thread, roughly."""

    listed: Listed
    nanoseconds: float


class Call(NamedTuple):
    """An instruction that runs on the array kernels.

    Attributes:
        op: its name.
        params: its parameters.
        reads: its inputs.
        writes: its results; None for one that is not kept.
        kernel: what runs it, where no device knows it by the op's name.
    """

    op: str
    params: dict[str, Any]
    reads: tuple[Place, ...]
    writes: tuple[Place | None, ...]
    kernel: Callable[..., Any] | None = None


class Check(NamedTuple):
    """A check that whole numbers lie in a range.

    Attributes:
        listed: the job that counts the wrong ones.
        found: the place in the job's table where the address of the count belongs.
        complain: run where there is a wrong one; raises.
    """

    listed: Listed
    found: int
    complain: Call


class Held(NamedTuple):
    """A variable: its number among those of the program, slots that point at its array, whether that is written."""

    number: int
    slots: tuple[int, ...]
    written: bool


class Loop(NamedTuple):
    """A scan, or a while.

    Attributes:
        kind: "scan" or "while".
        body: what is run again and again.
        moving: slots of the body that are pointed elsewhere for each step: the carry read, the carry written; in a scan
            then slices, and what is stacked.
        around: slots outside for these: of the first carry, of the last; of what is cut in slices, and what is stacked.
        captured: pairs (slot of the body, slot outside) of what is the same at all steps.
        nbytes: of each value that is carried.
        strides: bytes from one slice, or row of what is stacked, to the next.
        length: of a scan its steps, of a while the most that it does, or None.
        reverse: whether a scan begins at the end.
        begins: of a while, whether to begin.
        goes_on: of a while, where in the body the result is that says whether to go on.
    """

    kind: str
    body: Any
    moving: tuple[int, ...]
    around: tuple[int, ...]
    captured: tuple[tuple[int, int], ...]
    nbytes: tuple[int, ...]
    strides: tuple[int, ...]
    length: int | None
    reverse: bool
    begins: Place | None
    goes_on: Place | None


class Branches(NamedTuple):
    """A switch: the value that says which body is run, and the bodies, each with pairs (slot of it, slot outside)."""

    chosen: Place
    bodies: tuple[tuple[Any, tuple[tuple[int, int], ...]], ...]


Part = Jobs | Call | Check | Loop | Branches


class Blueprint(NamedTuple):
    """A program as machine code.

    Attributes:
        slots: how many addresses there are.
        nbytes: of the arena.
        offsets: int64 array of shape (n, 2): slots whose values lie in the arena, and where in it.
        constants: pairs (slot, array).
        inputs: where the caller's arrays are put.
        variables: those that are read, or written in their own memory.
        direct: pairs (number of an output, where it lies): those with an array of their own for every run.
        outputs: all of them, in order, and whether it is one of those.
        copies: pairs (number of a variable, its new value): updates that are copied when all is done.
        parts: what runs, in order.
    """

    slots: int
    nbytes: int
    offsets: np.ndarray
    constants: tuple[tuple[int, np.ndarray], ...]
    inputs: tuple[Place, ...]
    variables: tuple[Held, ...]
    direct: tuple[tuple[int, Place], ...]
    outputs: tuple[tuple[Place, bool], ...]
    copies: tuple[tuple[int, Place], ...]
    parts: tuple[Part, ...]
