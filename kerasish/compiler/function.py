"""Functions that are traced when they are called again, and replayed from then on."""

import functools
import inspect
import os
import sysconfig
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from kerasish.compiler.ir import Program, Room
from kerasish.compiler.passes import optimize
from kerasish.compiler.runner import kept_runner, machine_code_text, make_runner, threads_of_products
from kerasish.compiler.trace import Output, trace
from kerasish.core.dispatch import state
from kerasish.core.tensor import Tensor
from kerasish.utils import tree
from kerasish.utils.garbage import no_collection

# The most programs that one function holds.
MAX_PROGRAMS = 64
# What `CompiledFunction.again` returns where an ordinary call is needed.
MISS = object()
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class CompiledFunction:
    """A function of tensors that runs as a program.

    The first call with inputs of new shapes and dtypes runs op by op: it is the quicker way to run a function once,
    and makes what the others find. The second traces; later ones replay. Where an earlier process kept the program, the
    first call traces, to find it, and runs it. A function that cannot be traced runs op by op, with one warning that
    names the line.

    Args:
        function: anything made of ops; it may read and assign variables.
        name: what the warning calls it.
        warned: what was warned of already; functions that share a set warn once of what they share.
        wrap: what becomes of the arrays that a program returns. They share memory with nothing else.
        mark: returns what tells this function from others, in this process and the next; the better it does, the less
            often a first call is traced for nothing.
        writes: returns variables that the first call is the first to write to.
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None, warned: set[str] | None = None,
                 wrap: Callable[[Any], Any] = Tensor, mark: Callable[[], Any] | None = None,
                 writes: Callable[[], list[Any]] = list):
        functools.update_wrapper(self, function)
        self._function = function
        self._name = name or getattr(function, "__name__", "the function")
        self._programs: OrderedDict[Any, Any] = OrderedDict()
        self._last: tuple[Any, Any] = (None, None)  # the key and the program of the last call
        self._plain: tuple[Any, Any] = (None, None)  # shapes and dtypes of its arrays, and the program
        self._gave_up = False
        self._warned = set() if warned is None else warned
        self._wrap = wrap
        self._mark = mark or functools.partial(_place_of, function)
        self._writes = writes

    def _is_plain_call(self) -> bool:
        return not (self._gave_up or state.tapes) and state.interpreter is None and state.variables is None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._is_plain_call():
            return self._function(*args, **kwargs)
        arrays: list[Any] = []
        try:
            key = _key(args, arrays)
            if kwargs:
                key = key, _key(kwargs, arrays)
        except _NoKeyError:
            return self._function(*args, **kwargs)
        last, found = self._last
        if key != last:
            found = self._find(key, args, kwargs)
            if found is None:
                with nullcontext() if self._gave_up else threads_of_products():
                    return self._function(*args, **kwargs)
            self._last, self._plain = (key, found), (None if kwargs else _plain_specs(args, arrays), found)
        run, fill = found
        return fill(run(arrays))

    def again(self, arrays: tuple[Any, ...], room: Room | None = None) -> Any:
        """Run the last call's program on other arrays for the tensors of its one argument: the quickest way to call.

        Args:
            arrays: a NumPy array for the tensor that the argument was, or for each in the tuple that it was.
            room: where outputs may be written.

        Returns:
            The result; `MISS`, and nothing has been done, if an ordinary call is needed.
        """
        specs, found = self._plain
        if specs is None or len(specs) != len(arrays) or not self._is_plain_call():
            return MISS
        for array, (shape, dtype) in zip(arrays, specs, strict=True):
            if type(array) is not np.ndarray or array.shape != shape or array.dtype != dtype:
                return MISS
        run, fill = found
        return fill(run(list(arrays), room))

    def _find(self, key: Any, args: Any, kwargs: Any) -> Any:
        """The program for a key, made if it is the key's second time; None to run op by op."""
        found = self._programs.get(key)
        if found == "seen":
            return self._traced(key, args, kwargs)
        if found is not None:
            self._programs.move_to_end(key)
            return found
        found = self._kept(key, args, kwargs)
        self._remember(key, found or "seen")
        return found

    def _kept(self, key: Any, args: Any, kwargs: Any) -> Any:
        """The program for a key, if an earlier process kept it."""
        results: list[Any] = []

        def traced() -> Program | None:
            try:
                program, result = trace(self._function, args, kwargs)
            except Exception:  # noqa: BLE001  perhaps the first call has to make something: the second one will tell
                return None
            results.append(result)
            return program

        with no_collection():
            run = kept_runner((self._mark(), key), traced, self._writes)
        return None if run is None else (run, _filler(results[0], self._wrap))

    def _remember(self, key: Any, value: Any) -> None:
        self._programs[key] = value
        while len(self._programs) > MAX_PROGRAMS:
            if self._programs.popitem(last=False)[0] == self._last[0]:
                self._last = self._plain = None, None

    def _traced(self, key: Any, args: Any, kwargs: Any) -> Any:
        try:
            with no_collection():
                program, result = trace(self._function, args, kwargs)
        except Exception as error:  # noqa: BLE001  whatever fails here is said by the eager run, or by the warning
            self._gave_up = True
            where = _where(error)
            if where not in self._warned:
                self._warned.add(where)
                warnings.warn(f"{self._name} cannot be compiled and runs op by op: {where}", stacklevel=5)
            return None
        with no_collection():
            found = make_runner(program, (self._mark(), key)), _filler(result, self._wrap)
        self._remember(key, found)
        return found

    def program(self, *args: Any, **kwargs: Any) -> Program:
        """Return the optimised program for arguments; print it to read it."""
        return optimize(trace(self._function, args, kwargs)[0])

    def jobs(self, *args: Any, **kwargs: Any) -> str:
        """Return what the program for arguments is as machine code of the CPU, as text: print it to read it.

        Raises:
            ImportError: llvmlite is not there.
        """
        return machine_code_text(self.program(*args, **kwargs))


def function(f: Callable[..., Any]) -> CompiledFunction:
    """Compile a function of tensors; `f.program(*args)` and `f.jobs(*args)` show what it became."""
    return CompiledFunction(f)


def _place_of(f: Callable[..., Any]) -> Any:
    """Where a function is written, as far as that can be told."""
    code = getattr(inspect.unwrap(f), "__code__", None)
    return getattr(f, "__qualname__", None), code and (code.co_filename, code.co_firstlineno)


def _plain_specs(args: tuple, arrays: list[Any]) -> list[Any] | None:
    """Shapes and dtypes of the arrays of a call with a tensor, or a tuple of them, and nothing else."""
    tensors = args[0] if len(args) == 1 and type(args[0]) is tuple else args
    plain = len(args) == 1 and all(type(x) is Tensor for x in tensors) and all(type(a) is np.ndarray for a in arrays)
    return [(a.shape, a.dtype) for a in arrays] if plain else None


class _NoKeyError(Exception):
    """A call holds a value by which no program can be chosen."""


def _key(x: Any, arrays: list[Any]) -> Any:
    """What decides which program serves: structure, shapes, dtypes, other values; tensors' arrays are collected."""
    kind = type(x)
    if kind is Tensor:
        if getattr(x, "_keras_mask", None) is not None:
            raise _NoKeyError
        data = x.data
        arrays.append(data)
        return data.shape, data.dtype
    if kind is tuple or kind is list:
        return kind, *[_key(e, arrays) for e in x]
    if isinstance(x, int | float | str | bool | None):
        return kind, x
    if not tree.is_nested(x):
        raise _NoKeyError
    return kind, *[(name, _key(e, arrays)) for name, e in tree.items(x)]


def _filler(result: Any, wrap: Callable[[Any], Any]) -> Callable[[list[Any]], Any]:
    """Return what puts a program's output arrays in their places in a function's result."""
    if type(result) is Output:
        index = result.index
        return lambda arrays: wrap(arrays[index])
    if type(result) is dict and all(type(x) is Output for x in result.values()):  # as logs are
        places = [(name, x.index) for name, x in result.items()]
        return lambda arrays: {name: wrap(arrays[i]) for name, i in places}
    return lambda arrays: tree.map_structure(lambda x: wrap(arrays[x.index]) if type(x) is Output else x, result)


def _where(error: Exception) -> str:
    """The error, and the user's line at which it came up."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(_PACKAGE)]
    # Below the user's line there may be other libraries' own.
    libraries = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))
    frames = [f for f in frames if not f.filename.startswith((*libraries, "<frozen", "<__array_function__"))] or frames
    place = f" at {frames[-1].filename}:{frames[-1].lineno} ({frames[-1].line})" if frames else ""
    return f"{type(error).__name__}{place}: {error}"
