"""Metrics: golden numbers, a contract every metric keeps, counts against brute force, and errors."""

import inspect
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent / "golden"))

from golden_io import assert_close, load  # noqa: E402

from kerasish import losses, metrics, ops  # noqa: E402
from kerasish.core.dispatch import scope, to_tensor  # noqa: E402
from kerasish.core.symbolic import KerasTensor, compute_output_spec  # noqa: E402
from kerasish.layers.base.tracking import Tracker  # noqa: E402
from kerasish.metrics.confusion_counts import COUNTS, confusion_counts, even_thresholds  # noqa: E402
from kerasish.utils import naming  # noqa: E402
from kerasish.utils.registry import CustomObjectScope, builtins_in  # noqa: E402

GOLDEN = load("metrics")
RNG = np.random.default_rng(0)
REAL = RNG.uniform(0.1, 0.9, (4, 3)).astype("float32")
OTHER = RNG.uniform(0.1, 0.9, (4, 3)).astype("float32")
PROBS = REAL / REAL.sum(-1, keepdims=True)
ONE_HOT = np.eye(3, dtype="float32")[[0, 2, 1, 1]]
CLASSES = np.array([0, 2, 1, 1], "int32")
PREDICTED = np.array([0, 1, 1, 2], "int32")
BITS = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 1], [1, 1, 1]], "int32")

# Every metric with arguments that differ from the defaults, and data.
CONTRACT = {
    "AUC": (dict(num_thresholds=20, curve="PR", summation_method="majoring", multi_label=True,
                 label_weights=[0.2, 0.3, 0.5], from_logits=True), BITS, REAL),
    "Accuracy": ({}, CLASSES, PREDICTED),
    "BinaryAccuracy": (dict(threshold=0.4), BITS, REAL),
    "BinaryCrossentropy": (dict(from_logits=True, label_smoothing=0.1), BITS, REAL),
    "BinaryIoU": (dict(target_class_ids=[1], threshold=0.4), BITS[:, 0], REAL[:, 0]),
    "CategoricalAccuracy": ({}, ONE_HOT, REAL),
    "CategoricalCrossentropy": (dict(from_logits=True, label_smoothing=0.1, axis=1), ONE_HOT, REAL),
    "CategoricalHinge": ({}, ONE_HOT, REAL),
    "ConcordanceCorrelation": (dict(axis=1), OTHER, REAL),
    "CosineSimilarity": (dict(axis=1), OTHER, REAL),
    "F1Score": (dict(average="macro", threshold=0.4), BITS, REAL),
    "FBetaScore": (dict(average="weighted", beta=2.0, threshold=0.4), BITS, REAL),
    "FalseNegatives": (dict(thresholds=[0.3, 0.6]), BITS, REAL),
    "FalsePositives": (dict(thresholds=[0.3, 0.6]), BITS, REAL),
    "Hinge": ({}, BITS * 2 - 1, REAL),
    "IoU": (dict(num_classes=3, target_class_ids=[0, 1], ignore_class=2, dtype="float32"), CLASSES, PREDICTED),
    "KLDivergence": ({}, ONE_HOT, PROBS),
    "LogCoshError": ({}, OTHER, REAL),
    "Mean": ({}, REAL),
    "MeanAbsoluteError": ({}, OTHER, REAL),
    "MeanAbsolutePercentageError": ({}, OTHER, REAL),
    "MeanIoU": (dict(num_classes=3, ignore_class=0), CLASSES, PREDICTED),
    "MeanMetricWrapper": (dict(fn=losses.huber, delta=0.3), OTHER, REAL),
    "MeanSquaredError": ({}, OTHER, REAL),
    "MeanSquaredLogarithmicError": ({}, OTHER, REAL),
    "OneHotIoU": (dict(num_classes=3, target_class_ids=[1, 2]), ONE_HOT, REAL),
    "OneHotMeanIoU": (dict(num_classes=3, sparse_y_pred=True), ONE_HOT, PREDICTED),
    "PearsonCorrelation": (dict(axis=1), OTHER, REAL),
    "Poisson": ({}, OTHER, REAL),
    "Precision": (dict(thresholds=[0.0, 0.5, 1.0], class_id=1), BITS, REAL),
    "PrecisionAtRecall": (dict(recall=0.4, num_thresholds=11, class_id=2), BITS, REAL),
    "R2Score": (dict(class_aggregation="variance_weighted_average", num_regressors=1), OTHER, REAL),
    "Recall": (dict(top_k=2), BITS, REAL),
    "RecallAtPrecision": (dict(precision=0.4, num_thresholds=1), BITS, REAL),
    "RootMeanSquaredError": ({}, OTHER, REAL),
    "SensitivityAtSpecificity": (dict(specificity=0.4, num_thresholds=11), BITS, REAL),
    "SparseCategoricalAccuracy": ({}, CLASSES, REAL),
    "SparseCategoricalCrossentropy": (dict(from_logits=True, axis=1), CLASSES, REAL),
    "SparseTopKCategoricalAccuracy": (dict(k=2, from_sorted_ids=True), CLASSES, np.argsort(-REAL).astype("int32")),
    "SpecificityAtSensitivity": (dict(sensitivity=0.4, num_thresholds=11), BITS, REAL),
    "SquaredHinge": ({}, BITS * 2 - 1, REAL),
    "Sum": ({}, REAL),
    "TopKCategoricalAccuracy": (dict(k=2), ONE_HOT, REAL),
    "TrueNegatives": (dict(thresholds=[0.3, 0.6]), BITS, REAL),
    "TruePositives": (dict(thresholds=[0.3, 0.6]), BITS, REAL),
}
MASKED = [n for n in CONTRACT if issubclass(getattr(metrics, n), metrics.MeanMetricWrapper)]


def make(which, **changes):
    return getattr(metrics, which)(**{**CONTRACT[which][0], **changes})


def data_of(which):
    return CONTRACT[which][1:]


def test_every_exported_class_has_a_row():
    exported = {n for n, obj in builtins_in("keras.metrics").items() if inspect.isclass(obj)}
    assert exported - {"Metric"} == set(CONTRACT)


@pytest.mark.parametrize("row", GOLDEN, ids=lambda r: r["name"])
def test_golden(row):
    if "function" in row:
        assert_close(getattr(metrics, row["function"])(*row["args"], **row["kwargs"]), row["out"])
        return
    naming.reset()  # so that names and paths are those of a first metric
    metric = getattr(metrics, row["class"])(**row["kwargs"])
    ours = getattr(metrics, row["class"]).from_config(row["config"]).get_config()
    for name, value in row["config"].items():
        if name != "label_weights":  # a plain list here, a tensor in Keras
            assert ours[name] == value
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* counts in int32", UserWarning)
        for update in row["updates"]:
            weights = {} if update["sample_weight"] is None else {"sample_weight": update["sample_weight"]}
            metric.update_state(*update["args"], **weights)
            assert_close(metric.result(), update["result"], what="result")
    assert [v.path for v in metric.variables] == [v["path"] for v in row["variables"]]
    for variable, expected in zip(metric.variables, row["variables"]):
        assert_close(variable, expected["value"], what=variable.path)
    metric.reset_state()
    for variable, expected in zip(metric.variables, row["after_reset"]):
        assert_close(variable, expected, what=variable.path)


@pytest.mark.parametrize("name", CONTRACT)
def test_config_round_trip(name):
    metric = make(name, name="mine")
    config = metrics.serialize(metric)
    again = metrics.deserialize(config)
    assert type(again) is type(metric) and metrics.serialize(again) == config
    assert again.name == "mine" and set(CONTRACT[name][0]) <= set(config["config"])
    np.testing.assert_array_equal(again(*data_of(name)), metric(*data_of(name)))


@pytest.mark.parametrize("name", CONTRACT)
def test_no_step_looks_at_values(name):
    """Updates and results run on shapes alone, as they do while a program is traced."""
    metric = make(name)
    expected = metric(*data_of(name))

    def step(*args):
        metric.reset_state()
        return metric(*args)

    inferred = compute_output_spec(step, *(KerasTensor((None, *a.shape[1:]), a.dtype) for a in data_of(name)))
    assert (inferred.shape, inferred.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(metric.result(), expected)  # and left the state alone


@pytest.mark.parametrize("name", CONTRACT)
def test_batches_add_up_and_reset_starts_again(name):
    whole, parts = make(name), make(name)
    expected = np.asarray(whole(*data_of(name)))
    fresh = [v.numpy() for v in make(name).variables]
    for part in (slice(0, 1), slice(1, 4)):
        parts.update_state(*(a[part] for a in data_of(name)))
    np.testing.assert_allclose(parts.result(), expected, rtol=1e-5)
    parts.reset_state()
    assert all(not v.numpy().any() for v in parts.variables) and all(not v.any() for v in fresh)
    np.testing.assert_allclose(parts(*data_of(name)), expected, rtol=1e-5)


@pytest.mark.parametrize("name", CONTRACT)
def test_weight_zero_leaves_a_sample_out(name):
    changes = {"num_regressors": 0} if name == "R2Score" else {}  # its correction counts all samples
    expected = np.asarray(make(name, **changes)(*(a[[0, 1, 3]] for a in data_of(name))))
    weighted = make(name, **changes)(*data_of(name), sample_weight=np.array([1, 1, 0, 1]))
    np.testing.assert_allclose(weighted, expected, rtol=1e-5)


@pytest.mark.parametrize("name", CONTRACT)
def test_weights_weigh(name):
    twice = np.array([0, 1, 1, 2, 2, 2, 3])
    weights = np.array([1, 2, 3, 1])
    repeated, weighted = make(name), make(name)
    repeated.update_state(*(a[twice] for a in data_of(name)))
    weighted.update_state(*data_of(name), sample_weight=weights)
    skip = {"num_samples"}  # of R2Score: how many there are, whatever their weight
    for a, b in zip(repeated.variables, weighted.variables):
        if a.name not in skip:
            np.testing.assert_allclose(a, b, rtol=1e-5, err_msg=a.path)


@pytest.mark.parametrize("name", MASKED)
def test_masked_elements_are_left_out(name):
    y_true, y_pred = data_of(name)
    expected = np.asarray(make(name)(y_true[[0, 1, 3]], y_pred[[0, 1, 3]]))
    masked = to_tensor(y_pred)
    masked._keras_mask = to_tensor([True, True, False, True])
    np.testing.assert_allclose(make(name)(y_true, masked), expected, rtol=1e-5)


@pytest.mark.parametrize("name", CONTRACT)
def test_stateless_methods_agree_and_leave_the_state_alone(name):
    metric, twin = make(name), make(name)
    metric.update_state(*data_of(name))
    twin.update_state(*data_of(name))
    before = [v.numpy() for v in metric.variables]
    state = metric.stateless_update_state([v.value for v in metric.variables], *data_of(name))
    for old, variable in zip(before, metric.variables):
        np.testing.assert_array_equal(old, variable)
    twin.update_state(*data_of(name))
    for value, variable in zip(state, twin.variables):
        np.testing.assert_allclose(value, variable)
    np.testing.assert_allclose(metric.stateless_result(state), twin.result(), rtol=1e-6)
    assert all(not np.asarray(v).any() for v in metric.stateless_reset_state())
    with pytest.raises(ValueError, match="one tensor for each of the"):
        metric.stateless_update_state([], *data_of(name))


@pytest.mark.parametrize("name", sorted(set(CONTRACT) - {"Mean", "Sum", "MeanMetricWrapper"}))
def test_mismatched_shapes_are_named(name):
    y_true, y_pred = data_of(name)
    with pytest.raises(ValueError, match=r"y_true and y_pred must have .*got y_true of shape \(5,"):
        make(name).update_state(np.concatenate([y_true, y_true[:1]]), y_pred)


class Recorder:
    def __init__(self):
        self.ops = []

    def record(self, card, inputs, params, out):
        self.ops.append(card.name)

    def touch(self, variable, value):
        pass


@pytest.mark.parametrize("weight, expected", [(None, ["add"] * 2), (32, ["multiply", "add", "add"])])
def test_mean_of_a_scalar_costs_next_to_nothing(weight, expected):
    metric, recorder, value = metrics.Mean(), Recorder(), to_tensor(1.5)
    with scope(tapes=(recorder,)):
        metric.update_state(value, sample_weight=weight)
    assert recorder.ops == expected


@given(st.lists(st.integers(1, 4), max_size=3), st.integers(0, 3), st.integers(0, 99))
def test_mean_and_sum_of_any_shape(shape, weight_axes, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape).astype("float32")
    weight_axes = min(weight_axes, values.ndim)
    weights = np.asarray(rng.uniform(0.1, 2, shape[:weight_axes]), "float32")
    plain, weighted, total = metrics.Mean(), metrics.Mean(), metrics.Sum()
    np.testing.assert_allclose(plain(values), values.mean(), rtol=1e-4, atol=1e-6)
    spread = np.broadcast_to(weights.reshape(weights.shape + (1,) * (values.ndim - weight_axes)), values.shape)
    expected = (values * spread).sum() / spread.sum()
    np.testing.assert_allclose(weighted(values, sample_weight=weights), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(total(values, sample_weight=weights), (values * spread).sum(), rtol=1e-4, atol=1e-5)
    # A sample counts once, however many values it has.
    samples = values.shape[0] if values.ndim else 1
    assert float(plain.count) == samples
    per_sample = weights.reshape(weights.shape[0], -1).mean(1).sum() if weight_axes else weights
    np.testing.assert_allclose(weighted.count, per_sample, rtol=1e-5)


@given(st.integers(1, 12), st.integers(1, 3), st.integers(2, 9), st.booleans(), st.booleans(), st.integers(0, 99))
def test_counts_against_brute_force(batch, labels, n, multi_label, weighted, seed):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, 2, (batch, labels))
    y_pred = (rng.integers(0, 65, (batch, labels)) / 64).astype("float32")
    weights = rng.integers(0, 4, batch).astype("float32") if weighted else None
    uneven = np.sort(rng.uniform(size=n)).round(2)
    for thresholds in (even_thresholds(n), [-1e-7, *even_thresholds(n)[1:-1], 1 + 1e-7], uneven.tolist()):
        found = confusion_counts(COUNTS, y_true, y_pred, thresholds, what="this", sample_weight=weights,
                                 multi_label=multi_label)
        limits = np.float32(thresholds)[:, None, None]
        w = np.ones((batch, 1)) if weights is None else weights[:, None]
        # A prediction at a threshold that is no binary fraction may be rounded to either side of it.
        y = np.float32(y_pred)
        for name, wanted, above in (("true_positives", 1, True), ("false_positives", 0, True),
                                    ("true_negatives", 0, False), ("false_negatives", 1, False)):
            hits = ((y > limits) == above) & (y_true == wanted)
            expected = (hits * w).sum(1 if multi_label else (1, 2))
            on_limit = np.isclose(y, limits, atol=1e-6).any((1, 2)) & ~np.isin(limits[:, 0, 0], [0, 0.25, 0.5, 0.75, 1])
            np.testing.assert_allclose(np.asarray(found[name])[~on_limit], expected[~on_limit])


@pytest.mark.parametrize("shape", [(4, 3), (4, 1), (4,)])
@pytest.mark.parametrize("which", ["AUC", "Precision"])
def test_weights_without_the_last_axis_of_length_one(which, shape):
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(0, 2, (4, 3, 1)), rng.random((4, 3, 1)).astype("float32")
    weights = rng.random(shape).astype("float32")
    full = np.broadcast_to(weights.reshape(shape + (1,) * (3 - len(shape))), y_pred.shape)
    given, spread = getattr(metrics, which)(), getattr(metrics, which)()
    np.testing.assert_allclose(given(y_true, y_pred, sample_weight=weights),
                               spread(y_true, y_pred, sample_weight=full), rtol=1e-6)


def test_auc_of_perfect_random_and_wrong_predictions():
    y_true = np.array([0, 0, 1, 1])
    for y_pred, area in (([0.1, 0.2, 0.8, 0.9], 1.0), ([0.9, 0.8, 0.2, 0.1], 0.0), ([0.5] * 4, 0.5)):
        assert float(metrics.AUC()(y_true, np.array(y_pred))) == pytest.approx(area, abs=1e-6)


def test_top_k_of_sequences_and_columns():
    scores = np.array([[[0.1, 0.5, 0.4], [0.7, 0.2, 0.1]]])
    hits = metrics.sparse_top_k_categorical_accuracy(np.array([[2, 2]]), scores, k=2)
    assert hits.tolist() == [[1.0, 0.0]]
    assert metrics.sparse_top_k_categorical_accuracy(np.array([[2], [2]]), scores[0], k=2).tolist() == [1.0, 0.0]


def test_fractional_weights_of_a_whole_count_are_warned_of():
    with pytest.warns(UserWarning, match="sample weights are float.*casting cuts"):
        metrics.MeanIoU(3).update_state(CLASSES, PREDICTED, sample_weight=np.full(4, 0.5))
    metric = metrics.MeanIoU(3, dtype="float32")
    metric.update_state(CLASSES, PREDICTED, sample_weight=np.full(4, 0.5))
    assert float(metric.result()) == pytest.approx(float(metrics.MeanIoU(3)(CLASSES, PREDICTED)), rel=1e-6)


def test_too_few_samples_for_the_adjusted_score_are_warned_of():
    metric = metrics.R2Score(num_regressors=20)
    with pytest.warns(UserWarning, match="only 12 samples"):
        out = metric(OTHER, REAL)
    assert float(out) == float(metrics.R2Score()(OTHER, REAL))


def test_result_before_the_first_update_is_zero():
    for name in CONTRACT:
        assert not np.asarray(make(name).result()).any(), name


class Spread(metrics.Metric):
    """A metric of metrics: largest mean minus smallest."""

    def __init__(self, name="spread", **kwargs):
        super().__init__(name=name, **kwargs)
        self.parts = [metrics.Mean(name="a"), metrics.Mean(name="b")]
        self.updates = self.add_weight(name="updates", initializer="ones")
        self.parts.append(metrics.Sum(name="c"))

    def update_state(self, y_true, y_pred, sample_weight=None):
        for part, y in zip(self.parts, (y_true, y_pred, y_pred)):
            part.update_state(y, sample_weight)
        self.updates.assign_add(1)

    def result(self):
        return {"spread": ops.abs(self.parts[0].result() - self.parts[1].result()), "updates": self.updates.value}


def test_metrics_in_metrics():
    metric = Spread()
    paths = ["spread/updates", "a/total", "a/count", "b/total", "b/count", "c/total"]
    assert [v.path for v in metric.variables] == paths
    out = metric(np.full(3, 2.0), np.full(3, 5.0))
    assert float(out["spread"]) == 3 and float(out["updates"]) == 2
    metric.reset_state()
    assert all(not v.numpy().any() for v in metric.variables)
    with CustomObjectScope({"Spread": Spread}):
        assert isinstance(metrics.deserialize(metrics.serialize(metric)), Spread)


def test_layers_and_models_notice_metrics():
    tracker, metric = Tracker(), metrics.Mean()
    tracker.track([metric])
    assert tracker.metrics == [metric]


def test_variables_are_not_read_in_half_precision():
    metric = metrics.Mean()
    with scope(autocast="float16"):
        out = metric(np.float32(1e6))
    assert out.dtype == "float32" and float(out) == 1e6


def test_super_init_must_be_called():
    class Forgetful(metrics.Metric):
        def __init__(self):
            self.x = self.add_variable((), name="x")

    with pytest.raises(RuntimeError, match=r"Forgetful.__init__\(\) must call super\(\).__init__\(\)"):
        Forgetful()


@pytest.mark.parametrize("build, message", [
    (lambda: metrics.Precision(thresholds=1.5), r"Threshold values must be in \[0, 1\]. Received: \[1.5\]"),
    (lambda: metrics.AUC(curve="RPC"), "Invalid AUC curve value"),
    (lambda: metrics.AUC(summation_method="mean"), "Invalid AUC summation method value"),
    (lambda: metrics.AUC(num_thresholds=1), "`num_thresholds` must be an integer > 1, got 1"),
    (lambda: metrics.AUC(num_labels=3), "multi_label=True alone"),
    (lambda: metrics.AUC(multi_label=True).update_state(CLASSES, CLASSES), r"\(batch, labels\)"),
    (lambda: metrics.RecallAtPrecision(1.5), r"`precision` must be in the range \[0, 1\]. Received: 1.5"),
    (lambda: metrics.SensitivityAtSpecificity(0.5, num_thresholds=0), "`num_thresholds` must be an integer > 0, got 0"),
    (lambda: metrics.F1Score(average="mean"), "`average` must be one of"),
    (lambda: metrics.FBetaScore(beta=1), "`beta` must be a float above 0"),
    (lambda: metrics.F1Score(threshold=2.0), "`threshold` must be a float in"),
    (lambda: metrics.F1Score().update_state(CLASSES, CLASSES), r"the shape \(batch, classes\)"),
    (lambda: metrics.IoU(2, [2]), "`target_class_ids` must hold classes from 0 to 1"),
    (lambda: metrics.R2Score(class_aggregation="mean"), "Invalid value for argument `class_aggregation`"),
    (lambda: metrics.R2Score(num_regressors=-1), "Invalid value for argument `num_regressors`"),
    (lambda: metrics.BinaryAccuracy(threshold=None), "`threshold` must be a number"),
    (lambda: metrics.Recall(class_id=1).update_state(BITS[0], REAL[0]), r"`class_id` needs y_pred of shape"),
    (lambda: metrics.get("acuracy"), "did you mean 'accuracy'"),
    (lambda: metrics.get(3), "a metric"),
])  # fmt: skip
def test_invalid_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_get():
    assert metrics.get(None) is None
    for name in ("mse", "MSE", "mean_squared_error", "MeanSquaredError", metrics.MeanSquaredError):
        assert isinstance(metrics.get(name), metrics.MeanSquaredError)
    assert metrics.get("huber") is losses.huber
    assert metrics.get({"class_name": "AUC", "config": {"curve": "pr"}}).curve == "PR"
    assert isinstance(metrics.get("binary_accuracy"), metrics.BinaryAccuracy)
    wrapped = metrics.MeanMetricWrapper(metrics.binary_accuracy, name="share", threshold=0.3)
    assert metrics.get(metrics.serialize(wrapped))._fn is metrics.binary_accuracy


def test_one_row_of_weights_serves_every_sample():
    values, weights = np.array([[2.0, 9.0], [4.0, 7.0], [6.0, 5.0]]), np.array([[1.0, 0.0]])
    mean = metrics.Mean()
    mean.update_state(values, sample_weight=weights)
    assert float(mean.result()) == pytest.approx(4.0)


def test_top_k_of_a_row_without_a_batch():
    precision = metrics.Precision(top_k=2)
    precision.update_state([0, 1, 0, 0, 1], [0.3, 0.6, 0.1, 0.0, 0.2])
    assert float(precision.result()) == 0.5


def test_directions_tell_callbacks_which_way_is_better():
    for name, direction in (("AUC", "up"), ("MeanSquaredError", "down"), ("BinaryCrossentropy", "down"),
                            ("CategoricalAccuracy", "up"), ("MeanMetricWrapper", "down"), ("CosineSimilarity", "up"),
                            ("Hinge", "down"), ("RootMeanSquaredError", "down")):
        assert make(name)._direction == direction, name
