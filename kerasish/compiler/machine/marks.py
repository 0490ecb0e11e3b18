"""What tells a process, before it has traced a function, that an earlier one kept its program.

A mark is made of what can be had at a glance. Two functions may share one: then the first call of one of them is traced
for nothing.
"""

import os
from typing import Any

import numpy as np

from kerasish.backend.native import disk

# What was found when it was first looked for: what this process keeps itself is for others, so that a model that is
# trained twice gives the same bits twice.
_answers: dict[str, bool] = {}


def path_of(kind: str, key: bytes) -> str | None:
    """Return the file of a mark or program, None if nothing is kept."""
    return disk.path_of(disk.programs_folder(), kind.encode() + key)


def path_of_mark(mark: Any) -> str | None:
    """Return the file of a mark, None if nothing is kept."""
    return path_of("mark", _text(mark).encode())


def _text(mark: Any) -> str:
    """A mark as text; NumPy takes long for what it calls its dtypes."""
    if type(mark) is tuple or type(mark) is list:
        return f"({','.join([_text(each) for each in mark])})"
    return f"{mark.byteorder}{mark.char}{mark.itemsize}" if isinstance(mark, np.dtype) else repr(mark)


def are_there() -> bool:
    """Tell whether there are any."""
    folder = disk.programs_folder()
    if folder is None:
        return False
    with os.scandir(folder) as entries:
        return any(True for _ in entries)


def find(mark: Any) -> int | None:
    """Return how many bytes a program needs that an earlier process kept under a mark; None if there is none."""
    path = path_of_mark(mark)
    content = disk.read(path) if path is not None and is_there(path) else None
    return int(content) if content is not None and content.isdigit() else None


def is_there(path: str) -> bool:
    """Tell whether a file was there when this process first asked."""
    found = _answers.get(path)
    if found is None:
        found = _answers[path] = os.path.exists(path)
    return found


def keep(path: str, content: bytes) -> None:
    """Write a file for the processes to come."""
    _answers.setdefault(path, False)
    disk.keep(path, content)
