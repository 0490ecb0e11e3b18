"""Functions that are traced when they are called again, and replayed from then on."""

import functools
import os
import sysconfig
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from kerasish.compiler.ir import Program
from kerasish.compiler.passes import optimize
from kerasish.compiler.runner import make_runner
from kerasish.compiler.trace import Output, trace
from kerasish.core.dispatch import state
from kerasish.core.tensor import Tensor
from kerasish.utils import tree

# The most programs that one function holds.
MAX_PROGRAMS = 64
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class CompiledFunction:
    """A function of tensors that runs as a program.

    The first call with inputs of new shapes and dtypes runs op by op; the second traces; later ones replay. A
    function that cannot be traced runs op by op, with one warning that names the line.

    Args:
        function: anything made of ops; it may read and assign variables.
        name: what the warning calls it.
        warned: what was warned of already; functions that share a set warn once of what they share.
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None, warned: set[str] | None = None):
        functools.update_wrapper(self, function)
        self._function = function
        self._name = name or getattr(function, "__name__", "the function")
        self._programs: OrderedDict[Any, Any] = OrderedDict()
        self._gave_up = False
        self._warned = set() if warned is None else warned

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._gave_up or state.interpreter is not None or state.tapes or state.variables is not None:
            return self._function(*args, **kwargs)
        leaves = tree.flatten((args, kwargs))
        key = _key(leaves, args, kwargs)
        if key is None:
            return self._function(*args, **kwargs)
        found = self._programs.get(key)
        if found is None:
            self._remember(key, "seen")
            return self._function(*args, **kwargs)
        if found == "seen":
            found = self._traced(key, args, kwargs)
            if found is None:
                return self._function(*args, **kwargs)
        else:
            self._programs.move_to_end(key)
        replay, result = found
        arrays = replay([x.data for x in leaves if type(x) is Tensor])
        return tree.map_structure(lambda x: Tensor(arrays[x.index]) if type(x) is Output else x, result)

    def _remember(self, key: Any, value: Any) -> None:
        self._programs[key] = value
        while len(self._programs) > MAX_PROGRAMS:
            self._programs.popitem(last=False)

    def _traced(self, key: Any, args: Any, kwargs: Any) -> Any:
        try:
            program, result = trace(self._function, args, kwargs)
        except Exception as error:  # noqa: BLE001  whatever fails here is said by the eager run, or by the warning
            self._gave_up = True
            where = _where(error)
            if where not in self._warned:
                self._warned.add(where)
                warnings.warn(f"{self._name} cannot be compiled and runs op by op: {where}", stacklevel=4)
            return None
        found = make_runner(optimize(program)), result
        self._remember(key, found)
        return found

    def program(self, *args: Any, **kwargs: Any) -> Program:
        """Return the optimised program for arguments; print it to read it."""
        return optimize(trace(self._function, args, kwargs)[0])


def function(f: Callable[..., Any]) -> CompiledFunction:
    """Compile a function of tensors; `f.program(*args)` shows what it became."""
    return CompiledFunction(f)


def _key(leaves: list[Any], args: Any, kwargs: Any) -> Any:
    """What decides which program serves: structure, shapes, dtypes, other values; None if it cannot be compared."""
    parts: list[Any] = []
    for x in leaves:
        if type(x) is Tensor:
            parts.append((x.data.shape, x.data.dtype, getattr(x, "_keras_mask", None) is not None))
        elif isinstance(x, int | float | str | bool | type(None)):
            parts.append((type(x), x))
        else:
            return None
    if any(getattr(x, "_keras_mask", None) is not None for x in leaves):
        return None
    return tuple(parts), _structure(args), _structure(kwargs)


def _structure(x: Any) -> Any:
    if isinstance(x, dict):
        return ("dict", tuple((k, _structure(x[k])) for k in sorted(x, key=str)))
    if isinstance(x, list | tuple):
        return (type(x).__name__, tuple([_structure(e) for e in x]))
    return None


def _where(error: Exception) -> str:
    """The error, and the user's line at which it came up."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(_PACKAGE)]
    # Below the user's line there may be other libraries' own.
    libraries = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))
    frames = [f for f in frames if not f.filename.startswith((*libraries, "<frozen", "<__array_function__"))] or frames
    place = f" at {frames[-1].filename}:{frames[-1].lineno} ({frames[-1].line})" if frames else ""
    return f"{type(error).__name__}{place}: {error}"
