"""Variables of a model to and from an HDF5 file. Nothing is assigned before everything was found to fit."""

import warnings
from collections.abc import Iterable
from typing import Any

from kerasish.core.variable import Variable
from kerasish.saving.h5_store import Entry, group_at
from kerasish.saving.walk import walk


def save_state(root: Any, file: Any) -> None:
    """Write the variables of an object and of all those inside it.

    Args:
        root: a model or layer.
        file: an h5py file open for writing.
    """
    for path, x in walk(root):
        name = getattr(x, "name", None)
        x.save_own_variables(Entry(file, path, name if isinstance(name, str) else None))


def load_state(root: Any, file: Any, skip_mismatch: bool = False, skip: Iterable[Any] = ()) -> None:
    """Read the variables of an object and of all those inside it.

    Args:
        root: a model or layer, built.
        file: an open h5py file.
        skip_mismatch: whether objects whose variables do not fit are left as they are, with a warning.
        skip: objects that are left as they are, with what is inside them.

    Raises:
        ValueError: variables do not fit: lists each by its path. Nothing has been assigned then.
    """
    file = group_at(file, "_layer_checkpoint_dependencies") or file  # written by Keras 2.13
    entries = [(path, x, Entry(file, path)) for path, x in walk(root, skip)]
    faults = {path: fault for path, x, entry in entries if (fault := _fault(x, entry, path))}
    if faults and not skip_mismatch:
        listed = "\n".join(f"- {path or '(the model itself)'}: {fault}" for path, fault in list(faults.items())[:20])
        raise ValueError(f"the weights in the file do not fit the model:\n{listed}\n"
                         "Nothing was loaded. Use skip_mismatch=True to load what fits.")
    for path, fault in faults.items():
        warnings.warn(f"skipped {path!r}: {fault}", stacklevel=3)
    # What reads in its own way may refuse only while it reads, so it goes before what surely fits.
    _load_own_ways([e for e in entries if _by_position(e[1]) is None], skip_mismatch)
    for path, x, entry in entries:
        if path not in faults and _by_position(x) is not None:
            x.load_own_variables(entry)


def _load_own_ways(entries: list[tuple[str, Any, Entry]], skip_mismatch: bool) -> None:
    before: list[tuple[Variable, Any]] = []
    for path, x, entry in entries:
        values = [(v, v.numpy()) for v in getattr(x, "variables", [])]
        try:
            x.load_own_variables(entry)
        except Exception as error:
            for variable, value in [*before, *values] if not skip_mismatch else values:
                variable.assign(value)
            fault = f"{type(x).__name__} at {path!r} could not read its variables: {error}"
            if not skip_mismatch:
                raise ValueError(f"{fault}. Nothing was loaded. Use skip_mismatch=True to load what fits.") from error
            warnings.warn(f"skipped: {fault}", stacklevel=4)
        before += values


def _by_position(x: Any) -> list[Variable] | None:
    return x._variables_by_position() if hasattr(x, "_variables_by_position") else None


def _fault(x: Any, entry: Entry, path: str) -> str | None:
    """What keeps an object from taking its variables, if it takes them by position as most do."""
    own = _by_position(x)
    if own is None:
        return None
    keys = entry.keys()
    if len(keys) != len(own):
        hint = "" if getattr(x, "built", True) else " (it is not built: call the model on data first)"
        return (f"{type(x).__name__} {x.name!r} has {len(own)} variables, and received {len(keys)} variables from the "
                f"file{hint}")
    for i, v in enumerate(own):
        if str(i) not in keys:
            return f"the file has no variable {i} for {v.path!r}"
        if entry.shape_of(str(i)) != tuple(v.shape):
            return f"variable {v.path!r} has shape {tuple(v.shape)}, the file {entry.shape_of(str(i))}: they must match"
    return None
