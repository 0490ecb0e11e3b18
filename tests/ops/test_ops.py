"""Every row of the op table through every check; and every op and op card has a row."""

from pathlib import Path

import pytest

from kerasish import ops
from kerasish.core.op import CARDS
from kerasish.core.tensor import OPS
from tests.ops import harness

CASES = harness.collect()
ROOT = Path(__file__).parents[2]


def rows(keep=lambda case: True):
    """Parametrize a test by the rows that pass a filter."""
    return pytest.mark.parametrize("name", [name for name, case in CASES.items() if keep(case)])


def rows_and_dtypes(keep=lambda case, dtype: True):
    """Parametrize a test by rows and the dtypes that each runs in."""
    pairs = [(name, dtype) for name, case in CASES.items() for dtype in harness.dtypes_of(case) if keep(case, dtype)]
    return pytest.mark.parametrize(("name", "dtype"), pairs)


def has_gradient(case):
    return "float64" in case.dtypes and harness.Scalar(case, "float64", None).positions


def takes_arrays(case):
    return bool(harness.arrays_of(case.arguments()))


runners = pytest.mark.parametrize("runner", harness.RUNNERS)


@runners
@rows_and_dtypes()
def test_forward(name, dtype, runner):
    case = CASES[name]
    harness.check_forward(case, case.arguments(), dtype, harness.RUNNERS[runner])


@runners
@rows(takes_arrays)
def test_noncontiguous(name, runner):
    case = CASES[name]
    arguments = harness.reshaped(harness.as_dtype(case.arguments(), case.dtypes[0]), harness.strided)
    harness.check_forward(case, arguments, case.dtypes[0], harness.RUNNERS[runner])


@runners
@pytest.mark.parametrize("change", [harness.without_elements, harness.without_axes])
@rows(lambda case: case.elementwise)
def test_empty_and_zero_dimensional(name, change, runner):
    case = CASES[name]
    arguments = harness.reshaped(case.arguments(), change)
    harness.check_forward(case, arguments, case.dtypes[0], harness.RUNNERS[runner])


@runners
@rows(has_gradient)
def test_gradient(name, runner):
    harness.check_gradient(harness.Scalar(CASES[name], "float64", harness.RUNNERS[runner]))


@runners
@rows(lambda case: has_gradient(case) and case.second)
def test_second_gradient(name, runner):
    harness.check_gradient(harness.Slope(CASES[name], "float64", harness.RUNNERS[runner]))


@runners
@rows_and_dtypes(lambda case, dtype: dtype != "float64" and has_gradient(case))
def test_gradient_dtype(name, dtype, runner):
    harness.check_gradient_dtype(CASES[name], dtype, harness.RUNNERS[runner])


@rows(lambda case: case.symbolic and takes_arrays(case))
def test_symbolic(name):
    harness.check_symbolic(CASES[name], lambda arrays: [x.shape for x in arrays])


@rows(lambda case: case.symbolic and case.dynamic and takes_arrays(case))
def test_symbolic_unknown_batch(name):
    harness.check_symbolic(CASES[name], harness.unknown_first)


@rows(lambda case: case.symbolic and case.dynamic and case.elementwise)
def test_symbolic_unknown_shape(name):
    harness.check_symbolic(CASES[name], harness.unknown_all)


# ---- Completeness: `ELSEWHERE` of a family file names the test file of an op that a row cannot check -----

ELSEWHERE = {name: file for family in harness.families() for name, file in getattr(family, "ELSEWHERE", {}).items()}


def test_every_public_op_has_a_row():
    covered = {harness.find(case.op) for case in CASES.values()} | {harness.find(name) for name in ELSEWHERE}
    missing = [name for name in OPS if getattr(ops, name, None) is not None
               and getattr(ops, name) not in covered]
    assert not missing, f"public ops without a row in tests/ops/cases_*.py: {sorted(missing)}"


def test_ops_tested_elsewhere_are():
    untested = [name for name, file in ELSEWHERE.items()
                if f"{name.rpartition('.')[2]}(" not in (ROOT / file).read_text()]
    assert not untested, f"ops that the files named for them in ELSEWHERE do not call: {untested}"


def test_every_card_is_reached():
    reached = set().union(*[harness.cards_reached(case) for case in CASES.values()])
    elsewhere = {name for family in harness.families() for name in getattr(family, "CARDS_ELSEWHERE", ())}
    missing = [name for name in CARDS if name not in reached | elsewhere]
    assert not missing, f"op cards that no row reaches: {sorted(missing)}"
