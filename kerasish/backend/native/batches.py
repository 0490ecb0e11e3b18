"""From jobs to what the driver reads."""

import numpy as np

from kerasish.backend.native import engine
from kerasish.backend.native.driver import CHAIN, FACTOR, PARTS, RECORD, TABLE
from kerasish.backend.native.jobs import Job


def records_of(jobs: list[Job], slot_of: list[dict[str, int]],
               factors: dict[int, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the records of jobs (see `driver`) and the tables that they point to, one behind the other.

    Args:
        jobs: the jobs.
        slot_of: for each job the slots of its operands by name.
        factors: number of a job that is chained to the one before it -> its units for one unit of that one.
    """
    tables: list[int] = []
    rows = []
    for job, slots in zip(jobs, slot_of, strict=True):
        parts = -(-job.total // job.grain)
        rows.append((engine.function(job.key, job.write), len(tables), job.total, job.grain, parts))
        tables += [slots[name] for name in job.operands]
        tables += job.sizes
    table = np.array(tables, np.int64)
    records = np.zeros((len(jobs), RECORD), np.int64)
    records[:, :CHAIN] = rows
    records[:, TABLE] = records[:, TABLE] * table.itemsize + table.ctypes.data
    records[:, FACTOR] = 1
    for n, factor in (factors or {}).items():
        records[n - 1, CHAIN] = 1
        records[n, PARTS], records[n, FACTOR] = 0, factor
    return records, table
