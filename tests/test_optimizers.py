"""Optimizers: golden numbers, state in order, plain data, what all of them share, and errors."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent / "golden"))

from golden_io import assert_close, load, objects_in  # noqa: E402

from kerasish import constraints, ops, optimizers  # noqa: E402
from kerasish.core.variable import Variable  # noqa: E402
from kerasish.optimizers import schedules  # noqa: E402
from kerasish.utils import naming  # noqa: E402
from kerasish.utils.registry import CustomObjectScope, builtins_in  # noqa: E402
from kerasish.utils.serialization import deserialize_keras_object  # noqa: E402

PROBLEM, *GOLDEN = load("optimizers")
ALL = {n: c for n, c in builtins_in("keras.optimizers").items()
       if issubclass(c, optimizers.Optimizer) and n != "Optimizer"}
RULES = [n for n in ALL if n not in ("LossScaleOptimizer", "MultiOptimizer")]
START = np.array([[0.5, -1.0], [2.0, 0.25]], "float32")
GRADIENT = np.array([[0.1, -0.4], [0.0, 3.0]], "float32")


def weight(value=START, name="w", **kwargs):
    return Variable(np.array(value, "float32"), name=name, **kwargs)


def steps(optimizer, variables, count=1, gradient=GRADIENT):
    for _ in range(count):
        optimizer.apply([ops.convert_to_tensor(gradient) for _ in variables], variables)
    return variables[0].numpy()


def from_row(row):
    naming.reset()
    optimizer = ALL[row["class"]](**objects_in(row["kwargs"], deserialize_keras_object))
    variables = [Variable(value, name=name) for name, value in PROBLEM["start"].items()]
    optimizer.build(variables)
    return optimizer, variables


def gradients_of(row, number, optimizer):
    grads = list(PROBLEM["gradients"][number].values())
    if row["class"] == "LossScaleOptimizer":
        scale = np.float32(np.asarray(optimizer.scale_loss(np.float32(1))))
        grads = [np.full_like(g, np.inf) if number == row["overflow_step"] else g * scale for g in grads]
    return [ops.convert_to_tensor(g) for g in grads]


# ---- against Keras -------------------------------------------------------------------------------


def test_every_optimizer_has_golden_rows():
    assert set(ALL) == {r["class"] for r in GOLDEN} | {"MultiOptimizer"}  # which only hands on, see below


@pytest.mark.parametrize("row", GOLDEN, ids=[r["name"] for r in GOLDEN])
def test_steps_state_and_config_as_in_keras(row):
    optimizer, variables = from_row(row)
    for number, expected in enumerate(row["values"]):
        optimizer.apply(gradients_of(row, number, optimizer))
        for v, e in zip(variables, expected, strict=True):
            assert_close(v.numpy(), e, 1e-5, f"step {number}, {v.name}")
    assert [(v.path, v.name) for v in optimizer.variables] == [(e["path"], e["name"]) for e in row["variables"]]
    for v, e in zip(optimizer.variables, row["variables"], strict=True):
        # Keras takes `1 - beta` of a rounded beta in these two, so that its means are off by 1.3e-5.
        rounded = row["class"] in ("Nadam", "ScheduleFreeAdamW")
        assert_close(v.numpy(), e["value"], 2e-5 if rounded else 1e-5, v.path)
    assert_close(np.asarray(optimizer.learning_rate), row["learning_rate"])
    assert optimizer.get_config() == row["config"]
    if "finalized" in row:
        optimizer.finalize_variable_values(variables)
        for v, e in zip(variables, row["finalized"], strict=True):
            assert_close(v.numpy(), e, 1e-5, v.name)


@pytest.mark.parametrize("row", GOLDEN, ids=[r["name"] for r in GOLDEN])
def test_stateless_steps_are_the_same_and_change_nothing(row):
    optimizer, variables = from_row(row)
    other, others = from_row(row)
    state, values = [v.value for v in optimizer.variables], [v.value for v in variables]
    for number in range(len(row["values"])):
        grads = gradients_of(row, number, other)
        values, state = optimizer.stateless_apply(state, grads, values)
        other.apply(grads)
    for v, start in zip(variables, PROBLEM["start"].values(), strict=True):
        np.testing.assert_array_equal(v.numpy(), start)
    for value, v in zip([*values, *state], [*others, *other.variables], strict=True):
        np.testing.assert_array_equal(np.asarray(value), v.numpy(), err_msg=v.path)


# ---- names and plain data --------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_got_by_name_in_any_case(name):
    for spelling in (name, name.lower(), name.upper()):
        assert type(optimizers.get(spelling)) is ALL[name]


def test_get_takes_optimizers_configs_and_none():
    adam = optimizers.Adam(0.5)
    assert optimizers.get(adam) is adam and optimizers.get(None) is None
    assert float(optimizers.get(optimizers.serialize(adam)).learning_rate) == 0.5
    assert float(optimizers.get({"class_name": "SGD", "config": {"learning_rate": 0.25}}).learning_rate) == 0.25


@pytest.mark.parametrize("wrong", ["adma", "", 3, optimizers.Adam])
def test_get_says_what_is_known(wrong):
    with pytest.raises(ValueError, match="as an optimizer.*one of the names adadelta, ") as error:
        optimizers.get(wrong)
    assert ("did you mean 'adamax' or 'adam'" in str(error.value)) == (wrong == "adma")


def test_custom_optimizers_by_name():
    class Mine(optimizers.SGD):
        pass

    config = optimizers.serialize(Mine(0.1))
    assert isinstance(optimizers.deserialize(config, {"Mine": Mine}), Mine)
    with CustomObjectScope({"Mine": Mine}):
        assert isinstance(optimizers.get("Mine"), Mine)


@pytest.mark.parametrize("row", GOLDEN, ids=[r["name"] for r in GOLDEN])
def test_round_trip(row):
    optimizer, _ = from_row(row)
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is type(optimizer) and again.get_config() == optimizer.get_config()


# ---- learning rate -------------------------------------------------------------------------------


def test_learning_rate_can_be_set():
    optimizer, v = optimizers.SGD(1.0), weight()
    optimizer.learning_rate = 0.5
    assert_close(steps(optimizer, [v]), START - 0.5 * GRADIENT)
    optimizer.learning_rate.assign(0.25)
    assert_close(steps(optimizer, [v]), START - 0.75 * GRADIENT)


def test_learning_rate_from_a_schedule_and_from_a_function():
    optimizer, v = optimizers.SGD(schedules.PiecewiseConstantDecay([0], [1.0, 0.5])), weight()
    assert_close(steps(optimizer, [v], 2), START - 1.5 * GRADIENT)
    with pytest.raises(TypeError, match="follows a LearningRateSchedule and cannot be set"):
        optimizer.learning_rate = 0.1
    rates, u = [0.5, 2.0], weight()
    assert_close(steps(optimizers.SGD(lambda: rates.pop()), [u], 2), START - 2.5 * GRADIENT)


def test_learning_rate_changes_its_kind():
    optimizer, v = optimizers.SGD(1.0), weight()
    steps(optimizer, [v])
    optimizer.learning_rate = schedules.ExponentialDecay(0.5, 1, 0.5)
    assert_close(steps(optimizer, [v]), START - 1.25 * GRADIENT)
    assert [u.name for u in optimizer.variables] == ["iteration"]
    fixed = optimizers.SGD(lambda: 0.5)
    fixed.learning_rate = 2.0
    assert [u.name for u in fixed.variables] == ["iteration", "learning_rate"]
    assert float(fixed.learning_rate) == 2.0


@pytest.mark.parametrize("wrong", ["fast", None, [0.1, 0.2], True])
def test_learning_rate_must_be_one(wrong):
    with pytest.raises(ValueError, match="`learning_rate` must be a number, a LearningRateSchedule or a function"):
        optimizers.SGD(wrong)


# ---- two steps: gradients, then their application --------------------------------------------------


def test_a_mask_between_gradients_and_apply():
    optimizer, v = optimizers.SGD(0.5), weight()
    (g,) = optimizer.compute_gradients(lambda: ops.sum(ops.square(v)), [v])
    assert_close(np.asarray(g), 2 * START)
    mask = np.array([[1, 0], [0, 1]], "float32")
    optimizer.apply([ops.multiply(g, mask)], [v])
    assert_close(v.numpy(), START - mask * START)


@pytest.mark.parametrize("make", [lambda: optimizers.SGD(0.5, loss_scale_factor=4.0),
                                  lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.5), 4.0)])
def test_scaled_losses_give_scaled_gradients_and_plain_steps(make):
    optimizer, v = make(), weight()
    optimizer.build([v])
    (g,) = optimizer.compute_gradients(lambda: ops.sum(ops.square(v)), [v])
    assert_close(np.asarray(g), 8 * START)
    optimizer.apply([g], [v])
    assert_close(v.numpy(), 0 * START)


def test_a_loss_without_its_tape_has_no_gradients():
    with pytest.raises(ValueError, match="needs a function that returns the loss, or a loss and its tape"):
        optimizers.SGD().compute_gradients(ops.sum(weight()), [weight()])


@pytest.mark.parametrize("name", RULES)
def test_variables_that_are_not_trainable_stay(name):
    optimizer, v, frozen = ALL[name](0.1), weight(), weight(name="frozen")
    optimizer.build([v, frozen])
    frozen.trainable = False
    grads = optimizer.compute_gradients(lambda: ops.sum(ops.square(v)) + ops.sum(ops.square(frozen)), [v, frozen])
    assert grads[1] is None
    with pytest.warns(UserWarning, match=r"does not depend on the variables \['frozen'\]: they stay"):
        optimizer.apply(grads, [v, frozen])
    optimizer.apply(grads[:1], [v])
    np.testing.assert_array_equal(frozen.numpy(), START)
    assert (v.numpy() != START).all()


def test_apply_gradients_takes_pairs_and_counts():
    optimizer, v = optimizers.SGD(1.0), weight()
    assert int(optimizer.apply_gradients([(GRADIENT, v)])) == 1
    assert_close(v.numpy(), START - GRADIENT)
    optimizer.apply([])
    assert int(optimizer.iterations) == 1


def test_apply_says_what_does_not_fit():
    optimizer, v = optimizers.SGD(), weight()
    with pytest.raises(ValueError, match="first apply.. of an optimizer needs `trainable_variables`"):
        optimizer.apply([GRADIENT])
    optimizer.build([v])
    with pytest.raises(ValueError, match="2 gradients for 1 variables"):
        optimizer.apply([GRADIENT, GRADIENT])
    with pytest.raises(ValueError, match=r"not built with the variables \['other'\]"):
        optimizer.apply([GRADIENT], [weight(name="other")])
    with pytest.raises(ValueError, match=r"No gradients provided .*depends on none of \['w'"):
        optimizer.apply([None])
    with pytest.raises(ValueError, match="has 2 variables, got 0 values"):
        optimizer.stateless_apply([], [GRADIENT], [START])
    with pytest.raises(ValueError, match="built with 1 trainable variables, got 0 values"):
        optimizer.stateless_apply([0, 0.1], [], [])
    with pytest.raises(ValueError, match="build the optimizer before"):
        optimizers.SGD().stateless_apply([], [], [])


# ---- clipping, decay, averages, accumulation ---------------------------------------------------------

NUMBERS = st.lists(st.floats(-10, 10, width=32), min_size=4, max_size=4)


@settings(max_examples=40)
@given(NUMBERS, NUMBERS, st.floats(0.125, 5, width=32))
def test_clipping(first, second, limit):
    grads = [np.array(first, "float32"), np.array(second, "float32")]

    def stepped(**kwargs):
        variables = [weight(np.zeros(4)), weight(np.zeros(4))]
        optimizers.SGD(1.0, **kwargs).apply(grads, variables)
        return [-v.numpy() for v in variables]

    for out, g in zip(stepped(clipvalue=limit), grads, strict=True):
        np.testing.assert_allclose(out, np.clip(g, -limit, limit))
    for out, g in zip(stepped(clipnorm=limit), grads, strict=True):
        np.testing.assert_allclose(out, g * min(1, limit / max(np.linalg.norm(g), 1e-9)), rtol=1e-5, atol=1e-6)
    norm = np.sqrt(sum((g.astype(float) ** 2).sum() for g in grads))
    for out, g in zip(stepped(global_clipnorm=limit), grads, strict=True):
        np.testing.assert_allclose(out, g * min(1, limit / max(norm, 1e-9)), rtol=1e-5, atol=1e-6)


def test_a_norm_that_is_not_finite_is_not_hidden_by_clipping():
    variables = [weight(), weight()]
    optimizers.SGD(1.0, global_clipnorm=1.0).apply([GRADIENT, np.full_like(GRADIENT, np.inf)], variables)
    assert np.isnan(variables[0].numpy()).all()


@pytest.mark.parametrize("kwargs", [{"var_names": ["bias"]}, {"var_names": ["^b.*s$"]}, {"var_list": True}])
def test_weight_decay_spares_what_is_excluded(kwargs):
    optimizer, kernel, bias = optimizers.AdamW(0.5, weight_decay=0.1), weight(), weight(name="bias")
    optimizer.exclude_from_weight_decay(var_list=[kernel])  # the second call replaces this one
    optimizer.exclude_from_weight_decay(**{k: [bias] if x is True else x for k, x in kwargs.items()})
    steps(optimizer, [kernel, bias], gradient=np.zeros_like(START))
    assert_close(kernel.numpy(), START * 0.95)
    np.testing.assert_array_equal(bias.numpy(), START)
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_list=[kernel])


def test_averages_follow_the_variables_and_take_their_place():
    optimizer, v = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=3), weight()
    first = steps(optimizer, [v]).copy()
    second = steps(optimizer, [v]).copy()
    average = 0.75 * first + 0.25 * second
    assert_close(optimizer.variables[-1].numpy(), average)
    assert_close(steps(optimizer, [v]), 0.75 * average + 0.25 * (second - GRADIENT))


def test_gathered_gradients_make_one_step_of_their_mean():
    optimizer, v = optimizers.Adam(0.1, gradient_accumulation_steps=3), weight()
    plain, u = optimizers.Adam(0.1), weight()
    for number in range(6):
        before = v.numpy()
        optimizer.apply([GRADIENT * (number % 3)], [v])
        assert (v.numpy() == before).all() == (number % 3 != 2)
        assert int(optimizer.iterations) == (number + 1) // 3
    assert_close(v.numpy(), steps(plain, [u], 2))


def test_constraints_hold_after_a_step():
    v = weight()
    v.constraint = constraints.NonNeg()
    assert (steps(optimizers.SGD(0.1), [v]) >= 0).all()


@pytest.mark.parametrize("gather", [None, 2])
def test_variables_may_ask_to_be_overwritten_with_their_gradient(gather):
    optimizer, v, scale = optimizers.Adam(0.1, gradient_accumulation_steps=gather), weight(), weight(name="scale")
    scale.overwrite_with_gradient = True
    steps(optimizer, [v, scale], gather or 1)
    assert_close(scale.numpy(), np.maximum(GRADIENT, 0) if gather else GRADIENT)
    assert not any(u.name in ("scale_momentum", "scale_velocity") for u in optimizer.variables)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("name", RULES)
def test_variables_and_slots_keep_their_dtype(name, dtype):
    optimizer, v = ALL[name](0.1, clipnorm=1.0), Variable(START, dtype=dtype, name="w")
    out = steps(optimizer, [v], 2)
    assert v.dtype == dtype and np.isfinite(out.astype("float32")).all()
    single, reference = ALL[name](0.1, clipnorm=1.0), weight()
    np.testing.assert_allclose(out.astype("float32"), steps(single, [reference], 2), rtol=0.05, atol=0.05)


def test_means_in_half_precision_do_not_forget_how_many_they_gathered():
    optimizer, v = optimizers.Adam(0.1), Variable(START, dtype="bfloat16", name="w")
    moved = START - steps(optimizer, [v]).astype("float32")
    np.testing.assert_allclose(moved[GRADIENT != 0], 0.1 * np.sign(GRADIENT[GRADIENT != 0]), rtol=0.1)


# ---- wrappers ------------------------------------------------------------------------------------


def test_loss_scale_halves_at_an_overflow_and_grows_after_finite_steps():
    optimizer, v = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), 8.0, dynamic_growth_steps=2), weight()
    steps(optimizer, [v], gradient=np.full_like(START, np.nan))
    np.testing.assert_array_equal(v.numpy(), START)
    assert float(optimizer.dynamic_scale) == 4.0 and int(optimizer.iterations) == 0
    assert_close(steps(optimizer, [v], 2, 4 * GRADIENT), START - GRADIENT)
    assert float(optimizer.dynamic_scale) == 8.0 and int(optimizer.iterations) == 2
    optimizer.learning_rate = 0.25
    assert float(optimizer.inner_optimizer.learning_rate) == 0.25


def test_loss_scale_takes_only_its_own_arguments():
    assert optimizers.LossScaleOptimizer(optimizers.SGD(), ema_momentum=0.99, clipnorm=None, dynamic=True)
    for kwargs in ({"clipnorm": 1.0}, {"beta_1": 0.5}):
        with pytest.raises(ValueError, match=f"does not take .*{next(iter(kwargs))}.*on the `inner_optimizer`"):
            optimizers.LossScaleOptimizer(optimizers.SGD(), **kwargs)
    with pytest.raises(ValueError, match="no `dynamic=False`"):
        optimizers.LossScaleOptimizer(optimizers.SGD(), dynamic=False)


def several():
    chosen = optimizers.OptimizerMap(optimizers.SGD(0.5), {"enc.*": optimizers.Adam(0.1)})
    return optimizers.MultiOptimizer(chosen, name="multi")


def twice(multi):
    variables = [weight(name="encoder"), weight(name="decoder")]
    steps(multi, variables, 2)
    return [v.numpy() for v in variables]


def test_several_optimizers_each_take_their_own_variables():
    multi, variables = several(), [weight(name="encoder"), weight(name="decoder")]
    steps(multi, variables, 3)
    for v, alone in zip(variables, (optimizers.Adam(0.1), optimizers.SGD(0.5)), strict=True):
        np.testing.assert_array_equal(v.numpy(), steps(alone, [weight()], 3))
    assert [type(o).__name__ for o in multi.optimizers] == ["Adam", "SGD"]
    assert len(multi.variables) == 2 + 4 + 2 and int(multi.iterations) == 3
    with pytest.raises(AttributeError, match="has no learning rate"):
        multi.learning_rate = 0.1
    multi.loss_scale_factor = 2.0
    assert [o.loss_scale_factor for o in multi.optimizers] == [2.0, 2.0]


def test_several_optimizers_without_state_and_back_from_plain_data():
    multi, variables = several(), [weight(name="encoder"), weight(name="decoder")]
    multi.build(variables)
    values, state = multi.stateless_apply([v.value for v in multi.variables], [GRADIENT, GRADIENT], [START, START])
    steps(multi, variables)
    for v, value in zip([*variables, *multi.variables], [*values, *state], strict=True):
        np.testing.assert_array_equal(v.numpy(), np.asarray(value))
    again = optimizers.deserialize(optimizers.serialize(multi))
    assert again.get_config() == multi.get_config()
    assert_close(np.concatenate(twice(again)), np.concatenate(twice(several())))
    chosen = optimizers.MultiOptimizer(lambda v, parts={}: parts.setdefault(v.name, optimizers.SGD(0.5)))
    assert_close(steps(chosen, [weight(name="a"), weight(name="b")]), START - 0.5 * GRADIENT)
    assert len(chosen.optimizers) == 2


def test_the_map_of_optimizers_is_strict():
    chosen = optimizers.OptimizerMap(optimizers.SGD())
    chosen["a.*"] = adam = optimizers.Adam()
    chosen["ab"] = lion = optimizers.Lion()
    assert chosen["ab"] is lion and chosen["abc"] is adam and chosen["x"] is chosen.default_optimizer
    assert len(chosen) == 2 and list(chosen) == ["a.*", "ab"]
    chosen[".*b"] = lion
    with pytest.raises(ValueError, match="several keys of the optimizer map fit 'axb'"):
        chosen["axb"]
    del chosen[".*b"]
    for key, value in (("ab", lion), (3, lion), ("z", "adam"), ("z", optimizers.LossScaleOptimizer(lion)),
                       ("z", optimizers.MultiOptimizer(chosen))):
        with pytest.raises(ValueError, match="optimizer"):
            chosen[key] = value
    for arguments in (("sgd",), (lion, [lion])):
        with pytest.raises(TypeError, match="must be"):
            optimizers.OptimizerMap(*arguments)


# ---- subclasses ----------------------------------------------------------------------------------


class Heavy(optimizers.Optimizer):
    """As the documentation of Keras teaches to write one."""

    def __init__(self, learning_rate=0.1, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.seen = Variable(0.0, name="seen", trainable=False)

    def build(self, variables):
        super().build(variables)
        self._momentums = []
        for v in variables:
            self._momentums.append(self.add_variable_from_reference(reference_variable=v, name="m"))

    def update_step(self, gradient, variable, learning_rate):
        rate = ops.cast(learning_rate, variable.dtype)
        m = self._momentums[self._get_variable_index(variable)]
        self.assign(m, ops.multiply(m, 0.5))
        self.assign_add(m, gradient)
        self.assign_sub(variable, ops.multiply(m, rate))
        self.assign_add(self.seen, 1.0)


def no_decay(name):
    return {"weight_decay": 0.0, "adam_weight_decay": None} if name == "Muon" else {"weight_decay": 0.0}


def test_subclasses_as_in_keras():
    optimizer, v = Heavy(0.1, weight_decay=0.0, clipvalue=100.0), weight()
    assert_close(steps(optimizer, [v], 2), START - 0.1 * 2.5 * GRADIENT)
    assert [u.name for u in optimizer.variables] == ["iteration", "learning_rate", "seen", "w_m"]
    assert float(optimizer.seen) == 2.0


@pytest.mark.parametrize("name", RULES)
def test_a_subclass_may_change_the_learning_rate_of_a_variable(name):
    class Slow(ALL[name]):
        def update_step(self, gradient, variable, learning_rate):
            share = 0.5 if variable.name == "slow" else 1.0
            super().update_step(gradient, variable, ops.multiply(learning_rate, share))

    fast, slow, plain = weight(name="fast"), weight(name="slow"), weight()
    kwargs = no_decay(name)
    steps(Slow(0.01, **kwargs), [fast, slow])
    np.testing.assert_array_equal(fast.numpy(), steps(ALL[name](0.01, **kwargs), [plain]))
    np.testing.assert_allclose(slow.numpy(), steps(ALL[name](0.005, **kwargs), [weight()]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", RULES)
def test_a_step_by_hand_is_that_of_apply(name):
    optimizer, v = ALL[name](0.01), weight()
    optimizer.build([v])
    optimizer._backend_update_step([ops.convert_to_tensor(GRADIENT)], [v], optimizer.learning_rate)
    assert_close(v.numpy(), steps(ALL[name](0.01, **no_decay(name)), [weight()]), 1e-6)


def test_an_optimizer_must_say_its_step_and_begin_with_its_parent():
    with pytest.raises(NotImplementedError, match="Optimizer has no update_step"):
        steps(optimizers.Optimizer(0.1), [weight()])

    class Early(optimizers.SGD):
        def __init__(self):
            self.count = Variable(0.0)

    with pytest.raises(RuntimeError, match="super"):
        Early()


# ---- state ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SGD", "Adam", "Nadam", "Adafactor", "MultiOptimizer"])
def test_state_is_saved_and_loaded_by_position(name):
    def make():
        optimizer = several() if name == "MultiOptimizer" else ALL[name](0.1)
        return optimizer, [weight(name="encoder"), weight(name="decoder")]

    optimizer, variables = make()
    steps(optimizer, variables, 3)
    store = {}
    optimizer.save_own_variables(store)
    again, others = make()
    again.build(others)
    again.load_own_variables(store)
    for v, value in zip(others, variables, strict=True):
        v.assign(value)
    np.testing.assert_array_equal(steps(again, others), steps(optimizer, variables))
    third, more = make()
    third.build(more)
    third.set_weights([v.numpy() for v in again.variables])
    assert int(third.iterations) == 4


def test_state_that_does_not_fit_is_not_loaded():
    optimizer, v = optimizers.Adam(0.1), weight()
    optimizer.build([v])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.load_own_variables({})
    with pytest.warns(UserWarning, match="has 4 variables, but the file 1: its state was not loaded"):
        optimizer.load_own_variables({"0": np.array(3)})
    wrong = {"0": np.array(9), "1": np.array(0.5), "2": START, "3": START[0]}
    with pytest.raises(ValueError, match=r"'adam.*/w_velocity' has shape \(2, 2\), its value \(2,\)"):
        optimizer.load_own_variables(wrong)
    assert int(optimizer.iterations) == 0
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizers.Adam().set_weights([])


# ---- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("cls", "kwargs", "message"), [
    ("SGD", {"momentum": 2.0}, "`momentum` is a number from 0 to 1, got 2.0"),
    ("SGD", {"momentum": "high"}, "SGD: argument `momentum`"),
    ("AdamW", {"weight_decay": None}, "`weight_decay` of AdamW must be a number"),
    ("Lion", {"beta_1": 0.0}, "`beta_1` of Lion must be in"),
    ("Ftrl", {"learning_rate_power": 0.5}, "`learning_rate_power` must not be positive"),
    ("Ftrl", {"l1_regularization_strength": -1.0}, "`l1_regularization_strength` must not be negative"),
    ("Adam", {"clipnorm": 1.0, "clipvalue": 1.0}, "clips in one way, got clipnorm and clipvalue"),
    ("Adam", {"clipnorm": -1.0}, "`clipnorm` must be positive"),
    ("Adam", {"use_ema": True, "ema_momentum": 2.0}, "`ema_momentum` must be in"),
    ("Adam", {"use_ema": True, "ema_overwrite_frequency": 0}, "`ema_overwrite_frequency` must be"),
    ("Adam", {"gradient_accumulation_steps": 1}, "`gradient_accumulation_steps` must be None or an integer > 1"),
    ("Adam", {"beta_3": 0.1}, r"Unrecognized keyword arguments \['beta_3'\] of Adam"),
    ("Adam", {"decay": 0.1}, "`decay` is gone"),
])
def test_arguments_out_of_range(cls, kwargs, message):
    with pytest.raises(ValueError, match=message):
        ALL[cls](**kwargs)


def test_slots_need_an_initializer_a_name():
    with pytest.raises(ValueError, match="got 2 names, but 1 initializers"):
        optimizers.SGD().add_optimizer_variables([weight()], ["a", "b"], ["zeros"])


def test_muon_makes_all_directions_equally_long():
    muon = optimizers.Muon()
    rng = np.random.default_rng(0)
    for shape in ((6, 4), (4, 6)):
        out = np.asarray(muon.zeropower_via_newtonschulz5(rng.standard_normal(shape).astype("float32"), 10))
        singular = np.linalg.svd(out, compute_uv=False)
        assert out.shape == shape and (singular > 0.6).all() and (singular < 1.3).all()
    with pytest.raises(ValueError, match="expected a matrix"):
        muon.zeropower_via_newtonschulz5(np.ones(3, "float32"), 1)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_goes_downhill(name):
    rates = {"Adadelta": 30.0, "SGD": 0.05, "Ftrl": 0.5, "Adagrad": 0.5}
    optimizer, v = ALL[name](rates.get(name, 0.05)), weight()
    losses = []
    for _ in range(60):
        losses.append(float((v.numpy() ** 2).sum()))
        optimizer.apply(optimizer.compute_gradients(lambda: ops.sum(ops.square(v)), [v]), [v])
    assert losses[-1] < 0.5 * losses[0]
