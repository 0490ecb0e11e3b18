"""Instructions that hold programs: loops and branches. Their cards, and how they are run.

    scan(carry..., slices..., captured...) -> carry..., stacked...
    while(condition, carry..., captured...) -> carry...
    switch(index, captured...) -> results...

The inputs of a body are those of its instruction (of a scan, one slice of each of the `slices`; without the condition
or the index). What a body reads from outside is among them, and what it assigns to variables among its results: a body
has no state. A body of `scan` returns the next carry and what is to be stacked; one of `while` whether to go on and the
next carry. `runner(instruction, device)` makes the function of arrays that runs one.
"""

from collections.abc import Callable
from typing import Any

from kerasish.backend.device import Device
from kerasish.compiler.calls import generate
from kerasish.compiler.ir import Instruction, InternalCard, Program, programs_of
from kerasish.compiler.memory import place
from kerasish.core.spec import Spec


def _require_fit(what: str, body: Program, given: list[Spec]) -> None:
    takes = [body.specs[v] for v in body.inputs]
    if takes != given:
        raise ValueError(f"the body of a {what} takes {takes}, it is given {given}")


def _results(body: Program) -> list[Spec]:
    return [body.specs[v] for v in body.outputs]


def _scan_spec(*xs: Any, body: Program, carries: int, slices: int, length: int, reverse: bool) -> tuple[Spec, ...]:
    end = carries + slices
    _require_fit("scan", body, [Spec(x.shape[1:] if carries <= n < end else x.shape, x.dtype)
                                for n, x in enumerate(xs)])
    if any(x.shape[0] != length for x in xs[carries:end]):
        raise ValueError(f"a scan of {length} steps is given {[x.shape for x in xs[carries:end]]}")
    out = _results(body)
    if out[:carries] != [Spec(x.shape, x.dtype) for x in xs[:carries]]:
        raise ValueError(f"the body of a scan carries {out[:carries]} on, it is given {xs[:carries]}")
    return (*out[:carries], *[Spec((length, *s.shape), s.dtype) for s in out[carries:]])


def _while_spec(condition: Any, *xs: Any, body: Program, carries: int, limit: int | None) -> tuple[Spec, ...]:
    _require_fit("while", body, [Spec(x.shape, x.dtype) for x in xs])
    out = _results(body)
    if out != [Spec(x.shape, x.dtype) for x in (condition, *xs[:carries])]:
        raise ValueError(f"the body of a while returns {out}, it is given {[condition, *xs[:carries]]}")
    return tuple(out[1:])


def _switch_spec(index: Any, *xs: Any, branches: tuple[Program, ...]) -> tuple[Spec, ...]:
    for branch in branches:
        _require_fit("switch", branch, [Spec(x.shape, x.dtype) for x in xs])
        if _results(branch) != _results(branches[0]):
            raise ValueError(f"the branches of a switch return {_results(branches[0])} and {_results(branch)}")
    return tuple(_results(branches[0]))


SCAN = InternalCard("scan", ("*xs",), _scan_spec)
WHILE = InternalCard("while", ("*xs",), _while_spec)
SWITCH = InternalCard("switch", ("*xs",), _switch_spec)


def kernel_of(instruction: Instruction, here: Device) -> Callable[..., Any]:
    """Return what runs an instruction on a device: its kernel, or its runner if it holds programs."""
    if programs_of(instruction):
        return runner(instruction, here)
    return here.kernel(instruction.card.name)


def runner(instruction: Instruction, here: Device) -> Callable[..., tuple[Any, ...]]:
    """Return the function of arrays (the instruction's inputs, in order) that runs it and returns its results.

    It owns the buffers of its bodies, and the results lie in them or are inputs: they hold until it is called again.
    """
    kinds: dict[str, Callable[..., Any]] = {"scan": _Scan, "while": _While, "switch": _Switch}
    return kinds[instruction.card.name](instruction, here)


class Block:
    """A body made ready to run on arrays.

    Args:
        program: the body.
        here: the device.
        given: results that are written into arrays of the caller's, where their kernels can.

    Attributes:
        slots: one array a value; the caller sets those of the inputs and of `placed`.
        placed: those of `given` that are written into what the caller puts in their slots.
        run: function of the slots.
    """

    def __init__(self, program: Program, here: Device, given: tuple[int, ...] = ()):
        kernels = [kernel_of(i, here) for i in program.instructions]
        placement = place(program, kernels, here, frozenset(given))
        self.slots: list[Any] = [None] * len(program.specs)
        for array, value in program.constants:
            self.slots[value] = here.asarray(array)
        for value, buffer in placement.buffers.items():
            self.slots[value] = buffer
        self.placed = frozenset(v for v in given if v in placement.buffers)
        self.run = generate(program, kernels, placement, here)
        self.inputs = program.inputs

    def fill(self, values: tuple[int, ...], arrays: Any) -> None:
        """Put arrays in slots."""
        slots = self.slots
        for value, array in zip(values, arrays):
            slots[value] = array

    def forget(self) -> None:
        """Let go of the inputs."""
        for value in self.inputs:
            self.slots[value] = None


class _Loop:
    """What loops share: two arrays for each value that is carried, written and read by turns.

    Args:
        body: its first inputs and its results from `first` on are the carry.
        carries: how many values are carried.
        first: number of the first result that is carried.
    """

    def __init__(self, body: Program, here: Device, carries: int, first: int = 0):
        self.block = Block(body, here, body.outputs)
        self.ins, self.captured = body.inputs[:carries], body.inputs[carries:]
        specs = [body.specs[v] for v in body.outputs]
        carried = range(first, first + carries)
        self._pairs = [[here.xp.empty(specs[k].shape, specs[k].dtype) for k in carried] for _ in range(2)]
        seen: set[int] = set()
        # Results that their kernels write where they belong, and those that are copied there.
        self.written: list[tuple[int, int]] = []
        self.copied: list[tuple[int, int]] = []
        for k, value in enumerate(body.outputs):
            direct = value in self.block.placed and value not in seen
            (self.written if direct else self.copied).append((k, value))
            seen.add(value)

    def step(self, n: int, carry: Any, others: list[Any]) -> list[Any]:
        """Run the body once, its results into the arrays of turn `n` and into `others`; return the next carry."""
        slots, pair = self.block.slots, self._pairs[n & 1]
        for value, array in zip(self.ins, carry):
            slots[value] = array
        targets = self._targets(pair, others)
        for k, value in self.written:
            slots[value] = targets[k]
        self.block.run(slots)
        for k, value in self.copied:
            targets[k][...] = slots[value]
        return pair

    def _targets(self, pair: list[Any], others: list[Any]) -> list[Any]:
        return [*pair, *others]


class _Scan(_Loop):
    """Runs a scan."""

    def __init__(self, instruction: Instruction, here: Device):
        params = instruction.params
        body, self._carries, self._slices = params["body"], params["carries"], params["slices"]
        super().__init__(body, here, self._carries)
        n = params["length"]
        self._order = range(n - 1, -1, -1) if params["reverse"] else range(n)
        specs = [body.specs[v] for v in body.outputs[self._carries:]]
        self._stacks = [here.xp.empty((n, *s.shape), s.dtype) for s in specs]
        self._rows = [[stack[t, ...] for stack in self._stacks] for t in range(n)]

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        carry: Any = arrays[: self._carries]
        xs = arrays[self._carries: self._carries + self._slices]
        sliced, captured = self.captured[: self._slices], self.captured[self._slices:]
        slots = self.block.slots
        self.block.fill(captured, arrays[self._carries + self._slices:])
        for n, t in enumerate(self._order):
            for value, x in zip(sliced, xs):
                slots[value] = x[t, ...]
            carry = self.step(n, carry, self._rows[t])
        self.block.forget()
        return (*carry, *self._stacks)


class _While(_Loop):
    """Runs a while; the first result of its body says whether to go on."""

    def __init__(self, instruction: Instruction, here: Device):
        params = instruction.params
        self._carries, self._limit = params["carries"], params["limit"]
        super().__init__(params["body"], here, self._carries, first=1)
        self._condition = here.xp.empty((), params["body"].specs[params["body"].outputs[0]].dtype)

    def _targets(self, pair: list[Any], others: list[Any]) -> list[Any]:
        return [self._condition, *pair]

    def __call__(self, condition: Any, *arrays: Any) -> tuple[Any, ...]:
        carry: Any = arrays[: self._carries]
        n = 0
        self.block.fill(self.captured, arrays[self._carries:])
        while bool(condition) and (self._limit is None or n < self._limit):
            carry, condition, n = self.step(n, carry, []), self._condition, n + 1
        self.block.forget()
        return tuple(carry)


class _Switch:
    """Runs a switch."""

    def __init__(self, instruction: Instruction, here: Device):
        branches = instruction.params["branches"]
        self._blocks = [(Block(branch, here), branch.outputs) for branch in branches]

    def __call__(self, index: Any, *arrays: Any) -> tuple[Any, ...]:
        block, outputs = self._blocks[min(max(int(index), 0), len(self._blocks) - 1)]
        block.fill(block.inputs, arrays)
        block.run(block.slots)
        results = tuple([block.slots[v] for v in outputs])
        block.forget()
        return results
