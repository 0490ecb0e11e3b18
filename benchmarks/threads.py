"""How threads get along: `python benchmarks/threads.py`, a training step alone and beside a busy process.

Each line is a fresh process. "beside a busy process" runs a Python loop on one of the processors meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BUSY = "while True: pass"
STEP = """
import json, sys, time
sys.path[:0] = [{here!r}, {root!r}]
import numpy as np
import kerasish as keras
from workloads import WORKLOADS
keras.utils.set_random_seed(0)
model, x, y, batch = WORKLOADS[{name!r}](keras)
x, y = x[:batch], y[:batch]
model.train_on_batch(x, y)
run = model.make_train_function()
for _ in range({warm}):
    model.train_on_batch(x, y)
times, cpu = [], []
for _ in range({steps}):
    t, c = time.perf_counter(), time.process_time()
    model.train_on_batch(x, y)
    times.append(time.perf_counter() - t)
    cpu.append(time.process_time() - c)
print(json.dumps([1e3 * float(np.median(times)), 1e3 * float(np.median(cpu))]))
"""


def step(name: str, threads: int, processors: str | None, busy: bool, steps: int) -> tuple[float, float]:
    """Return the median milliseconds of a step, and its processor milliseconds.

    Args:
        name: the workload.
        threads: threads of kerasish.
        processors: numbers of the processors it may use, as `taskset` takes them; None for all.
        busy: whether another process keeps the first of these processors busy.
        steps: how many steps are timed.
    """
    code = STEP.format(here=str(HERE), root=str(HERE.parent), name=name, warm=12, steps=steps)
    bound = ["taskset", "-c", processors] if processors else []
    other = None
    if busy:
        first = processors.split(",")[0].split("-")[0] if processors else "0"
        other = subprocess.Popen(["taskset", "-c", first, sys.executable, "-c", BUSY])
    try:
        environment = {**os.environ, "KERASISH_NUM_THREADS": str(threads)}
        done = subprocess.run([*bound, sys.executable, "-c", code], env=environment, text=True, check=True,
                              stdout=subprocess.PIPE)
    finally:
        if other is not None:
            other.kill()
            other.wait()
    wall, cpu = json.loads(done.stdout.splitlines()[-1])
    return wall, cpu


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workloads", default="tiny,mlp,convnet")
    parser.add_argument("--steps", type=int, default=60)
    chosen = parser.parse_args()
    cases = [("1 thread", 1, None, False), ("2 threads", 2, None, False), ("2 threads on 1 processor", 2, "0", False),
             ("1 thread, one processor of two busy", 1, "0,1", True),
             ("2 threads, one processor of two busy", 2, "0,1", True)]
    print("| workload | threads | step, ms | processor ms |\n|---|---|---|---|")
    for name in chosen.workloads.split(","):
        for what, threads, processors, busy in cases:
            wall, cpu = step(name, threads, processors, busy, chosen.steps)
            print(f"| {name} | {what} | {wall:.3g} | {cpu:.3g} |", flush=True)


if __name__ == "__main__":
    main()
