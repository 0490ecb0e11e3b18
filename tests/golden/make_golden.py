"""Makes the golden files with real Keras: `KERAS_BACKEND=jax python tests/golden/make_golden.py [names]`.

With `--compare` it writes nothing: it runs the rows on the chosen backend and says where they differ from the files.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parent))

import keras  # noqa: E402
import numpy as np  # noqa: E402
from golden_io import leaves, load, save  # noqa: E402
from make import dtypes, files, layers, losses, metrics, optimizers, small, training  # noqa: E402

MAKERS = {f"layers_{table}": lambda table=table: layers.run_table(table) for table in layers.TABLES} | {
    "losses": losses.run,
    "metrics": metrics.run,
    "optimizers": optimizers.run,
    "schedules": optimizers.run_schedules,
    "small": small.run,
    "dtypes": dtypes.run,
    "files": files.run,
    "training": training.run,
}
WITH_TENSORFLOW = {  # what Keras does on that backend alone: lookups, promotion to 64 bits
    "layers_lookup": lambda: layers.run_table("lookup"),
    "promotion": dtypes.run_promotion,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    here = WITH_TENSORFLOW if keras.backend.backend() == "tensorflow" else MAKERS
    parser.add_argument("names", nargs="*", help=f"which files: {', '.join(here)} (default: all)")
    parser.add_argument("--compare", action="store_true", help="compare with the files instead of writing them")
    arguments = parser.parse_args()
    for name in arguments.names or here:
        rows = (MAKERS | WITH_TENSORFLOW)[name]()
        if arguments.compare:
            compare(name, rows)
        else:
            save(name, rows)
            print(f"{name}: {len(rows)} rows")


def compare(name: str, rows: list[dict]) -> None:
    """Prints the rows whose numbers differ from those on file by more than 1e-4 of the largest."""
    for row, stored in zip(rows, load(name), strict=True):
        for key in stored:
            if key in ("config", "kwargs") or row.get(key) is None:
                continue
            for mine, theirs in zip(leaves(row[key]), leaves(stored[key]), strict=True):
                if isinstance(theirs, np.ndarray) and theirs.dtype.kind == "f":
                    gap = np.abs(mine - theirs).max(initial=0) / max(np.abs(theirs).max(initial=0), 1e-3)
                    if not gap < 1e-4:
                        print(f"{name} {stored['name']} {key}: relative difference {gap:.2g}")


if __name__ == "__main__":
    main()
