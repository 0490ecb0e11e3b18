"""How fast this machine could run a training step: `python benchmarks/floors.py [--threads N] [WORKLOAD ...]`.

Two rates are measured: of matrix products (floating-point operations per second) and of memory (bytes per second). The
floor of a step is the time of its products and convolutions at the one rate, plus the time to move its compulsory
bytes at the other:

    floor = operations / product rate + bytes / memory rate

Operations are two for each multiplication in matrix products, convolutions and recurrences, of the traced step without
dead and repeated instructions. Compulsory bytes are the step's inputs and variables, read once; the variables that it
changes, written once; and each result of a product or convolution, written once and read once. Everything else
(elementwise chains, reductions, random numbers) counts as free, for it can be done while those bytes pass by. It is a
yardstick: no step is expected to reach it, but one whose arrays stay in the cache may beat its second term.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import kerasish as keras
from kerasish.compiler.ir import Instruction, Program, programs_of
from kerasish.compiler.passes.common_subexpressions import share_common_subexpressions
from kerasish.compiler.passes.dead_code import remove_dead_code
from kerasish.compiler.trace import trace
from kerasish.core.dispatch import to_tensor

sys.path.insert(0, str(Path(__file__).parent))

from workloads import WORKLOADS, Workload  # noqa: E402

MIB = 1 << 20


class Rates(NamedTuple):
    """What a machine does per second: floating-point operations of matrix products, bytes read or written."""

    products: float
    memory: float

    def seconds(self, work: "Work") -> float:
        """Return the time of the work."""
        return work.operations / self.products + work.nbytes / self.memory


class Work(NamedTuple):
    """What cannot be saved in a step: floating-point operations of products, and bytes that are moved."""

    operations: int
    nbytes: int


# ---- the machine --------------------------------------------------------------------------------


def measure_rates(threads: int) -> Rates:
    """Return the rates of this machine, measured in a new process with that many threads."""
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    command = [sys.executable, __file__, "--measure-rates", "--threads", str(threads)]
    done = subprocess.run(command, env={**os.environ, **dict.fromkeys(names, str(threads))}, check=True,
                          capture_output=True, text=True)
    return Rates(*json.loads(done.stdout))


def product_rate(sizes: tuple[int, ...] = (512, 1024, 2048), seconds: float = 1.0) -> float:
    """Return the most floating-point operations per second of `np.matmul` on float32."""
    rates = []
    for n in sizes:
        a, b, out = (np.ones((n, n), "float32") for _ in range(3))
        rates.append(2 * n**3 / _best(lambda a=a, b=b, out=out: np.matmul(a, b, out=out), seconds))
    return max(rates)


def memory_rate(threads: int, mib: int = 256, seconds: float = 1.0) -> float:
    """Return the most bytes per second that a large copy, or a large sum of two arrays, reads and writes."""
    count = mib * MIB // 4
    a, b, c = (np.ones(count, "float32") for _ in range(3))
    rates = []
    for pieces in {1, threads}:  # one thread may do as well as all, or better on a busy machine
        edges = [count * n // pieces for n in range(pieces + 1)]
        parts = [slice(i, j) for i, j in zip(edges, edges[1:])]
        with ThreadPoolExecutor(pieces) as pool:
            copy = _best(lambda: list(pool.map(lambda p: np.copyto(a[p], b[p]), parts)), seconds)  # noqa: B023
            add = _best(lambda: list(pool.map(lambda p: np.add(b[p], c[p], out=a[p]), parts)), seconds)  # noqa: B023
        rates += [2 * a.nbytes / copy, 3 * a.nbytes / add]
    return max(rates)


def _best(run: Callable[[], Any], seconds: float) -> float:
    """The shortest time of a call, over many calls in about so many seconds."""
    run()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return min(times)


# ---- the work -----------------------------------------------------------------------------------


def step_program(workload: Workload) -> Program:
    """Return what a training step of a workload does, before it is made fast."""
    model, x, y, size = workload
    model.train_on_batch(x[:size], y[:size])  # so that everything is built
    program, _ = trace(model.train_step, ((to_tensor(x[:size]), to_tensor(y[:size])),), {})
    return remove_dead_code(share_common_subexpressions(program))


def work_of(program: Program) -> Work:
    """Return the work of a program."""
    products = [(i, product_operations(program, i)) for i in program.instructions]
    values = [*program.inputs, *(v for _, v in program.variables), *(v for _, v in program.updates)]
    values += 2 * [o for i, operations in products if operations for o in i.outputs]
    nbytes = sum(program.specs[v].size * program.specs[v].dtype.itemsize for v in values)
    return Work(sum(operations for _, operations in products), nbytes)


def product_operations(program: Program, i: Instruction) -> int:
    """Return the floating-point operations of an instruction that multiplies matrices, 0 for any other."""
    ins, outs = [program.specs[v] for v in i.inputs], [program.specs[v] for v in i.outputs]
    name = i.card.name
    if name == "matmul":
        return 2 * outs[0].size * ins[0].shape[-1]
    if name == "einsum":
        terms = i.params["subscripts"].partition("->")[0].split(",")
        lengths = {c: n for term, spec in zip(terms, ins, strict=True) for c, n in zip(term, spec.shape, strict=True)}
        return 2 * math.prod(lengths.values())
    if name in ("conv", "conv_input_grad", "conv_weight_grad"):
        # At each position of the forward result, a multiplication for every tap of every filter.
        filters = outs[0] if name == "conv_weight_grad" else ins[1]
        image = {"conv": outs[0], "conv_input_grad": ins[0], "conv_weight_grad": ins[1]}[name]
        return 2 * image.size * math.prod(filters.shape[:-1])
    if name in _RECURRENCES:
        # A product with the recurrent weights a step; backwards two, by the state and by the weights.
        weights, steps = ins[_RECURRENCES[name]], ins[0].shape[0] * ins[0].shape[1]
        return 2 * steps * weights.size * (2 if name.endswith("_grad") else 1)
    # A scan costs all its steps, another loop one step, a switch its dearest branch.
    bodies = [sum(product_operations(p, inner) for inner in p.instructions) for p in programs_of(i)]
    return max(bodies, default=0) * i.params.get("length", 1)


# Where the recurrent weights stand among the inputs.
_RECURRENCES = {"lstm": 3, "lstm_grad": 5, "gru": 2, "gru_grad": 4}


def floor_of(name: str) -> Work:
    """Return the work of a training step of a workload."""
    keras.utils.set_random_seed(0)
    return work_of(step_program(WORKLOADS[name](keras)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--measure-rates", action="store_true", help="measure in this process; print JSON")
    arguments = parser.parse_args()
    if arguments.measure_rates:
        print(json.dumps([product_rate(), memory_rate(arguments.threads)]))
        return
    found = {n: measure_rates(n) for n in sorted({1, arguments.threads})}
    for n, rates in found.items():
        print(f"{n} thread(s): products {rates.products / 1e9:.0f} GFLOP/s, memory {rates.memory / 1e9:.1f} GB/s")
    for name in arguments.workloads:
        work = floor_of(name)
        floors = ", ".join(f"{1e3 * rates.seconds(work):.3f} ms on {n}" for n, rates in found.items())
        print(f"{name}: {work.operations / 1e9:.3f} GFLOP, {work.nbytes / 1e6:.2f} MB; floor {floors} thread(s)")


if __name__ == "__main__":
    main()
