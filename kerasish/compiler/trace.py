"""Tracing: run a function once on tensors without values, and write down what it does."""

from collections.abc import Callable
from typing import Any

from kerasish.compiler.ir import Instruction, Program
from kerasish.core.dispatch import run_kernel, scope
from kerasish.core.spec import Spec
from kerasish.core.tensor import Tensor, refusing_text
from kerasish.utils import tree

# A result of known inputs alone is computed while tracing, unless it is larger than this.
_FOLD_LIMIT = 1 << 16


class Trace:
    """The interpreter that writes down instructions, and the store in which it sees variables."""

    collect_losses = True  # layers add their losses here, not to themselves: they are values of the trace

    def __init__(self) -> None:
        self.losses: list[Any] = []
        self._numbers: dict[int, int] = {}  # tensor uid -> value
        self._kept: list[Tensor] = []  # tensors whose uid must not be given away
        self.specs: list[Spec] = []
        self.constants: list[tuple[Any, int]] = []
        self.instructions: list[Instruction] = []
        self._variables: dict[int, Any] = {}
        self._first: dict[int, Tensor] = {}  # variable id -> what was first read of it
        self._now: dict[int, Tensor] = {}  # variable id -> what was last assigned to it

    def new(self, tensor: Tensor) -> int:
        """Give a tensor without values a number."""
        self.specs.append(Spec(tensor.shape, tensor.dtype))
        self._kept.append(tensor)
        self._numbers[tensor.uid] = len(self.specs) - 1
        return len(self.specs) - 1

    def number(self, tensor: Tensor) -> int:
        """Return the number of a tensor; one with values becomes a constant."""
        found = self._numbers.get(tensor.uid)
        if found is not None:
            return found
        value = self.new(tensor)
        self.constants.append((tensor.numpy() if not tensor.is_concrete else tensor.data, value))
        return value

    def apply(self, card: Any, inputs: list[Tensor], params: dict[str, Any]) -> Any:
        """Write down an op; or run it now, if all its inputs are known and its result is small."""
        out = card.spec(*[x.data for x in inputs], **params)
        specs = out if type(out) is tuple else (out,)
        if all(x.is_concrete for x in inputs) and not card.effect and sum(s.size for s in specs) <= _FOLD_LIMIT:
            return run_kernel(card, inputs, params)
        made = tuple([Tensor(s) for s in specs])
        numbers = tuple([self.number(x) for x in inputs])
        self.instructions.append(Instruction(card, numbers, params, tuple([self.new(t) for t in made])))
        return made if type(out) is tuple else made[0]

    def read(self, variable: Any) -> Tensor:
        """Return what a variable holds at this point of the function."""
        found = self._now.get(id(variable), self._first.get(id(variable)))
        if found is None:
            found = Tensor(Spec(variable.shape, variable.handle.dtype))
            self.new(found)
            self._variables[id(variable)] = variable
            self._first[id(variable)] = found
        return found

    def assign(self, variable: Any, value: Tensor) -> None:
        """Note that a variable holds another value from here on."""
        self._variables[id(variable)] = variable
        self._now[id(variable)] = value

    def add_loss(self, loss: Any) -> None:
        """Keep a loss that a layer added."""
        self.losses.append(loss)

    def program(self, inputs: list[Tensor], outputs: list[Tensor]) -> Program:
        """Return what was written down."""
        updates = tuple((self._variables[k], self.number(t)) for k, t in self._now.items())
        results = tuple(self.number(t) for t in outputs)
        return Program(
            specs=tuple(self.specs), inputs=tuple(self._numbers[x.uid] for x in inputs),
            variables=tuple((self._variables[k], self._numbers[t.uid]) for k, t in self._first.items()),
            constants=tuple(self.constants), instructions=tuple(self.instructions), outputs=results, updates=updates)


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
