"""How a program runs: on the array kernels first, as machine code once it has earned being compiled."""

import importlib
import math
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from kerasish.backend import device, native
from kerasish.backend.native import blas
from kerasish.compiler.ir import Program, Room, cost
from kerasish.compiler.passes import optimize
from kerasish.compiler.replay import Replay
from kerasish.utils.garbage import no_collection

# Nanoseconds that a program is to have run, by estimate, before it is compiled. An estimate and no clock, so that the
# same script changes over at the same step whenever it runs, and gives the same bits, but for what was kept.
EARNED = 2e7
# The same for each of its instructions, where that is less: a short program is soon compiled.
EARNED_EACH = 3e5
# Nanoseconds of a run, by estimate, from which on a program is kept for the next process, and more for each of its
# instructions: op by op it takes longer than to trace it and to find it.
WORTH_KEEPING, WORTH_KEEPING_EACH = 4e6, 2e4
# Below so many nanoseconds a program on array kernels keeps to one thread in any case: to wake another one, or to wait
# for it on a busy machine, takes longer than its products.
SMALL = 2e6
_KEPT = "kerasish.compiler.machine.kept"
_CALL, _BYTES, _OPERATIONS = 1500.0, 4.0, 40.0  # nanoseconds a kernel; bytes and operations a nanosecond


def threads_of_products() -> AbstractContextManager:
    """Return a context in which the library of products keeps to one thread, if machine code is to follow.

    Its own threads would look for work, for a tenth of a second, on the processors that machine code uses meanwhile.
    """
    return blas.OneThread() if native.mode() != "0" and device.current().name == "numpy" else nullcontext()


def make_runner(program: Program, mark: Any = None) -> Any:
    """Return a function from arrays for a program's inputs to arrays for its outputs, which assigns its variables.

    Args:
        program: as it was traced.
        mark: see `kept_runner`; None if the program is not to be kept.
    """
    return Runner(program, mark) if device.current().name == "numpy" else Replay(optimize(program))


def get_ready() -> None:
    """Do ahead what the first call of a function has to do where earlier processes kept programs."""
    if _uses_kept() and importlib.import_module("kerasish.compiler.machine.marks").are_there():
        importlib.import_module(_KEPT).get_ready()


def _uses_kept() -> bool:
    return native.mode() in ("1", "always") and device.current().name == "numpy"


def kept_runner(mark: Any, trace: Callable[[], Program | None], writes: Callable[[], list[Any]]) -> Any:
    """Return what runs a program as machine code from its first call on, if an earlier process kept it; else None.

    Args:
        mark: names the function and its arguments; something whose `repr` is the same in every process.
        trace: returns the program, None if it cannot be traced; called if one was kept under the mark.
        writes: returns variables that the program will write to, and to which nobody has written yet.
    """
    if not _uses_kept():
        return None
    nbytes = importlib.import_module("kerasish.compiler.machine.marks").find(mark)
    if nbytes is None:
        return None
    kept = importlib.import_module(_KEPT)
    kept.get_ready()
    arena = importlib.import_module("kerasish.compiler.machine.arena")
    with arena.Prefetch(nbytes, [variable.handle.data for variable in writes()]):
        program = trace()
        return None if program is None else kept.find(program)


def machine_code_text(program: Program) -> str:
    """Return a program as it runs as machine code, as text (see `codegen.listing`).

    Raises:
        ImportError: llvmlite is not there.
    """
    if not native.is_installed():
        raise ImportError("machine code needs llvmlite: pip install 'kerasish[jit]'")
    return importlib.import_module("kerasish.compiler.codegen.listing").listing(program)


def release_memory() -> None:
    """Give back memory that large programs keep between their runs, for work of another kind that needs much itself."""
    loaded = sys.modules.get("kerasish.compiler.machine.arena")
    if loaded is not None:
        loaded.release()


def estimate(program: Program) -> float:
    """Return the nanoseconds that a program takes on array kernels, roughly."""
    total = 0.0
    for i in program.instructions:
        nbytes, operations = cost(program, i)
        total += _CALL + nbytes / _BYTES + operations / _OPERATIONS
    return total


class Runner:
    """A program that changes from array kernels to machine code.

    Args:
        program: as it was traced.
        mark: see `make_runner`.
    """

    def __init__(self, program: Program, mark: Any = None):
        self._program = optimize(program)
        self._traced: Program | None = program
        self._mark = mark
        self._estimate = estimate(self._program)
        price = min(EARNED, EARNED_EACH * len(self._program.instructions))
        self._price = {"0": math.inf, "always": 0.0}.get(native.mode(), price)
        self._spent = self._estimate  # op by op, before there was a program
        self._on_one_thread = self._estimate < SMALL or self._price < math.inf
        self._replay: Any = None
        self._final = False
        self._lock = threading.Lock()

    def __call__(self, inputs: list[Any], room: Room | None = None) -> list[Any]:
        """Run on arrays for the inputs; return arrays for the outputs. One thread at a time: buffers are shared."""
        with self._lock:
            run = self._ready()
            if self._final or not self._on_one_thread:
                return run(inputs, room)
            with blas.OneThread():
                return run(inputs, room)

    def _ready(self) -> Any:
        """What runs the program now."""
        if not self._final:
            if self._spent >= self._price:
                self._replay, self._final = self._compiled() or self._replay or Replay(self._program), True
                self._traced = self._mark = None
            elif self._replay is None:
                self._replay = Replay(self._program)
            self._spent += self._estimate
        return self._replay

    def _is_worth_keeping(self) -> bool:
        price = WORTH_KEEPING + WORTH_KEEPING_EACH * len(self._program.instructions)
        return self._mark is not None and self._estimate >= price

    def _compiled(self) -> Any:
        """The program as machine code; None, with a warning, where that fails."""
        try:
            with no_collection():
                importlib.import_module("kerasish.compiler.machine.arena").trim()  # nobody has a use for it here
                drawn, variables = importlib.import_module("kerasish.compiler.codegen.draw").drawn(self._program)
                if self._traced is not None and self._is_worth_keeping():
                    importlib.import_module(_KEPT).keep(self._traced, self._mark, drawn, variables)
                return importlib.import_module("kerasish.compiler.machine.replay").NativeReplay(drawn, variables)
        except Exception as error:  # noqa: BLE001  a fault of ours or of the compiler: the program runs all the same
            warnings.warn(f"a program stays on array kernels, it cannot be compiled to machine code: {error!r}",
                          stacklevel=2)
            return None
