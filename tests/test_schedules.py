"""Learning-rate schedules: golden numbers, plain data, what each promises, and errors."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent / "golden"))

from golden_io import assert_close, load  # noqa: E402

from kerasish.core.variable import Variable  # noqa: E402
from kerasish.optimizers import schedules  # noqa: E402
from kerasish.utils.registry import builtins_in  # noqa: E402

GOLDEN = load("schedules")
STEPS = st.integers(0, 300)


def rate(schedule, step):
    return float(np.asarray(schedule(step)))


def ids(rows):
    return [r["name"] for r in rows]


def test_every_schedule_has_a_golden_row():
    names = set(builtins_in("keras.optimizers.schedules")) - {"LearningRateSchedule"}
    assert names == {r["class"] for r in GOLDEN}


@pytest.mark.parametrize("row", GOLDEN, ids=ids(GOLDEN))
def test_values_and_config_as_in_keras(row):
    schedule = getattr(schedules, row["class"])(**row["kwargs"])
    assert_close(np.array([rate(schedule, s) for s in row["steps"]], "float32"), row["values"], 1e-5)
    assert schedule.get_config() == row["config"]


@pytest.mark.parametrize("row", GOLDEN, ids=ids(GOLDEN))
def test_round_trip_and_steps_of_any_kind(row):
    schedule = getattr(schedules, row["class"])(**row["kwargs"])
    config = schedules.serialize(schedule)
    again = schedules.deserialize(config)
    assert config["module"] == "keras.optimizers.schedules" and type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    kinds = 7, 7.0, np.int64(7), np.float32(7), Variable(7, dtype="int32", trainable=False)
    assert len({rate(again, s) for s in kinds}) == 1
    assert str(np.asarray(schedule(kinds[-1])).dtype) == "float32"


def test_whole_numbers_as_rates_give_real_rates():
    assert rate(schedules.ExponentialDecay(1, 2, 0.5), 1) == pytest.approx(0.5**0.5)
    assert rate(schedules.PiecewiseConstantDecay([3], [2, 1]), 4) == 1.0
    assert str(np.asarray(schedules.PiecewiseConstantDecay([3], [2, 1])(0)).dtype) == "float32"


@given(STEPS)
def test_piecewise_takes_the_value_between_boundaries(step):
    schedule = schedules.PiecewiseConstantDecay([10, 20.5, 50], [4.0, 3.0, 2.0, 1.0])
    expected = 4.0 if step <= 10 else 3.0 if step <= 20.5 else 2.0 if step <= 50 else 1.0
    assert rate(schedule, step) == expected


def test_piecewise_without_boundaries_is_constant():
    assert rate(schedules.PiecewiseConstantDecay([], [0.3]), 12) == pytest.approx(0.3)


@given(STEPS, st.integers(1, 50))
def test_staircases_stand_still_within_a_period(step, period):
    for cls in (schedules.ExponentialDecay, schedules.InverseTimeDecay):
        schedule = cls(0.1, period, 0.7, staircase=True)
        assert rate(schedule, step) == pytest.approx(rate(schedule, step // period * period), rel=1e-5)


@given(STEPS, st.integers(1, 40), st.integers(0, 40))
def test_warm_up_rises_to_the_top_and_cosine_falls_from_it(step, decay, warmup):
    schedule = schedules.CosineDecay(0.0, decay, alpha=0.1, warmup_target=0.5, warmup_steps=warmup)
    if step < warmup:
        assert rate(schedule, step) == pytest.approx(0.5 * step / warmup, abs=1e-6)
    elif step >= warmup + decay:
        assert rate(schedule, step) == pytest.approx(0.05, abs=1e-6)
    else:
        assert rate(schedule, step) >= rate(schedule, step + 1) - 1e-6


@pytest.mark.parametrize("t_mul", [1.0, 2.0])
def test_restarts_begin_again_at_the_top(t_mul):
    schedule = schedules.CosineDecayRestarts(0.1, 8, t_mul=t_mul, m_mul=0.5)
    start, length = 0, 8
    for i in range(4):
        assert rate(schedule, start) == pytest.approx(0.1 * 0.5**i, rel=1e-4)
        assert rate(schedule, start + length - 1) < 0.02 * 0.1 * 0.5**i * 8
        start, length = int(start + length), int(length * t_mul)


@pytest.mark.parametrize("make", [
    lambda: schedules.ExponentialDecay(0.1, 0, 0.5), lambda: schedules.InverseTimeDecay(0.1, -1, 0.5),
    lambda: schedules.PolynomialDecay(0.1, 0), lambda: schedules.CosineDecay(0.1, 0),
    lambda: schedules.CosineDecayRestarts(0.1, 0)])
def test_lengths_must_be_positive(make):
    with pytest.raises(ValueError, match=r"argument `\w*decay_steps` of \w+ must be positive, got"):
        make()


def test_piecewise_arguments_must_fit():
    with pytest.raises(ValueError, match="one longer"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="must rise"):
        schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3])


def test_a_subclass_must_say_its_rate_and_config():
    class Half(schedules.LearningRateSchedule):
        pass

    with pytest.raises(NotImplementedError, match="Half must define __call__"):
        Half()(1)
    with pytest.raises(NotImplementedError, match="Half must define get_config"):
        Half().get_config()


def test_a_bare_class_name_is_a_schedule():
    again = schedules.deserialize({"class_name": "PolynomialDecay", "config": {"initial_learning_rate": 0.1,
                                                                               "decay_steps": 3}})
    assert isinstance(again, schedules.PolynomialDecay) and again.decay_steps == 3


def test_custom_schedules_by_name():
    class Constant(schedules.LearningRateSchedule):
        def __init__(self, value):
            self.value = value

        def __call__(self, step):
            return self.value

        def get_config(self):
            return {"value": self.value}

    again = schedules.deserialize(schedules.serialize(Constant(0.2)), {"Constant": Constant})
    assert isinstance(again, Constant) and again.value == 0.2
