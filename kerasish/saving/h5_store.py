"""Variables in an HDF5 file, grouped by the path of the object that they belong to."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish.utils.dtype_names import numpy_dtype

# Values that take more bytes than this may take so many times more than they do in the file.
_LARGEST_UNPACKED, _MOST_PACKED = 1 << 30, 100


def import_h5py() -> Any:
    """Return h5py, which is imported when the first file is opened."""
    import h5py

    return h5py


class Entry:
    """The variables of one object: a dict of arrays, read from or written to one group.

    Args:
        file: the open file.
        path: where the object stands.
        name: its name, written beside the variables.
    """

    def __init__(self, file: Any, path: str, name: str | None = None):
        self._file, self._path = file, f"{path}/vars" if path else "vars"
        if name is not None:
            self._group().attrs["name"] = name

    def _group(self) -> Any:
        return self._file.require_group(self._path)

    def _existing(self) -> Any:
        return group_at(self._file, self._path)

    def keys(self) -> list[str]:
        """Return the names of the variables."""
        group = self._existing()
        return [] if group is None else list(group.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: str) -> bool:
        return key in self.keys()

    def __getitem__(self, key: str) -> np.ndarray:
        group = self._existing()
        if group is None:
            raise KeyError(f"the file holds nothing at {self._path!r}")
        return read_dataset(group, key)

    def shape_of(self, key: str) -> tuple[int, ...]:
        """Return the shape of a variable without reading it."""
        return tuple(dataset_at(self._existing(), key).shape)

    def __setitem__(self, key: str, value: Any) -> None:
        array = np.asarray(value)
        dataset = self._group().create_dataset(key, data=array)
        if array.dtype.name == "bfloat16":
            dataset.attrs["dtype"] = "bfloat16"

    def __delitem__(self, key: str) -> None:
        del self._group()[key]


def group_at(parent: Any, path: str) -> Any | None:
    """Return a group of a file, None if there is none.

    Raises:
        ValueError: a link on the way leads out of the file.
    """
    h5py = import_h5py()
    here = parent
    for part in path.split("/"):
        if part not in here:
            return None
        _refuse_link(here, part, h5py)
        here = here[part]
        if not isinstance(here, h5py.Group):
            return None
    return here


def dataset_at(group: Any, key: str) -> Any:
    """Return a data set of a group, unread.

    Raises:
        ValueError: its values lie outside the file.
        KeyError: there is none.
    """
    h5py = import_h5py()
    if key not in group:
        raise KeyError(f"the file has no {key!r} at {group.name!r}")
    _refuse_link(group, key, h5py)
    found = group[key]
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"the file has a group at {group.name}/{key} where values were expected")
    if found.external or found.is_virtual:
        raise ValueError(f"the values at {group.name}/{key} lie outside the file: refusing to read them")
    if found.nbytes > _LARGEST_UNPACKED and found.nbytes > _MOST_PACKED * found.id.get_storage_size():
        raise ValueError(f"the values at {group.name}/{key} would take {found.nbytes} bytes, of which the file holds "
                         f"{found.id.get_storage_size()}: refusing to read them")
    return found


def read_dataset(group: Any, key: str) -> np.ndarray:
    """Return the values of a data set."""
    found = dataset_at(group, key)
    if found.attrs.get("dtype") == "bfloat16":
        raw = np.asarray(found)
        return raw.view(numpy_dtype("bfloat16")) if raw.dtype.kind == "V" else raw.astype(numpy_dtype("bfloat16"))
    return np.asarray(found)


def _refuse_link(group: Any, key: str, h5py: Any) -> None:
    link = group.get(key, getlink=True)
    if isinstance(link, h5py.ExternalLink | h5py.SoftLink):
        raise ValueError(f"{group.name}/{key} is a {type(link).__name__} in the file: refusing to follow it")
