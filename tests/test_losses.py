"""Losses: golden numbers, a contract every loss keeps, reductions, and errors."""

import inspect
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent / "golden"))

from golden_io import assert_close, cotangent, load  # noqa: E402

from kerasish import losses, ops  # noqa: E402
from kerasish.autodiff.tape import GradientTape  # noqa: E402
from kerasish.core.dispatch import to_tensor  # noqa: E402
from kerasish.core.symbolic import compute_output_spec  # noqa: E402
from kerasish.layers.core.input_layer import Input  # noqa: E402
from kerasish.losses.reduction import REDUCTIONS  # noqa: E402
from kerasish.utils.registry import CustomObjectScope, builtins_in  # noqa: E402

GOLDEN = [r for r in load("losses") if hasattr(losses, r.get("class") or r["function"])]
RNG = np.random.default_rng(0)
REAL = RNG.uniform(0.1, 0.9, (4, 3)).astype("float32")
PROBS = REAL / REAL.sum(-1, keepdims=True)
ONE_HOT = np.eye(3, dtype="float32")[[0, 2, 1, 1]]
CLASSES = np.array([0, 2, 1, 1], "int32")
BITS = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 1], [1, 1, 1]], "int32")
UNIT = REAL / np.linalg.norm(REAL, axis=-1, keepdims=True)

# Every loss with arguments that differ from the defaults, and data.
CONTRACT = {
    "BinaryCrossentropy": (dict(from_logits=True, label_smoothing=0.1, axis=1), BITS, REAL),
    "BinaryFocalCrossentropy": (dict(apply_class_balancing=True, alpha=0.3, gamma=1.0), BITS, REAL),
    "CTC": ({}, np.array([[1, 2], [1, 1], [2, 0], [0, 0]]), RNG.normal(size=(4, 5, 3)).astype("float32")),
    "CategoricalCrossentropy": (dict(from_logits=True, label_smoothing=0.2, axis=1), ONE_HOT, REAL),
    "CategoricalFocalCrossentropy": (dict(alpha=0.5, gamma=1.5, label_smoothing=0.1), ONE_HOT, PROBS),
    "CategoricalGeneralizedCrossEntropy": (dict(q=0.7), CLASSES, PROBS),
    "CategoricalHinge": ({}, ONE_HOT, REAL),
    "Circle": (dict(gamma=4.0, margin=0.3, remove_diagonal=False), CLASSES, UNIT),
    "CosineSimilarity": (dict(axis=1), BITS, REAL),
    "Dice": (dict(axis=[1]), BITS, REAL),
    "Hinge": ({}, BITS, REAL),
    "Huber": (dict(delta=0.4), ONE_HOT, REAL),
    "KLDivergence": ({}, ONE_HOT, PROBS),
    "LogCosh": ({}, ONE_HOT, REAL),
    "LossFunctionWrapper": (dict(fn=losses.huber, delta=0.3), ONE_HOT, REAL),
    "MeanAbsoluteError": ({}, ONE_HOT, REAL),
    "MeanAbsolutePercentageError": ({}, PROBS, REAL),
    "MeanSquaredError": ({}, ONE_HOT, REAL),
    "MeanSquaredLogarithmicError": ({}, ONE_HOT, REAL),
    "Poisson": ({}, ONE_HOT, REAL),
    "SparseCategoricalCrossentropy": (dict(from_logits=True, ignore_class=1, axis=1), CLASSES, REAL),
    "SquaredHinge": ({}, BITS, REAL),
    "Tversky": (dict(alpha=0.3, beta=0.6, axis=[1]), BITS, REAL),
}


def make(which, **changes):
    return getattr(losses, which)(**{**CONTRACT[which][0], **changes})


def test_every_exported_class_has_a_row():
    exported = {n for n, obj in builtins_in("keras.losses").items() if inspect.isclass(obj)}
    assert exported - {"Loss"} == set(CONTRACT)


@pytest.mark.parametrize("row", GOLDEN, ids=lambda r: r["name"])
def test_golden(row):
    y_pred = to_tensor(row["y_pred"])
    if "class" in row:
        loss = getattr(losses, row["class"])(**row["kwargs"])
        assert row["config"].items() <= loss.get_config().items()  # ours also holds what Keras forgets
        if row["mask"] is not None:
            y_pred._keras_mask = to_tensor(row["mask"])
    with GradientTape() as tape:
        tape.watch(y_pred)
        if "class" in row:
            out = loss(row["y_true"], y_pred, sample_weight=row["sample_weight"])
        else:
            out = getattr(losses, row["function"])(row["y_true"], y_pred, **row["kwargs"])
        total = ops.sum(out * cotangent(out.shape))
    assert_close(out, row["out"], what="loss")
    assert_close(tape.gradient(total, y_pred), row["grad"], what="gradient")


@pytest.mark.parametrize("name", CONTRACT)
def test_config_round_trip(name):
    kwargs, y_true, y_pred = CONTRACT[name]
    loss = make(name, reduction="sum", name="mine")
    config = losses.serialize(loss)
    again = losses.deserialize(config)
    assert type(again) is type(loss) and losses.serialize(again) == config
    assert config["config"]["reduction"] == "sum" and again.name == "mine"
    assert set(kwargs) <= set(config["config"])
    assert float(again(y_true, y_pred)) == float(loss(y_true, y_pred))
    assert losses.get(config).name == "mine"


@pytest.mark.parametrize("name", CONTRACT)
def test_symbolic_call_gives_shape_and_dtype(name):
    _, y_true, y_pred = CONTRACT[name]
    for reduction in ("sum_over_batch_size", "none"):
        loss = make(name, reduction=reduction)
        expected = loss(y_true, y_pred)
        inputs = [Input(shape=a.shape[1:], dtype=a.dtype) for a in (y_true, y_pred)]
        shape = (None, *expected.shape[1:]) if expected.shape else ()
        for out in (loss(*inputs), compute_output_spec(loss, *inputs)):
            assert (out.shape, out.dtype) == (shape, "float32")


@pytest.mark.parametrize("name", CONTRACT)
def test_weights_and_masks(name):
    _, y_true, y_pred = CONTRACT[name]
    plain = np.asarray(make(name, reduction="none")(y_true, y_pred))
    weights = np.array([0.5, 2, 0, 1], "float32")
    weighted = make(name, reduction="none")(y_true, y_pred, sample_weight=weights)
    np.testing.assert_allclose(weighted, plain * weights, rtol=1e-6)
    masked = to_tensor(y_pred)
    masked._keras_mask = to_tensor([True, True, False, True])
    np.testing.assert_allclose(make(name, reduction="sum")(y_true, masked), plain[[0, 1, 3]].sum(), rtol=1e-5)


@pytest.mark.parametrize("name", CONTRACT)
def test_a_scalar_and_a_gradient_for_every_reduction(name):
    _, y_true, y_pred = CONTRACT[name]
    for reduction in REDUCTIONS[:4]:
        x = to_tensor(y_pred)
        with GradientTape() as tape:
            tape.watch(x)
            out = make(name, reduction=reduction)(y_true, x)
        assert out.shape == () and out.dtype == "float32"
        assert np.isfinite(tape.gradient(out, x).numpy()).all()


@pytest.mark.parametrize("name", CONTRACT)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(name, dtype):
    _, y_true, y_pred = CONTRACT[name]
    out = make(name, dtype=dtype)(y_true, y_pred)
    assert out.dtype == dtype
    assert float(out) == pytest.approx(float(make(name)(y_true, y_pred)), rel=0.1, abs=0.05)


@pytest.mark.parametrize("name", sorted(set(CONTRACT) - {"LossFunctionWrapper"}))
def test_mismatched_shapes_are_named(name):
    _, y_true, y_pred = CONTRACT[name]
    with pytest.raises(ValueError, match=r"y_true and y_pred must have .*got y_true of shape \(5,.*\(4, "):
        make(name)(np.concatenate([y_true, y_true[:1]]), y_pred)


@given(st.sampled_from(REDUCTIONS), st.integers(1, 5), st.integers(1, 4), st.booleans(), st.booleans(), st.booleans(),
       st.integers(0, 99))
def test_reductions(reduction, batch, length, weighted, per_sample, masked, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(batch, length)).astype("float32")
    shape = (batch,) if per_sample else values.shape
    weights = rng.uniform(0.1, 2, shape).astype("float32") if weighted else None
    mask = rng.uniform(size=values.shape) < 0.7 if masked else None

    class Given(losses.Loss):
        def call(self, y_true, y_pred):
            return y_pred

    y_pred = to_tensor(values)
    if masked:
        y_pred._keras_mask = to_tensor(mask)
    out = np.asarray(Given(reduction=reduction)(values, y_pred, sample_weight=weights))

    full = np.ones_like(values)
    if weighted:
        full *= weights[:, None] if per_sample else weights
    count = values.size
    if masked:
        full = full * mask
        count = mask.sum() if reduction in ("mean", "sum_over_batch_size") else count
    products = full * values
    if reduction in (None, "none"):
        expected = products
    elif reduction == "sum":
        expected = products.sum()
    elif reduction == "mean_with_sample_weight" and (weighted or masked):
        # Keras's rule: the divisor is the sum of the weights as they were given.
        divisor = weights.sum() if weighted and not masked else full.sum()
        expected = products.sum() / divisor if divisor else 0.0
    else:
        expected = products.sum() / count if count else 0.0
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_mean_of_nothing_is_zero():
    out = losses.MeanSquaredError()(np.zeros((0, 2, 3)), np.zeros((0, 2, 3)))
    assert float(out) == 0


@pytest.mark.parametrize("identifier", [5, -1, 3])
def test_labels_outside_the_classes_are_refused_at_once(identifier):
    labels = np.array([0, identifier, 1, 2])
    with pytest.raises(ValueError, match=rf"label {identifier}, but y_pred has 3 classes, numbered from 0 to 2") as e:
        losses.SparseCategoricalCrossentropy()(labels, PROBS)
    assert "ignore_class" in str(e.value)
    ignoring = losses.SparseCategoricalCrossentropy(ignore_class=identifier, reduction="sum")
    expected = losses.SparseCategoricalCrossentropy(reduction="sum")(labels[[0, 2, 3]], PROBS[[0, 2, 3]])
    assert float(ignoring(labels, PROBS)) == pytest.approx(float(expected), rel=1e-6)


def test_ignored_class_carries_a_mask_and_no_gradient():
    x = to_tensor(REAL)
    with GradientTape() as tape:
        tape.watch(x)
        out = losses.sparse_categorical_crossentropy([0, -1, 1, 2], x, ignore_class=-1)
    assert out._keras_mask.tolist() == [True, False, True, True]
    assert np.abs(tape.gradient(out, x).numpy()[1]).max() == 0


def test_large_classes_survive_half_precision():
    y_pred = np.full((1, 5000), -20, "float32")
    y_pred[0, 4097] = 20
    function = losses.sparse_categorical_crossentropy
    for loss in (losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float16"),
                 losses.LossFunctionWrapper(function, dtype="float16", from_logits=True)):
        assert float(loss(np.array([4097]), y_pred)) == 0


def test_circle_of_rows_without_a_partner_has_no_loss_and_no_nan():
    x = to_tensor(UNIT)
    with GradientTape() as tape:
        tape.watch(x)
        out = losses.Circle()(np.array([0, 1, 2, 3]), x)
    assert float(out) == 0 and not np.isnan(tape.gradient(out, x).numpy()).any()


@pytest.mark.parametrize("labels", [[1, 2], [1, 1], [2, 0], [0, 0]])
def test_ctc_is_the_probability_of_all_alignments(labels):
    logits = RNG.normal(size=(4, 3))
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        merged = [c for c, before in zip(path, (0, *path)) if c != before or c == 0]
        if [c for c in merged if c] == [c for c in labels if c]:
            total += np.prod(p[range(4), path])
    assert float(losses.ctc(np.array([labels]), logits[None])[0]) == pytest.approx(-np.log(total), rel=1e-5)


def test_ctc_of_a_blank_among_the_labels_is_kerass():
    logits = np.arange(-12, 0, dtype="float32").reshape(1, 4, 3) / 100
    assert float(losses.ctc(np.array([[1, 2, 0, 2]]), logits)[0]) == pytest.approx(2.45436, rel=1e-5)


def test_a_hint_for_integer_classes_given_to_the_dense_loss():
    with pytest.raises(ValueError, match="use sparse_categorical_crossentropy"):
        losses.CategoricalCrossentropy()(CLASSES, PROBS)
    with pytest.raises(ValueError, match="use categorical_crossentropy"):
        losses.SparseCategoricalCrossentropy()(ONE_HOT, PROBS)


def test_one_class_is_warned_of():
    with pytest.warns(SyntaxWarning, match="one class only"):
        losses.categorical_crossentropy(np.ones((2, 1)), np.ones((2, 1)))


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"sample_weight .*shape \(3,\) does not fit losses of shape \(4,\)"):
        losses.MeanSquaredError()(ONE_HOT, REAL, sample_weight=np.ones(3))


def test_invalid_arguments():
    for build, message in (
        (lambda: losses.MeanSquaredError(reduction="average"), "Invalid value for argument `reduction`"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.0), "`q` must lie between 0 and 1"),
        (lambda: losses.categorical_crossentropy(ONE_HOT, PROBS, axis=True), "`axis` must be an int"),
        (lambda: losses.SparseCategoricalCrossentropy(axis=2)(CLASSES, PROBS), "no axis 2"),
    ):
        with pytest.raises(ValueError, match=message):
            build()
    with pytest.raises(NotImplementedError, match="must define call"):
        losses.Loss()(REAL, REAL)


@pytest.mark.parametrize("alias, function", [
    ("mse", "mean_squared_error"), ("MSE", "mean_squared_error"), ("mae", "mean_absolute_error"),
    ("MAPE", "mean_absolute_percentage_error"), ("msle", "mean_squared_logarithmic_error"),
    ("bce", "binary_crossentropy"), ("BCE", "binary_crossentropy"), ("kld", "kl_divergence"), ("KLD", "kl_divergence"),
])  # fmt: skip
def test_aliases(alias, function):
    assert losses.get(alias) is getattr(losses, function) is losses.get(function)


def test_get():
    assert losses.get(None) is None
    assert isinstance(losses.get("Huber"), losses.Huber)
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert losses.get({"class_name": "Huber", "config": {"delta": 2.0}}).delta == 2.0
    assert losses.get(losses.serialize(losses.huber)) is losses.huber
    with pytest.raises(ValueError, match="did you mean 'mean_squared_error'"):
        losses.get("mean_square_error")
    with pytest.raises(ValueError, match="a loss"):
        losses.get(3)


def test_wrapped_function_of_the_users_own():
    def triple(y_true, y_pred):
        return ops.mean(3 * (y_true - y_pred), axis=-1)

    loss = losses.LossFunctionWrapper(triple, name="triple")
    assert float(loss(np.ones((2, 3)), np.zeros((2, 3)))) == 3
    with CustomObjectScope({"triple": triple}):
        again = losses.deserialize(losses.serialize(loss))
    assert again.fn is triple and again.name == "triple"


def test_nested_targets_and_lists_of_numbers():
    wrapped = losses.LossFunctionWrapper(lambda t, p: ops.mean(ops.abs(t["a"] - p["a"]), axis=-1))
    assert float(wrapped({"a": np.ones(4)}, {"a": np.zeros((4, 1))})) == 1
    assert float(losses.MeanSquaredError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]])) == 0.5
    assert float(losses.MeanSquaredError()(np.ones(4), np.zeros((4, 1)))) == 1
