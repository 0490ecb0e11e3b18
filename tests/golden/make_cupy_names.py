"""Write `tests/cupy_names.txt`: what CuPy's namespace holds, for the strict device of the tests.

Run where CuPy can be imported; no GPU is needed:

    pip install --target DIRECTORY --no-deps cupy-cuda13x cuda-pathfinder
    PYTHONPATH=DIRECTORY python tests/golden/make_cupy_names.py

Each line has, with tabs between: the name; its kind; the signature of a function (a default is a bare `=`);
the loops of a ufunc or reduction, written as NumPy writes `ufunc.types`; the name of a ufunc's atomic operation.
"""

import inspect
from pathlib import Path

import cupy
import cupyx
from cupy._core import _routines_logic, _routines_math, _routines_statistics
from cupy._core._kernel import ufunc
from cupy._sorting.count import _count_nonzero
from cupy._sorting.search import _where_ufunc

MODULES = {"": cupy, "linalg.": cupy.linalg, "fft.": cupy.fft, "lib.stride_tricks.": cupy.lib.stride_tricks}
# Functions whose work is done by a kernel with a table of loops.
LOOPS = {
    "sum": _routines_math._sum_keep_dtype, "prod": _routines_math._prod_keep_dtype,
    "max": _routines_statistics.amax, "min": _routines_statistics.amin,
    "any": _routines_logic.any, "all": _routines_logic.all,
    "count_nonzero": _count_nonzero, "where": _where_ufunc, "round": cupy._core.core._round_ufunc,
}  # fmt: skip


def loops(kernel):
    """The loops of a ufunc or a reduction."""
    if isinstance(kernel, ufunc):
        return " ".join(kernel.types)
    return " ".join(f"{''.join(t.char for t in op.in_types)}->{''.join(t.char for t in op.out_types)}"
                    for op in kernel._ops.ops)


def signature(function):
    """The parameters of a function; any, where it does not say."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return "*args **kwargs"
    words, keywords = [], False
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and not keywords:
            words.append("*")
            keywords = True
        keywords = keywords or p.kind is p.VAR_POSITIONAL
        stars = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        words.append(f"{stars}{p.name}{'' if p.default is p.empty else '='}")
    return " ".join(words)


def rows():
    """One row a name."""
    for prefix, module in MODULES.items():
        for name in sorted(vars(module)):
            found = getattr(module, name)
            if name.startswith("_") or inspect.ismodule(found):
                continue
            if isinstance(found, ufunc):
                yield prefix + name, "ufunc", "", loops(found), found._scatter_op or ""
            elif callable(found) and not isinstance(found, type):
                table = loops(LOOPS[name]) if not prefix and name in LOOPS else ""
                yield prefix + name, "function", signature(found), table, ""
            else:
                yield prefix + name, "type" if isinstance(found, type) else "value", "", "", ""
    for name in sorted(dir(cupy.ndarray)):
        if not name.startswith("_") or name.endswith("__"):
            yield f"ndarray.{name}", "member", "", "", ""


if __name__ == "__main__":
    lines = [f"# CuPy {cupy.__version__}, cupyx.scatter_add: {hasattr(cupyx, 'scatter_add')}"]
    lines += ["\t".join(row).rstrip() for row in rows()]
    Path(__file__).parents[1].joinpath("cupy_names.txt").write_text("\n".join(lines) + "\n")
