"""From jobs to what the driver reads."""

import numpy as np

from kerasish.backend.native import engine
from kerasish.backend.native.driver import CHAIN, FACTOR, PARTS, RECORD
from kerasish.backend.native.jobs import Job


def records_of(jobs: list[Job], slot_of: list[dict[str, int]],
               factors: dict[int, int] | None = None) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the records of jobs (see `driver`) and the tables that they point to.

    Args:
        jobs: the jobs.
        slot_of: for each job the slots of its operands by name.
        factors: number of a job that is chained to the one before it -> its units for one unit of that one.
    """
    records = np.zeros((len(jobs), RECORD), np.int64)
    tables = []
    for record, job, slots in zip(records, jobs, slot_of, strict=True):
        table = np.array([*(slots[name] for name in job.operands), *job.sizes], np.int64)
        tables.append(table)
        parts = -(-job.total // job.grain)
        record[:CHAIN] = engine.function(job.key, job.write), table.ctypes.data, job.total, job.grain, parts
        record[FACTOR] = 1
    for n, factor in (factors or {}).items():
        records[n - 1, CHAIN] = 1
        records[n, PARTS], records[n, FACTOR] = 0, factor
    return records, tables
