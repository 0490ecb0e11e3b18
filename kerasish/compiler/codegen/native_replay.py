"""Running a program as machine code: lists of jobs, with Python only where no kernel serves."""

from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from kerasish.backend import device
from kerasish.backend.native import blas, kernels, pool  # noqa: F401  the kernels enter lowerings
from kerasish.backend.native.batches import records_of
from kerasish.backend.native.jobs import LOWERINGS, Job, Plan
from kerasish.compiler.codegen import contraction, loops  # noqa: F401  the first enters a lowering
from kerasish.compiler.codegen.chains import chain
from kerasish.compiler.codegen.fused import Fused
from kerasish.compiler.codegen.fusion import fuse
from kerasish.compiler.codegen.memory import Memory
from kerasish.compiler.codegen.schedule import Layout, is_view, lay_out, reorder
from kerasish.compiler.control import kernel_of
from kerasish.compiler.ir import Instruction, Program, cost, programs_of
from kerasish.compiler.passes.crossentropy import absorb_biases
from kerasish.compiler.passes.dead_code import remove_dead_code
from kerasish.compiler.passes.decompose import decompose
from kerasish.core.dispatch import state
from kerasish.core.tensor import Tensor

_SMALL = 4096  # bytes


def prepare(program: Program) -> Program:
    """Return the program with fused instructions, in the order in which it will run."""
    program = remove_dead_code(fuse(absorb_biases(decompose(program))))
    return reorder(program, lambda i: lower(program, i) is None)


def lower(program: Program, i: Instruction) -> Plan | None:
    """Return the jobs of an instruction, None if it runs in Python."""
    ins = [program.specs[v] for v in i.inputs]
    if isinstance(i.card, Fused):
        return loops.plan(i.card, ins)
    found = LOWERINGS.get(i.card.name)
    return None if found is None else found(ins, [program.specs[o] for o in i.outputs], i.params)


class NativeReplay:
    """A program made ready to run again and again, variables updated in place.

    Args:
        program: the program after the passes.
    """

    def __init__(self, program: Program):
        self.program = program = prepare(program)
        self._layout = lay_out(program)
        plans = [None if is_view(i) else lower(program, i) for i in program.instructions]
        self._chains = chain(program, self._layout, plans)
        self._memory = Memory(program, self._layout, plans, self._chains)
        slots = self._memory.slots
        self._inputs = [_Input(v, program.specs[v], slots) for v in program.inputs]
        self._variables = [_Held(variable, values, self._layout, slots) for variable, values in self._all_variables()]
        self._fresh = {v: program.specs[v] for v in self._memory.direct}
        self._steps = self._make_steps(plans)
        self._outputs = [None if v in self._fresh else self.reader(v) for v in program.outputs]
        held = {id(h.variable): h for h in self._variables}
        self._copies = [_Copy(variable, self.reader(v), held.get(id(variable))) for variable, v in self._layout.copied]

    def _all_variables(self) -> list[tuple[Any, list[int]]]:
        """Variables with the values that lie in their memory: what is read of them, what is written in place."""
        out: dict[int, tuple[Any, list[int]]] = {}
        for variable, v in (*self.program.variables, *((x, v) for v, x in self._layout.in_place.items())):
            out.setdefault(id(variable), (variable, []))[1].append(v)
        return list(out.values())

    def _make_steps(self, plans: list[Plan | None]) -> list[Any]:
        """Batches of jobs, and Python steps between them."""
        steps: list[Any] = []
        jobs: list[tuple[Job, dict[str, int]]] = []
        factors: dict[int, int] = {}
        work = 0.0

        def close() -> None:
            nonlocal jobs, factors, work
            if jobs:
                records, tables = records_of([job for job, _ in jobs], [names for _, names in jobs], factors)
                steps.append(pool.Batch(records, self._memory.slots, (tables, self._memory), work))
            jobs, factors, work = [], {}, 0.0

        for n, (i, plan) in enumerate(zip(self.program.instructions, plans, strict=True)):
            if plan is not None:
                names = self._memory.slots_of(n, i, plan)
                if n in self._chains:
                    factors[len(jobs)] = self._chains[n].factor
                jobs += [(job, names) for job in plan.jobs]
                work += nanoseconds(self.program, i)
            elif not is_view(i):
                close()
                steps.append(_PythonStep(self, i))
        close()
        return steps

    # ---- running ---------------------------------------------------------------------------------

    def __call__(self, inputs: list[Any]) -> list[Any]:
        """Run on arrays for the inputs; return arrays for the outputs."""
        with self._memory.arena.lock:
            return self._run(inputs)

    def _run(self, inputs: list[Any]) -> list[Any]:
        for place, array in zip(self._inputs, inputs, strict=True):
            place.point(array)
        for held in self._variables:
            held.point()
        fresh = {}
        for v, spec in self._fresh.items():
            fresh[v] = array = np.empty(spec.shape, spec.dtype)
            self._memory.point(v, array)
        before = blas.set_threads(1)
        try:
            for step in self._steps:
                step.run()
            outputs = [fresh[v] if read is None else read().copy()
                       for v, read in zip(self.program.outputs, self._outputs, strict=True)]
            for copy in self._copies:
                copy.take()
        finally:
            blas.set_threads(before)
            for place in self._inputs:
                place.array = None
        for copy in self._copies:
            copy.give()
        return outputs

    def reader(self, v: int) -> Callable[[], np.ndarray]:
        """Return a function that gives the array of a value, in the shape of that value."""
        root, shape = self._layout.root[v], self.program.specs[v].shape
        fixed = self._memory.fixed(v)
        if fixed is not None:
            return lambda: fixed
        place = next((p for p in self._inputs if p.value == root), None)
        if place is not None:
            return lambda: place.array.reshape(shape)
        held = next((h for h in self._variables if root in h.values), None)
        if held is not None:
            return lambda: held.variable._value.data.reshape(shape)
        return lambda: self._memory.at(root).reshape(shape)


class _Input:
    """Where an input of the program is put: a small one is copied, which is quicker than to ask for its address."""

    def __init__(self, value: int, spec: Any, slots: np.ndarray):
        self.value, self._slots = value, slots
        self.array: Any = None
        self._room = np.empty(spec.shape, spec.dtype) if spec.size * spec.dtype.itemsize <= _SMALL else None
        if self._room is not None:
            slots[value] = self._room.ctypes.data

    def point(self, array: Any) -> None:
        """Point the slot at an array, and hold it."""
        if self._room is not None:
            np.copyto(self._room, array)
            self.array = self._room
            return
        if not array.flags.c_contiguous:
            array = np.array(array, order="C")
        self.array = array
        self._slots[self.value] = array.ctypes.data


class _Held:
    """A variable, with the values of the program that lie in its memory."""

    def __init__(self, variable: Any, values: list[int], layout: Layout, slots: np.ndarray):
        self.variable, self.values, self._slots = variable, values, slots
        self.written = any(v in layout.in_place for v in values)
        self._tensor: Any = None

    def point(self) -> None:
        """Point slots at the variable's array. Before it is written, an array that others hold too is left to them."""
        variable = self.variable
        tensor = variable._value
        array = tensor.data
        if tensor is self._tensor:
            if not self.written or (getrefcount(tensor) == _TENSOR and getrefcount(array) == _ARRAY):
                return
        elif self.written and getrefcount(array) == _ARRAY and array.base is None and array.flags.writeable:
            tensor = variable._value = Tensor(array)  # of our own: nobody else has it
        if (self.written and (getrefcount(tensor) > _TENSOR or getrefcount(array) > _ARRAY or array.base is not None
                              or not array.flags.writeable)) or not array.flags.c_contiguous:
            array = np.array(array, order="C")
            tensor = variable._value = Tensor(array)
        self._tensor = tensor
        for v in self.values:
            self._slots[v] = array.ctypes.data

    def forget(self) -> None:
        """Let go of the variable's tensor."""
        self._tensor = None


# References when nobody else holds them: to a variable's tensor (the variable's, ours, a local name's, an argument's)
# and to its array (the tensor's, a local name's, an argument's).
_TENSOR, _ARRAY = 4, 3


class _Copy:
    """An update that is not written in place: copied to a second array, which changes places with the variable's."""

    def __init__(self, variable: Any, read: Callable[[], np.ndarray], held: _Held | None):
        self._variable, self._read, self._held = variable, read, held
        self._spare: Any = None

    def take(self) -> None:
        """Keep the new value; nothing changes yet."""
        value = self._read()
        if self._spare is None:
            self._spare = np.empty(value.shape, value.dtype)
        np.copyto(self._spare, value)

    def give(self) -> None:
        """Assign the new value; the old array is used again unless somebody else holds it."""
        new, self._spare = self._spare, None
        old = self._variable._value.data
        self._variable._value = Tensor(new)
        if self._held is not None:
            self._held.forget()
        if getrefcount(old) == 2 and old.base is None and old.flags.c_contiguous and old.flags.writeable:
            self._spare = old


class _PythonStep:
    """An instruction that runs on the array kernels."""

    def __init__(self, owner: NativeReplay, i: Instruction):
        self._kernel = kernel_of(i, device.current())
        self._params = {} if programs_of(i) else i.params  # bodies are in the kernel already
        self._reads = [owner.reader(v) for v in i.inputs]
        in_place = i.card.name == "check_range"  # its result is its input
        self._writes = [None if in_place else owner.reader(v) for v in i.outputs]

    def run(self) -> None:
        """Run the kernel and put its results where the jobs find them."""
        out = state.quiet.run(self._kernel, *[read() for read in self._reads], **self._params)
        for write, result in zip(self._writes, out if isinstance(out, tuple | list) else (out,), strict=True):
            if write is not None:
                write()[...] = result


def nanoseconds(program: Program, i: Instruction) -> float:
    """What an instruction takes on one thread, roughly."""
    nbytes, operations = cost(program, i)
    return operations / 80 + nbytes / 8 if i.card.name in _PRODUCTS else nbytes / 5


_PRODUCTS = frozenset(
    {"matmul", "contract", "conv", "conv_input_grad", "conv_weight_grad", "attention", "attention_grad"})
