"""How a program runs: on the array kernels first, as machine code once it has earned being compiled."""

import importlib
import math
import sys
import threading
import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from kerasish.backend import device, native
from kerasish.backend.native import blas
from kerasish.compiler.ir import Program, Room, cost
from kerasish.compiler.replay import Replay
from kerasish.utils.garbage import no_collection

# Nanoseconds that a program is to have run, by estimate, before it is compiled. An estimate and no clock, so that the
# same script changes over at the same step whenever it runs, and gives the same bits.
EARNED = 2e7
# The same for each of its instructions, where that is less: a short program is soon compiled.
EARNED_EACH = 3e5
# Below so many nanoseconds a program on array kernels keeps to one thread in any case: to wake another one, or to wait
# for it on a busy machine, takes longer than its products.
SMALL = 2e6
_CALL, _BYTES, _OPERATIONS = 1500.0, 4.0, 40.0  # nanoseconds a kernel; bytes and operations a nanosecond


def threads_of_products() -> AbstractContextManager:
    """Return a context in which the library of products keeps to one thread, if machine code is to follow.

    Its own threads would look for work, for a tenth of a second, on the processors that machine code uses meanwhile.
    """
    return blas.OneThread() if native.mode() != "0" and device.current().name == "numpy" else nullcontext()


def make_runner(program: Program) -> Any:
    """Return a function from arrays for a program's inputs to arrays for its outputs, which assigns its variables."""
    return Runner(program) if device.current().name == "numpy" else Replay(program)


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
        program: the program after the passes.
    """

    def __init__(self, program: Program):
        self._program = program
        self._estimate = estimate(program)
        price = min(EARNED, EARNED_EACH * len(program.instructions))
        self._price = {"0": math.inf, "1": price, "always": 0.0}[native.mode()]
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
                self._replay, self._final = _compiled(self._program) or self._replay or Replay(self._program), True
            elif self._replay is None:
                self._replay = Replay(self._program)
            self._spent += self._estimate
        return self._replay


def _compiled(program: Program) -> Any:
    """The program as machine code; None, with a warning, where that fails."""
    try:
        with no_collection():
            importlib.import_module("kerasish.compiler.machine.arena").trim()  # LLVM and the arena have no use for it
            return importlib.import_module("kerasish.compiler.codegen.draw").machine_code(program)
    except Exception as error:  # noqa: BLE001  a fault of ours or of the compiler: the program runs all the same
        warnings.warn(f"a program stays on array kernels, it cannot be compiled to machine code: {error!r}",
                      stacklevel=2)
        return None
