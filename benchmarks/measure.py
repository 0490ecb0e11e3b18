"""Measure one program in a process of its own: `python benchmarks/measure.py MODULE WORKLOAD [--epochs 6]`.

MODULE is `kerasish`, or `keras` with the environment variable KERAS_BACKEND. Prints one line of JSON.
"""

import argparse
import importlib
import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from workloads import WORKLOADS  # noqa: E402


def timed(run: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds that a call took: by the clock, and of all its threads."""
    clock, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - clock, time.process_time() - cpu


def measure(module: str, name: str, epochs: int = 6, **sizes: Any) -> dict[str, Any]:
    """Return the figures of a workload.

    Args:
        module: "kerasish" or "keras".
        name: of the workload.
        epochs: how often `fit` and `predict` are timed, once warm.
        sizes: for another size than usual.

    Returns:
        Seconds to import and of the first step (with tracing and compiling); of a warm `fit` the samples per second
        in the best and the median epoch, and milliseconds a step by the clock and of all threads; of a warm
        `predict` the samples per second; milliseconds of `predict` on one row; peak resident memory in MiB.
    """
    begin = time.perf_counter()
    keras = importlib.import_module(module)
    figures: dict[str, Any] = {"import_s": time.perf_counter() - begin}
    keras.utils.set_random_seed(0)
    model, x, y, size = WORKLOADS[name](keras, **sizes)
    steps = -(-len(x) // size)

    def fit(count: int = len(x)) -> Any:
        return model.fit(x[:count], y[:count], batch_size=size, epochs=1, verbose=0)

    def predict(count: int = len(x)) -> Any:
        return model.predict(x[:count], batch_size=size, verbose=0)

    figures["first_step_s"] = timed(lambda: fit(size))[0]
    fit()
    times = [timed(fit) for _ in range(epochs)]
    best, middle = min(t for t, _ in times), statistics.median(t for t, _ in times)
    figures |= {"fit_samples_s": len(x) / best, "fit_samples_s_median": len(x) / middle,
                "step_ms": 1e3 * best / steps, "step_cpu_ms": 1e3 * min(c for _, c in times) / steps}
    predict()
    figures["predict_samples_s"] = len(x) / min(timed(predict)[0] for _ in range(epochs))
    predict(1), predict(1)
    figures["one_row_ms"] = 1e3 * statistics.median(timed(lambda: predict(1))[0] for _ in range(20))
    figures["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures["versions"] = versions(keras)
    return figures


def versions(keras: Any) -> str:
    """Return what ran: the module, its backend, and their versions."""
    backend = keras.backend.backend() if hasattr(keras.backend, "backend") else "numpy"
    library = importlib.import_module(backend)
    parts = [f"{keras.__name__} {keras.__version__}", f"{backend} {library.__version__}"]
    if backend != "numpy":
        parts.append(f"numpy {np.__version__}")
    return ", ".join([*parts, f"Python {platform.python_version()}"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--epochs", type=int, default=6)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.module, arguments.workload, arguments.epochs)))
