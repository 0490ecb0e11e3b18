"""The metrics of a compiled model: lists of metrics, one an output, with and without sample weights."""

from typing import Any

from kerasish import metrics
from kerasish.core.dispatch import eager_scope
from kerasish.training.outputs import Outputs, is_binary_or_sparse, name_of_function


class CompiledMetrics:
    """All metrics that were given to `compile`.

    Args:
        plain: metrics that see no sample weights: a list for all outputs (of a model with one), or a list or
            dict with an entry an output.
        weighted: metrics that see them, in the same forms.
        output_names: the model's names of its outputs.
    """

    def __init__(self, plain: Any, weighted: Any, output_names: list[str] | None = None):
        for name, value in (("metrics", plain), ("weighted_metrics", weighted)):
            if value and not isinstance(value, list | tuple | dict):
                raise ValueError(f"argument `{name}` must be a list, tuple or dict, got {value!r}")
        self._plain, self._weighted, self._names = plain, weighted, output_names
        self._entries: list[tuple[int, Any, bool]] = []  # (output, metric, weighted)
        self.built = False

    @property
    def metrics(self) -> list[Any]:
        """The metric objects, in order; empty before the first batch."""
        return [m for _, m, _ in self._entries]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Make the metric objects, now that the outputs are known."""
        self.outputs = outputs = Outputs(y_pred, self._names)
        targets = outputs.flatten(y_true, "y")
        predictions = outputs.flatten(y_pred, "y_pred")
        self._entries = []
        with eager_scope():
            for given, weighted, what in ((self._plain, False, "metrics"), (self._weighted, True, "weighted_metrics")):
                for i, identifiers in enumerate(_by_output(outputs, given, what)):
                    for identifier in identifiers:
                        metric = _get_metric(identifier, targets[i], predictions[i])
                        self._entries.append((i, metric, weighted))
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch into account."""
        if not self.built:
            self.build(y_true, y_pred)
        if not self._entries:
            return
        targets = self.outputs.flatten(y_true, "y")
        predictions = self.outputs.flatten(y_pred, "y_pred")
        weights = self.outputs.flatten(sample_weight, "sample_weight")
        for i, metric, weighted in self._entries:
            if weighted:
                metric.update_state(targets[i], predictions[i], sample_weight=weights[i])
            else:
                metric.update_state(targets[i], predictions[i])

    def reset_state(self) -> None:
        """Start again."""
        for metric in self.metrics:
            metric.reset_state()

    def named_metrics(self) -> dict[str, Any]:
        """Return the metrics by the names under which logs show them."""
        out: dict[str, Any] = {}
        for i, metric, weighted in self._entries:
            prefix = f"{self.outputs.names[i]}_" if self.outputs.count > 1 and self.outputs.names[i] else ""
            name = f"{prefix}{metric.name}"
            if name in out and weighted:
                name = f"{prefix}weighted_{metric.name}"
            unique, n = name, 0
            while unique in out:
                n += 1
                unique = f"{name}_{n}"
            out[unique] = metric
        return out


def _by_output(outputs: Outputs, given: Any, what: str) -> list[list[Any]]:
    """A list of metric identifiers for each output."""
    if not given:
        return [[] for _ in range(outputs.count)]
    if outputs.count == 1 and isinstance(given, list | tuple):
        flat = given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given
        return [[m for m in flat if m is not None]]
    return [[] if e is None else list(e) if isinstance(e, list | tuple) else [e] for e in outputs.spread(given, what)]


def _get_metric(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    name = identifier if isinstance(identifier, str) else None
    if name is not None and name.lower() in ("accuracy", "acc", "crossentropy", "ce"):
        if y_true is None:
            raise ValueError(f"metric {name!r} needs a target (`y`) for its output, but there is none")
        binary, sparse = is_binary_or_sparse(y_true, y_pred)
        kind = "Binary" if binary else "SparseCategorical" if sparse else "Categorical"
        suffix = "Accuracy" if name.lower() in ("accuracy", "acc") else "Crossentropy"
        return getattr(metrics, kind + suffix)(name=name)
    found = metrics.get(identifier)
    if isinstance(found, metrics.Metric):
        if name is not None:
            found.name = name
        return found
    return metrics.MeanMetricWrapper(found, name=name or name_of_function(found))
