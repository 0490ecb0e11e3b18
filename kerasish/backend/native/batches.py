"""From jobs to what the driver reads."""

from typing import NamedTuple

import numpy as np

from kerasish.backend.native import blas, engine
from kerasish.backend.native.driver import CHAIN, CODE, FACTOR, PARTS, RECORD, TABLE
from kerasish.backend.native.jobs import Job


class Listed(NamedTuple):
    """Jobs as they can be written down: without an address in them.

    Attributes:
        kernels: keys of the kernels.
        records: see `driver`; in place of its code's address each has the number of its kernel, and in place of the
            table's where in `tables` it begins.
        tables: the tables of the jobs, one behind the other.
        outside: places in `tables` where the address of a function of the library of products belongs, and its name.
    """

    kernels: tuple[str, ...]
    records: np.ndarray
    tables: np.ndarray
    outside: tuple[tuple[int, str], ...]


def list_jobs(jobs: list[Job], slot_of: list[dict[str, int]], factors: dict[int, int] | None = None) -> Listed:
    """Return jobs as they can be written down; their kernels are compiled where they are not there yet.

    Args:
        jobs: the jobs.
        slot_of: for each job the slots of its operands by name.
        factors: number of a job that is chained to the one before it -> its units for one unit of that one.
    """
    kernels: dict[str, int] = {}
    tables: list[int] = []
    outside: list[tuple[int, str]] = []
    rows = []
    for job, slots in zip(jobs, slot_of, strict=True):
        engine.function(job.key, job.write)
        kernel = kernels.setdefault(job.key, len(kernels))
        rows.append((kernel, len(tables), job.total, job.grain, -(-job.total // job.grain)))
        tables += [slots[name] for name in job.operands]
        for size in job.sizes:
            if isinstance(size, str):
                outside.append((len(tables), size))
                size = 0
            tables.append(size)
    records = np.zeros((len(jobs), RECORD), np.int64)
    records[:, :CHAIN] = rows
    records[:, FACTOR] = 1
    for n, factor in (factors or {}).items():
        records[n - 1, CHAIN] = 1
        records[n, PARTS], records[n, FACTOR] = 0, factor
    return Listed(tuple(kernels), records, np.array(tables, np.int64), tuple(outside))


def link(jobs: Listed) -> tuple[np.ndarray, np.ndarray]:
    """Return records and tables with addresses; the kernels are there already."""
    records, tables = jobs.records.copy(), jobs.tables.copy()
    for place, name in jobs.outside:
        tables[place] = blas.address_of(name)
    records[:, CODE] = np.array([engine.address(key) for key in jobs.kernels], np.int64)[records[:, CODE]]
    records[:, TABLE] = records[:, TABLE] * tables.itemsize + tables.ctypes.data
    return records, tables


def records_of(jobs: list[Job], slot_of: list[dict[str, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the records of jobs (see `driver`) and the tables that they point to, one behind the other."""
    return link(list_jobs(jobs, slot_of))
