"""Measure all workloads: `python benchmarks/run.py [--rounds 3] [--peers DIR] [--write docs/performance.md] ...`.

Every figure is the best over the rounds; in a round every contender runs once on every workload, one process at a time.
With `--peers DIR`, Keras runs the same programs on JAX and PyTorch (`DIR/torchjax/bin/python`) and on TensorFlow
(`DIR/tf/bin/python`). With `--write PAGE` the tables replace what stands between the two marks of a page, or are added
to it with the marks.
"""

import argparse
import datetime
import json
import math
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from floors import Rates, floor_of, measure_rates  # noqa: E402
from workloads import WORKLOADS  # noqa: E402

HERE = Path(__file__).parent
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


class Figure(NamedTuple):
    """A column: its name in the results, its heading, how it is written, and whether more is better."""

    key: str
    heading: str
    form: str
    more: bool


FIGURES = (
    Figure("fit_samples_s", "fit, samples/s", ",.0f", True), Figure("step_ms", "step, ms", ".3g", False),
    Figure("step_cpu_ms", "step, CPU ms", ".3g", False),
    Figure("predict_samples_s", "predict, samples/s", ",.0f", True),
    Figure("one_row_ms", "one row, ms", ".3g", False), Figure("first_step_s", "first step, s", ".3f", False),
    Figure("import_s", "import, s", ".2f", False), Figure("peak_mib", "memory, MiB", ",.0f", False),
)
COMPARED = tuple(f for f in FIGURES if f.key != "step_ms")  # which says the same as samples per second


class Contender(NamedTuple):
    """Who runs the workloads: a name, its Python, its module, its environment."""

    name: str
    python: str
    module: str
    environment: dict[str, str]


def contenders(python: str, peers: str | None) -> list[Contender]:
    """Return kerasish, and Keras on its backends if there are environments for them."""
    out = [Contender("kerasish", python, "kerasish", {"PYTHONPATH": str(HERE.parent)})]
    for backend, folder in (("jax", "torchjax"), ("torch", "torchjax"), ("tensorflow", "tf")) if peers else ():
        environment = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        out.append(Contender(f"Keras on {backend}", f"{peers}/{folder}/bin/python", "keras", environment))
    return out


def measured(who: Contender, workload: str, epochs: int, threads: int | None) -> dict[str, Any]:
    """Return the figures of one contender on one workload, from a new process."""
    command = [who.python, str(HERE / "measure.py"), who.module, workload, "--epochs", str(epochs)]
    limits = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "KERASISH_NUM_THREADS")
    environment = {**os.environ, **who.environment, **(dict.fromkeys(limits, str(threads)) if threads else {})}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{who.name} failed on {workload}: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def best(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the best of each figure over the rounds."""
    chosen = {f.key: (max if f.more else min)(r[f.key] for r in rounds) for f in FIGURES}
    return {**rounds[-1], **chosen}


# ---- tables -------------------------------------------------------------------------------------


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown, the first column to the left and numbers to the right."""
    rule = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join(["| " + " | ".join(head) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)])


def own_table(results: dict[str, dict[str, Any]], floors: dict[str, float]) -> str:
    """The figures of kerasish, with the floor of a step and how far above it a step is."""
    head = ["workload", *(f.heading for f in FIGURES), "floor, ms", "step / floor"]
    rows = []
    for name, figures in results.items():
        floor = 1e3 * floors[name]
        last = [f"{floor:.3g}", f"{figures['step_ms'] / floor:.2g}"] if floor > 0.01 else ["below 0.01", "-"]
        rows.append([name, *(format(figures[f.key], f.form) for f in FIGURES), *last])
    return table(head, rows)


def ratio_of(figure: Figure, own: dict[str, Any], others: list[dict[str, Any]]) -> float:
    """How many times better kerasish is than the best of the others."""
    peers = [o[figure.key] for o in others]
    return own[figure.key] / max(peers) if figure.more else min(peers) / own[figure.key]


def ratio_table(results: dict[str, dict[str, dict[str, Any]]]) -> str:
    """How kerasish stands beside the best of its peers, by workload and figure, with the geometric mean."""
    columns: dict[str, list[float]] = {}
    for name, by_contender in results.items():
        own, *others = by_contender.values()
        columns[name] = [ratio_of(f, own, others) for f in COMPARED]
    means = [math.prod(values) ** (1 / len(columns)) for values in zip(*columns.values(), strict=True)]
    rows = [[f.heading.partition(",")[0] + (", CPU time" if "CPU" in f.heading else ""),
             *(f"{columns[name][n]:.2f}" for name in columns), f"{means[n]:.2f}"] for n, f in enumerate(COMPARED)]
    return table(["ratio", *columns, "mean"], rows)


def peers_table(results: dict[str, dict[str, dict[str, Any]]], figure: Figure) -> str:
    """One figure of all contenders."""
    names = list(next(iter(results.values())))
    rows = [[name, *(format(results[w][name][figure.key], figure.form) for w in results)] for name in names]
    return table([figure.heading, *results], rows)


def report(results: dict[str, dict[str, dict[str, Any]]], floors: dict[str, float], rates: Rates, threads: int,
           load: float) -> str:
    """All that was measured, in Markdown; `load` is how many processes ran before."""
    who = {name: figures["versions"] for by in results.values() for name, figures in by.items()}
    lines = [f"Measured on {datetime.date.today().isoformat()}, {processor()}, {threads} thread(s), "
             f"{platform.system()}: matrix products {rates.products / 1e9:.0f} GFLOP/s, "
             f"memory {rates.memory / 1e9:.1f} GB/s; load by other processes {load:.1f}.", "",
             *(f"- {name}: {versions}" for name, versions in who.items()), "",
             own_table({w: by["kerasish"] for w, by in results.items()}, floors)]
    if len(who) > 1:
        lines += ["", "Times better than the best of its peers (above 1: kerasish is ahead):", "", ratio_table(results),
                  "", "All contenders:"]
        for figure in FIGURES:
            lines += ["", peers_table(results, figure)]
    return "\n".join(lines)


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def write_between_marks(page: Path, text: str) -> None:
    """Replace what stands between the two marks of a page; a page without marks gets a section with them."""
    before, begin, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2] if begin else "\n"
    heading = "" if begin else "\n## Figures\n\n"
    page.write_text(f"{before}{heading}{BEGIN}\n{text}\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, help="of every contender; as each pleases if left out")
    parser.add_argument("--python", default=sys.executable, help="the Python that has kerasish's dependencies")
    parser.add_argument("--peers", help="folder of Python environments with Keras")
    parser.add_argument("--write", type=Path, metavar="PAGE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep all figures")
    arguments = parser.parse_args()
    workloads, everyone = arguments.workloads.split(","), contenders(arguments.python, arguments.peers)
    threads, load = arguments.threads or os.cpu_count() or 1, os.getloadavg()[0]
    rounds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for n in range(arguments.rounds):
        for workload in workloads:
            for who in everyone:
                found = measured(who, workload, arguments.epochs, arguments.threads)
                rounds.setdefault((workload, who.name), []).append(found)
                print(f"round {n}: {workload}, {who.name}: " + ", ".join(
                    f"{f.heading} {found[f.key]:{f.form}}" for f in FIGURES), file=sys.stderr, flush=True)
    results = {w: {c.name: best(rounds[w, c.name]) for c in everyone} for w in workloads}
    rates = measure_rates(threads)
    text = report(results, {w: rates.seconds(floor_of(w)) for w in workloads}, rates, threads, load)
    print(text)
    if arguments.json:
        arguments.json.write_text(json.dumps({"results": results, "rates": rates._asdict()}, indent=1))
    if arguments.write:
        write_between_marks(arguments.write, text)


if __name__ == "__main__":
    main()
