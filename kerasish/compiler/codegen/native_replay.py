"""Running a program as machine code: lists of jobs, with Python only where no kernel serves."""

import sys
from typing import Any

import numpy as np

from kerasish.backend import device
from kerasish.backend.native import engine, kernels, pool  # noqa: F401  the kernels enter lowerings
from kerasish.backend.native.driver import RECORD
from kerasish.backend.native.jobs import LOWERINGS, Job, Plan
from kerasish.compiler.codegen import contraction, loops  # noqa: F401  the first enters a lowering
from kerasish.compiler.codegen.fused import Fused
from kerasish.compiler.codegen.fusion import fuse
from kerasish.compiler.codegen.schedule import Layout, is_view, lay_out, places, reorder
from kerasish.compiler.control import kernel_of
from kerasish.compiler.ir import Instruction, Program, cost, programs_of
from kerasish.compiler.passes.dead_code import remove_dead_code
from kerasish.compiler.passes.decompose import decompose
from kerasish.core.dispatch import state
from kerasish.core.tensor import Tensor

_LARGE = 4096  # bytes from which on an output is written straight into the array that the caller gets


def prepare(program: Program) -> Program:
    """Return the program with fused instructions, in the order in which it will run."""
    program = remove_dead_code(fuse(decompose(program)))
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
        self._slots = np.zeros(len(program.specs), np.int64)
        plans = [None if is_view(i) else lower(program, i) for i in program.instructions]
        self._assign_memory(plans)
        self._steps = self._make_steps(plans)
        self._inputs = [_Place(self._layout.root[v], program.specs[v]) for v in program.inputs]
        self._held: list[Any] = [None] * len(program.inputs)
        self._variables = [_Held(variable, v, self._layout) for variable, v in self._all_variables()]

    # ---- memory ----------------------------------------------------------------------------------

    def _all_variables(self) -> list[tuple[Any, list[int]]]:
        """Variables with the values that lie in their memory: what is read of them, what is written in place."""
        out: dict[int, tuple[Any, list[int]]] = {}
        for variable, v in self.program.variables:
            out.setdefault(id(variable), (variable, []))[1].append(v)
        for v, variable in self._layout.in_place.items():
            out.setdefault(id(variable), (variable, []))[1].append(v)
        return list(out.values())

    def _assign_memory(self, plans: list[Plan | None]) -> None:
        program, root = self.program, self._layout.root
        external = {*program.inputs, *(v for _, v in program.variables), *(v for _, v in program.constants),
                    *self._layout.in_place}
        self._direct = [v for v in dict.fromkeys(program.outputs) if root[v] not in external
                        and program.specs[v].size * program.specs[v].dtype.itemsize >= _LARGE]
        external |= {root[v] for v in self._direct}
        scratch = {n: p.scratch for n, p in enumerate(plans) if p is not None and p.scratch}
        offsets, total = places(program, self._layout, external, scratch)
        self._arena = np.empty(total + 64, np.uint8)
        base = -(-self._arena.ctypes.data // 64) * 64
        self._shift = base - self._arena.ctypes.data
        self._offsets = offsets
        self._constants = [np.ascontiguousarray(a) for a, _ in program.constants]
        for array, (_, v) in zip(self._constants, program.constants, strict=True):
            self._slots[v] = array.ctypes.data
        for key, offset in offsets.items():
            if not isinstance(key, tuple):
                self._slots[key] = base + offset
        extra = [key for key in offsets if isinstance(key, tuple)]
        self._scratch = {key: len(self._slots) + n for n, key in enumerate(extra)}
        self._slots = np.concatenate([self._slots, np.array([base + offsets[k] for k in extra], np.int64)])

    def _view(self, v: int) -> np.ndarray | None:
        """The array of a value that lies in the arena or is a constant; None if its place changes."""
        r, spec = self._layout.root[v], self.program.specs[v]
        for array, (_, c) in zip(self._constants, self.program.constants, strict=True):
            if c == r:
                return array.reshape(spec.shape)
        if r not in self._offsets:
            return None
        begin = self._shift + self._offsets[r]
        raw = self._arena[begin : begin + spec.size * spec.dtype.itemsize]
        return raw.view(spec.dtype).reshape(spec.shape)

    # ---- steps -----------------------------------------------------------------------------------

    def _make_steps(self, plans: list[Plan | None]) -> list[Any]:
        """Batches of jobs, and Python steps between them."""
        steps: list[Any] = []
        jobs: list[tuple[Job, dict[str, int]]] = []
        work = 0.0
        for n, (i, plan) in enumerate(zip(self.program.instructions, plans, strict=True)):
            if is_view(i):
                continue
            if plan is None:
                if jobs:
                    steps.append(self._batch(jobs, work))
                steps.append(_PythonStep(self, i))
                jobs, work = [], 0.0
                continue
            names = {f"i{m}": self._layout.root[v] for m, v in enumerate(i.inputs)}
            names.update({f"o{m}": o for m, o in enumerate(i.outputs)})
            names.update({f"s{m}": self._scratch[n, m] for m in range(len(plan.scratch))})
            jobs += [(job, names) for job in plan.jobs]
            work += nanoseconds(self.program, i)
        if jobs:
            steps.append(self._batch(jobs, work))
        return steps

    def _batch(self, jobs: list[tuple[Job, dict[str, int]]], work: float) -> pool.Batch:
        records = np.zeros((len(jobs), RECORD), np.int64)
        tables = []
        for record, (job, slots) in zip(records, jobs, strict=True):
            table = np.array([*(slots[name] for name in job.operands), *job.sizes], np.int64)
            tables.append(table)
            parts = -(-job.total // job.grain)
            record[:5] = engine.function(job.key, job.write), table.ctypes.data, job.total, job.grain, parts
        return pool.Batch(records, self._slots, tables, work)

    # ---- running ---------------------------------------------------------------------------------

    def __call__(self, inputs: list[Any]) -> list[Any]:
        """Run on arrays for the inputs; return arrays for the outputs."""
        for n, (place, array) in enumerate(zip(self._inputs, inputs, strict=True)):
            self._held[n] = place.point(self._slots, array)
        for held in self._variables:
            held.point(self._slots)
        fresh = {}
        for v in self._direct:
            spec = self.program.specs[v]
            fresh[v] = array = np.empty(spec.shape, spec.dtype)
            self._slots[self._layout.root[v]] = array.ctypes.data
        before = pool.blas.set_threads(1)
        try:
            for step in self._steps:
                step.run()
        finally:
            pool.blas.set_threads(before)
        outputs = [fresh[v] if v in fresh else self.array(v).copy() for v in self.program.outputs]
        copies = [(variable, self.array(v).copy()) for variable, v in self._layout.copied]
        for variable, array in copies:
            variable._value = Tensor(array)
        self._held = [None] * len(self._held)
        return outputs

    def array(self, v: int) -> np.ndarray:
        """Return the array of a value as it is now."""
        found = self._view(v)
        if found is not None:
            return found
        r, spec = self._layout.root[v], self.program.specs[v]
        for held in self._variables:
            if r in held.values:
                return held.variable._value.data.reshape(spec.shape)
        for n, w in enumerate(self.program.inputs):
            if w == r:
                return self._held[n].reshape(spec.shape)
        address = int(self._slots[r])
        return _at(address, spec)


class _Place:
    """Where an input of the program is put."""

    def __init__(self, value: int, spec: Any):
        self.value, self.spec = value, spec

    def point(self, slots: np.ndarray, array: Any) -> Any:
        """Point the slot at an array, which must stay alive; return it."""
        if not array.flags.c_contiguous:
            array = np.ascontiguousarray(array)
        slots[self.value] = array.ctypes.data
        return array


class _Held:
    """A variable, with the values of the program that lie in its memory."""

    def __init__(self, variable: Any, values: list[int], layout: Layout):
        self.variable, self.values = variable, values
        self.written = any(v in layout.in_place for v in values)
        self._tensor: Any = None

    def point(self, slots: np.ndarray) -> None:
        """Point slots at the variable's array. Before it is written, an array that others hold too is left to them."""
        tensor = self.variable._value
        if self.written and (sys.getrefcount(tensor) > _OWN_TENSOR or sys.getrefcount(tensor.data) > _OWN_ARRAY
                             or tensor.data.base is not None or not tensor.data.flags.writeable):
            tensor = self.variable._value = Tensor(np.array(tensor.data))
        elif tensor is self._tensor:
            return
        if not tensor.data.flags.c_contiguous:
            tensor = self.variable._value = Tensor(np.ascontiguousarray(tensor.data))
        self._tensor = tensor
        for v in self.values:
            slots[v] = tensor.data.ctypes.data


# References when nobody else holds them: of a variable's tensor (the variable's, ours, a local name's, an argument's),
# and of its array.
_OWN_TENSOR, _OWN_ARRAY = 4, 2


class _PythonStep:
    """An instruction that runs on the array kernels."""

    def __init__(self, owner: NativeReplay, i: Instruction):
        self._owner, self._i = owner, i
        self._kernel = kernel_of(i, device.current())
        self._params = {} if programs_of(i) else i.params  # bodies are in the kernel already

    def run(self) -> None:
        """Run the kernel and put its results where the jobs find them."""
        i, owner = self._i, self._owner
        out = state.quiet.run(self._kernel, *[owner.array(v) for v in i.inputs], **self._params)
        results = out if isinstance(out, tuple | list) else (out,)
        for v, result in zip(i.outputs, results, strict=True):
            if owner._layout.root[v] == v:
                owner.array(v)[...] = result


def _at(address: int, spec: Any) -> np.ndarray:
    """The array at an address that something else keeps alive."""
    import ctypes

    raw = (ctypes.c_uint8 * (spec.size * spec.dtype.itemsize)).from_address(address)
    return np.frombuffer(raw, spec.dtype).reshape(spec.shape)


def nanoseconds(program: Program, i: Instruction) -> float:
    """What an instruction takes on one thread, roughly."""
    nbytes, operations = cost(program, i)
    return operations / 80 + nbytes / 8 if i.card.name in _PRODUCTS else nbytes / 5


_PRODUCTS = frozenset({"matmul", "contract", "conv", "conv_input_grad", "conv_weight_grad", "einsum"})
