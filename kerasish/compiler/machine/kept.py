"""Programs kept for the next process, which runs them as machine code from their first call on.

A program is found again by what was traced: its instructions, shapes and constants are its name. So it is traced in
every process; what is spared are the passes, the choice of kernels and of memory, and LLVM.
"""

import contextlib
import functools
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.backend.native import blas, disk, engine
from kerasish.backend.native.machine import stamps, traits
from kerasish.backend.native.pool import DRIVERS
from kerasish.compiler.ir import Program, programs_of, variables_of
from kerasish.compiler.machine import marks, storage
from kerasish.compiler.machine.blueprint import Blueprint, Branches, Check, Jobs, Loop
from kerasish.compiler.machine.replay import NativeReplay
from kerasish.core.dtypes import standardize_dtype
from kerasish.version import __version__

_MOST_FILES, _MOST_ON_DISK = 512, 1 << 27
_MOST_BYTES = 1 << 22  # of a program's file, and of its constants
# Which of our files decide what becomes of a traced program.
_SOURCES = ("backend", "backend/common", "backend/native", "backend/native/kernels", "backend/numpy", "compiler",
            "compiler/codegen", "compiler/machine", "compiler/passes", "core", "ops", "ops/image")


@functools.cache
def get_ready() -> None:
    """Find out what programs depend on, and fetch what runs them all; a program can be had quickly from then on."""
    content = disk.read(_drivers_path())
    if content is not None:
        with contextlib.suppress(Exception):  # as with a program's file; they are fetched one by one then
            engine.adopt(storage.unpack_kernels(content))


def _drivers_path() -> str | None:
    depends_on = _depends_on()
    return None if depends_on is None else marks.path_of("drivers", depends_on)


def find(program: Program) -> NativeReplay | None:
    """Return a traced program as machine code, ready to run, if a process before this one kept it."""
    path = _path_of(program)
    if path is None or not marks.is_there(path):
        return None
    content = disk.read(path)
    if content is None:
        return None
    try:
        blueprint, kernels = storage.unpack(content)
        engine.adopt(kernels)
        return NativeReplay(blueprint, variables_of(program))
    except Exception:  # noqa: BLE001  whatever is wrong with the file: the program is made anew, as without it
        with contextlib.suppress(OSError):
            os.unlink(path)
        return None


def keep(program: Program, mark: Any, blueprint: Blueprint, variables: Sequence[Any]) -> None:
    """Keep a program for the processes to come, if it can be written down and found again.

    Args:
        program: as it was traced.
        mark: what a process that is to find it will ask for.
        blueprint: what it became.
        variables: those that the blueprint numbers.
    """
    path, marked = _path_of(program), marks.path_of_mark(mark)
    if path is None or marked is None:
        return
    for name, write in DRIVERS.items():
        engine.function(name, write)
    kernels, drivers = engine.packed(_kernels_of(blueprint)), engine.packed(DRIVERS)
    if kernels is None or drivers is None:
        return
    numbers = {id(variable): n for n, variable in enumerate(variables_of(program))}
    with contextlib.suppress(storage.UnwritableError):
        content = storage.pack(_renumbered(blueprint, [numbers[id(v)] for v in variables]), kernels)
        if len(content) <= _MOST_BYTES:
            marks.keep(path, content)
            marks.keep(marked, b"%d" % blueprint.nbytes)
            drivers_path = _drivers_path()
            if disk.read(drivers_path) is None:
                disk.keep(drivers_path, storage.pack_kernels(drivers))
            disk.prune(os.path.dirname(path), _MOST_FILES, _MOST_ON_DISK)


def _renumbered(blueprint: Blueprint, numbers: list[int]) -> Blueprint:
    """The blueprint with variables numbered as the traced program has them, which passes may have dropped some of."""
    return blueprint._replace(
        variables=tuple([held._replace(number=numbers[held.number]) for held in blueprint.variables]),
        copies=tuple([(numbers[n], place) for n, place in blueprint.copies]))


def _kernels_of(blueprint: Blueprint) -> list[str]:
    found: list[str] = []
    for part in blueprint.parts:
        if isinstance(part, Jobs | Check):
            found += part.listed.kernels
        elif isinstance(part, Loop):
            found += _kernels_of(part.body)
        elif isinstance(part, Branches):
            for body, _ in part.bodies:
                found += _kernels_of(body)
    return list(dict.fromkeys(found))


@functools.cache
def _depends_on() -> bytes | None:
    """What a kept program depends on besides its name; None if that cannot be told."""
    found = blas.library()
    products = None if found is None else found.wide
    try:
        sources = stamps(_SOURCES)
    except OSError:  # they are in no folder
        return None
    if not sources or not traits():
        return None
    return disk.name_of(repr((__version__, np.__version__, sys.version, products, traits(), sources)).encode())


def _path_of(program: Program) -> str | None:
    """The file of a traced program; None if what it is cannot be written down, or its constants are large."""
    depends_on = _depends_on()
    if depends_on is None or sum([array.nbytes for array, _ in program.constants]) > _MOST_BYTES:
        return None
    try:
        return marks.path_of("program", depends_on + storage.dump_plain(_plain(program)))
    except (storage.UnwritableError, ValueError):  # the second of a constant of a dtype that tensors do not have
        return None


def _bytes(array: np.ndarray) -> bytes:
    if array.dtype.hasobject:  # what is there are addresses
        raise storage.UnwritableError(f"an array of {array.dtype}")
    return array.tobytes()


def _plain(program: Program) -> Any:
    """What a program is, as numbers and names.

    Raises:
        storage.UnwritableError: there is something else in it.
    """
    numbers = {id(variable): n for n, variable in enumerate(variables_of(program))}
    given = [*program.inputs, *[v for _, v in program.variables], *[v for _, v in program.updates]]
    specs = [(program.specs[v].shape, standardize_dtype(program.specs[v].dtype)) for v in given]
    constants = [(v, standardize_dtype(array.dtype), array.shape, _bytes(array)) for array, v in program.constants]
    instructions: Sequence[Any] = [
        (i.card.name, i.inputs, _plain_params(i) if programs_of(i) else i.params, i.outputs)
        for i in program.instructions]
    for _, _, params, _ in instructions:
        if params:
            storage.require_plain(params)
    return (program.inputs, [(numbers[id(x)], v) for x, v in program.variables], constants, specs, instructions,
            program.outputs, [(numbers[id(x)], v) for x, v in program.updates])


def _plain_params(instruction: Any) -> dict[str, Any]:
    """Parameters, programs inside as what they are."""
    def plain(value: Any) -> Any:
        if type(value) is Program:
            return _plain(value)
        return tuple([plain(x) for x in value]) if type(value) is tuple else value

    return {name: plain(value) for name, value in instruction.params.items()}
