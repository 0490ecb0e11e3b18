"""Tracing: run a function once on tensors without values, and write down what it does."""

from collections.abc import Callable, Sequence
from typing import Any

from kerasish.autodiff.tape import GradientTape
from kerasish.compiler import bodies
from kerasish.compiler.ir import Instruction, Program
from kerasish.core.dispatch import run_kernel, scope, state
from kerasish.core.dtypes import COMPLEX, is_float
from kerasish.core.spec import Spec
from kerasish.core.tensor import NoValueError, Tensor, refusing_text
from kerasish.utils import tree

# A result of known inputs alone is computed while tracing, unless it is larger than this.
_FOLD_LIMIT = 1 << 16
_tuple = tuple.__new__  # quicker than a named tuple's own


class Trace:
    """The interpreter that writes down instructions, and the store in which it sees variables.

    Args:
        around: for the body of a loop or branch, the trace that the instruction is written down in.

    Attributes:
        captures: the tensors from around that the body reads; they are inputs of its program.
        tape: what records the body if tapes record around it: gradients of the instruction are made from it.
    """

    collect_losses = True  # layers add their losses here, not to themselves: they are values of the trace
    refuses_variables = True  # one that is made here would be one at every run of the program, not one a run

    def __init__(self, around: "Trace | None" = None) -> None:
        self.losses: list[Any] = []
        self._numbers: dict[int, int] = {}  # tensor uid -> value
        self._kept: list[Tensor] = []  # tensors whose uid must not be given away
        self.specs: list[Spec] = []
        self.constants: list[tuple[Any, int]] = []
        self.instructions: list[Instruction] = []
        self._variables: dict[int, Any] = {}
        self._first: dict[int, Tensor] = {}  # variable id -> what was first read of it
        self._now: dict[int, Tensor] = {}  # variable id -> what was last assigned to it
        self._around = around
        self.captures: list[Tensor] = []
        self._tapes = () if around is None else state.tapes
        self.tape = GradientTape(persistent=True, watch_accessed_variables=False) if self._tapes else None

    def inside(self) -> "Trace":
        """Return a trace for a body."""
        return Trace(self)

    def new(self, tensor: Tensor) -> int:
        """Give a tensor without values a number."""
        data, value = tensor.data, len(self.specs)
        self.specs.append(data if type(data) is Spec else Spec(data.shape, data.dtype))
        self._kept.append(tensor)
        self._numbers[tensor.uid] = value
        return value

    def tensor(self, value: int) -> Tensor:
        """Return the tensor of a number."""
        return self._kept[value]

    def placeholder(self, spec: Any) -> Tensor:
        """Return a new tensor without values; a body's is differentiated by."""
        tensor = Tensor(spec if type(spec) is Spec else Spec(spec.shape, spec.dtype))
        self.new(tensor)
        self._watch(tensor)
        return tensor

    def _watch(self, tensor: Tensor) -> None:
        if self.tape is not None and (is_float(tensor.dtype) or tensor.dtype.name in COMPLEX):
            self.tape.watch(tensor)

    def number(self, tensor: Tensor) -> int:
        """Return the number of a tensor; one with values becomes a constant, one from around is captured.

        Raises:
            NoValueError: the tensor is of another trace.
        """
        found = self._numbers.get(tensor.uid)
        if found is not None:
            return found
        value = self.new(tensor)
        if self._is_from_around(tensor):
            self.captures.append(tensor)
            self._watch(tensor)
        elif tensor.is_concrete:
            self.constants.append((tensor.data, value))
        else:
            raise NoValueError(
                f"this {tensor.data} tensor was made in another trace, or in the body of a loop or branch that has "
                "ended, and has no value here: what a body makes, it must return; keep no traced tensor in an "
                "attribute or a list")
        return value

    def _is_from_around(self, tensor: Tensor) -> bool:
        if self._around is None:
            return False
        return self._follows(tensor) if tensor.is_concrete else self._around.knows(tensor)

    def knows(self, tensor: Tensor) -> bool:
        """Tell whether a tensor has a number in this trace, or in one around it."""
        return tensor.uid in self._numbers or (self._around is not None and self._around.knows(tensor))

    def _follows(self, tensor: Tensor) -> bool:
        """Tell whether a tape around this body may be asked for the gradient of a tensor."""
        return self._around is not None and (
            any(tape.follows(tensor) for tape in self._tapes) or self._around._follows(tensor))

    def apply(self, card: Any, inputs: list[Tensor], params: dict[str, Any]) -> Any:
        """Write down an op; or run it now, if all its inputs are known and its result is small."""
        out = card.spec(*[x.data for x in inputs], **params)
        specs = out if type(out) is tuple else (out,)
        for x in inputs:
            if type(x.data) is Spec:
                break
        else:
            if not card.effect and self.can_fold(inputs, specs):
                return run_kernel(card, inputs, params)
        made = self.write(card, inputs, params, specs)
        return made if type(out) is tuple else made[0]

    def can_fold(self, inputs: Sequence[Tensor], specs: tuple[Spec, ...]) -> bool:
        """Tell whether an instruction can be run now: all its inputs are known, and its results are small."""
        if any(type(x.data) is Spec for x in inputs):
            return False
        return sum([s.size for s in specs]) <= _FOLD_LIMIT and not any(self._follows(x) for x in inputs)

    def write(self, card: Any, inputs: Sequence[Tensor], params: dict[str, Any],
              specs: tuple[Spec, ...]) -> tuple[Tensor, ...]:
        """Write down an instruction; return its results."""
        known = self._numbers
        try:
            numbers = tuple([known[x.uid] for x in inputs])
        except KeyError:
            numbers = tuple([self.number(x) for x in inputs])
        if len(specs) == 1:
            tensor = Tensor(specs[0])
            self.instructions.append(_tuple(Instruction, (card, numbers, params, (self.new(tensor),))))
            return (tensor,)
        made = tuple([Tensor(s) for s in specs])
        self.instructions.append(Instruction(card, numbers, params, tuple([self.new(t) for t in made])))
        return made

    def extend(self, out: tuple[Tensor, ...], params: dict[str, Any], specs: tuple[Spec, ...]) -> tuple[Tensor, ...]:
        """Let the instruction that made `out` make more; return the further results.

        Args:
            out: all results of the instruction.
            params: its new parameters, with which `out` are as they were.
            specs: of all its results.
        """
        numbers = tuple([self._numbers[t.uid] for t in out])
        at = next(n for n, i in enumerate(self.instructions) if i.outputs == numbers)
        more = tuple([Tensor(s) for s in specs[len(out):]])
        outputs = (*numbers, *[self.new(t) for t in more])
        self.instructions[at] = self.instructions[at]._replace(params=params, outputs=outputs)
        return more

    def read(self, variable: Any) -> Tensor:
        """Return what a variable holds at this point of the function."""
        found = self._now.get(id(variable), self._first.get(id(variable)))
        if found is None:
            found = self.placeholder(Spec(variable.shape, variable.handle.dtype))
            self._variables[id(variable)] = variable
            self._first[id(variable)] = found
        return found

    def assign(self, variable: Any, value: Tensor) -> None:
        """Note that a variable holds another value from here on."""
        self._variables[id(variable)] = variable
        self._now[id(variable)] = value

    def assigned(self) -> list[tuple[Any, Tensor]]:
        """Return pairs (variable, what it holds now) of the variables that were assigned to."""
        return [(self._variables[k], t) for k, t in self._now.items()]

    def first_read(self) -> list[tuple[Any, Tensor]]:
        """Return pairs (variable, what it holds when the run begins) of the variables that were read."""
        return [(self._variables[k], t) for k, t in self._first.items()]

    def add_loss(self, loss: Any) -> None:
        """Keep a loss that a layer added."""
        self.losses.append(loss)

    def program(self, inputs: list[Tensor], outputs: list[Tensor], end: int | None = None) -> Program:
        """Return what was written down (up to instruction `end`); a body's variables are for others to see to."""
        results = tuple(self.number(t) for t in outputs)
        outermost = self._around is None
        updates = tuple((v, self.number(t)) for v, t in self.assigned()) if outermost else ()
        variables = tuple((v, self._numbers[t.uid]) for v, t in self.first_read()) if outermost else ()
        return Program(
            specs=tuple(self.specs), inputs=tuple(self._numbers[x.uid] for x in inputs), variables=variables,
            constants=tuple(self.constants), instructions=tuple(self.instructions[:end]), outputs=results,
            updates=updates)

    # ---- control flow: what `ops.control` asks of an interpreter that writes down programs -------

    def scan(self, f: Callable[..., Any], init: list[Tensor], xs: list[Tensor], length: int, reverse: bool = False,
             last: bool = False, parallel: bool = False) -> tuple[list[Tensor], list[Tensor]]:
        """Write down a loop over slices: see `bodies.scan`."""
        return bodies.scan(self, f, init, xs, length, reverse, last, parallel)

    def while_loop(self, condition: Tensor, f: Callable[..., Any], init: list[Tensor],
                   limit: int | None = None) -> list[Tensor]:
        """Write down a loop with a condition: see `bodies.while_loop`."""
        return bodies.while_loop(self, condition, f, init, limit)

    def switch(self, index: Tensor, branches: list[Callable[..., Any]], operands: list[Tensor]) -> list[Tensor]:
        """Write down a choice between functions: see `bodies.switch`."""
        return bodies.switch(self, index, branches, operands)


def trace(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Program, Any]:
    """Trace a function.

    Args:
        function: anything made of ops; it may read and assign variables.
        args: positional arguments; the tensors among their leaves become the program's inputs.
        kwargs: keyword arguments, likewise.

    Returns:
        The program, and the function's result with the number of an output in the place of each tensor (other
        leaves stay).

    Raises:
        NoValueError: the function asks for the value of a traced tensor, or prints it.
    """
    recorder = Trace()
    inputs: list[Tensor] = []

    def stand_in(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        tensor = Tensor(Spec(x.shape, x.dtype))
        recorder.new(tensor)
        inputs.append(tensor)
        mask = getattr(x, "_keras_mask", None)
        if mask is not None:
            tensor._keras_mask = stand_in(mask)  # type: ignore[attr-defined]
        return tensor

    args, kwargs = tree.map_structure(stand_in, (args, kwargs))
    with scope(interpreter=recorder, variables=recorder, tapes=()), refusing_text():
        result = function(*args, **kwargs)
    outputs: list[Tensor] = []

    def place(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        outputs.append(x)
        return Output(len(outputs) - 1)

    placed = tree.map_structure(place, result)
    return recorder.program(inputs, outputs), placed


class Output:
    """The place of an output of a program in a function's result."""

    __slots__ = ("index",)

    def __init__(self, index: int):
        self.index = index
