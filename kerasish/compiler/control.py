"""Instructions that hold programs: loops and branches. Their cards, and how they are run.

    scan(carry..., slices..., captured...) -> carry..., stacked...
    while(condition, carry..., captured...) -> carry...
    switch(index, captured...) -> results...

The inputs of a body are those of its instruction (of a scan, one slice of each of the `slices`; without the condition
or the index). What a body reads from outside is among them, and what it assigns to variables among its results: a body
has no state. A body of `scan` returns the next carry and what is to be stacked; one of `while` whether to go on and the
next carry. The steps of a `parallel` scan may be done at once as far as the carry lets them. `runner(instruction,
device)` makes the function of arrays that runs an instruction.
"""

from collections.abc import Callable
from typing import Any

from kerasish.backend.device import Device
from kerasish.compiler.calls import generate
from kerasish.compiler.ir import ControlCard, Instruction, Program, programs_of
from kerasish.compiler.memory import place
from kerasish.core.spec import Spec


def _require_fit(what: str, body: Program, given: list[Spec]) -> None:
    takes = [body.specs[v] for v in body.inputs]
    if takes != given:
        raise ValueError(f"the body of a {what} takes {takes}, it is given {given}")


def _results(body: Program) -> list[Spec]:
    return [body.specs[v] for v in body.outputs]


def _scan_spec(*xs: Any, body: Program, carries: int, slices: int, length: int, reverse: bool,
               parallel: bool) -> tuple[Spec, ...]:
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


SCAN = ControlCard("scan", ("*xs",), _scan_spec)
WHILE = ControlCard("while", ("*xs",), _while_spec)
SWITCH = ControlCard("switch", ("*xs",), _switch_spec)


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
        results = {o for i in program.instructions for o in i.outputs}.intersection(program.outputs)
        # What holds arrays for one run alone: those of the caller may be among them.
        self._passing = (*program.inputs, *(results - placement.buffers.keys()), *self.placed)

    def fill(self, values: tuple[int, ...], arrays: Any) -> None:
        """Put arrays in slots."""
        slots = self.slots
        for value, array in zip(values, arrays):
            slots[value] = array

    def forget(self) -> None:
        """Let go of the caller's arrays."""
        for value in self._passing:
            self.slots[value] = None


class _Loop:
    """What loops share: two arrays for each value that is carried, written and read by turns.

    Args:
        body: the body; its first inputs are the carry.
        here: the device.
        carries: how many values are carried.
        sliced: how many inputs after them are slices.
        first: number of the first result that is carried.
    """

    def __init__(self, body: Program, here: Device, carries: int, sliced: int = 0, first: int = 0):
        self.block = Block(body, here, body.outputs)
        self.captured = body.inputs[carries + sliced:]
        specs = [body.specs[v] for v in body.outputs]
        self._pairs = [[here.xp.empty(x.shape, x.dtype) for x in specs[first: first + carries]] for _ in range(2)]
        self.others = [*specs[:first], *specs[first + carries:]]
        self.step = self._generate(body, carries, sliced, first)

    def _generate(self, body: Program, carries: int, sliced: int, first: int) -> Callable[..., list[Any]]:
        """The function that runs the body once: of the slots s, the carry c, the arrays p of this turn, the arrays r
        for other results, the arrays x that are sliced, and the step t.
        """
        lines = ["".join(f"s[{v}], " for v in body.inputs[:carries]) + "= c"] if carries else []
        for n, v in enumerate(body.inputs[carries: carries + sliced]):
            lines.append(f"s[{v}] = x[{n}][t{'' if body.specs[v].shape else ', ...'}]")
        copies, written = [], set()
        for k, v in enumerate(body.outputs):
            carried = first <= k < first + carries
            target = f"p[{k - first}]" if carried else f"r[{k if k < first else k - carries}]"
            if v in self.block.placed and v not in written:  # its kernel writes it where it belongs
                lines.append(f"s[{v}] = {target}")
                written.add(v)
            else:
                copies.append(f"{target}[...] = s[{v}]")
        space: dict[str, Any] = {"run": self.block.run}
        exec("def step(s, c, p, r, x=(), t=0):\n " + "\n ".join([*lines, "run(s)", *copies, "return p"]), space)
        return space["step"]


class _Scan(_Loop):
    """Runs a scan."""

    def __init__(self, instruction: Instruction, here: Device):
        params = instruction.params
        self._carries, self._slices, n = params["carries"], params["slices"], params["length"]
        super().__init__(params["body"], here, self._carries, self._slices)
        order = range(n - 1, -1, -1) if params["reverse"] else range(n)
        self._stacks = [here.xp.empty((n, *s.shape), s.dtype) for s in self.others]
        rows = [[stack[t, ...] for stack in self._stacks] for t in range(n)]
        self._turns = [(self._pairs[k & 1], rows[t], t) for k, t in enumerate(order)]

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        carry: Any = arrays[: self._carries]
        end = self._carries + self._slices
        xs, slots, step = arrays[self._carries: end], self.block.slots, self.step
        self.block.fill(self.captured, arrays[end:])
        for pair, row, t in self._turns:
            carry = step(slots, carry, pair, row, xs, t)
        self.block.forget()
        return (*carry, *self._stacks)


class _While(_Loop):
    """Runs a while; the first result of its body says whether to go on."""

    def __init__(self, instruction: Instruction, here: Device):
        params = instruction.params
        self._carries, self._limit = params["carries"], params["limit"]
        super().__init__(params["body"], here, self._carries, first=1)
        self._conditions = [here.xp.empty(s.shape, s.dtype) for s in self.others]

    def __call__(self, condition: Any, *arrays: Any) -> tuple[Any, ...]:
        carry: Any = arrays[: self._carries]
        n = 0
        self.block.fill(self.captured, arrays[self._carries:])
        while bool(condition) and (self._limit is None or n < self._limit):
            carry = self.step(self.block.slots, carry, self._pairs[n & 1], self._conditions)
            (condition,), n = self._conditions, n + 1
        self.block.forget()
        return tuple(carry)


class _Switch:
    """Runs a switch."""

    def __init__(self, instruction: Instruction, here: Device):
        branches = instruction.params["branches"]
        self._blocks = [(Block(branch, here), branch.inputs, branch.outputs) for branch in branches]

    def __call__(self, index: Any, *arrays: Any) -> tuple[Any, ...]:
        block, inputs, outputs = self._blocks[min(max(int(index), 0), len(self._blocks) - 1)]
        block.fill(inputs, arrays)
        block.run(block.slots)
        results = tuple([block.slots[v] for v in outputs])
        block.forget()
        return results
