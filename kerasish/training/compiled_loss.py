"""The loss of a compiled model: one loss an output, weighted and added up."""

from typing import Any

from kerasish import losses, metrics
from kerasish.core.dispatch import eager_scope
from kerasish.core.tensor import OPS
from kerasish.training.loss_places import loss_names, place_losses
from kerasish.training.outputs import Outputs, is_binary_or_sparse, name_of_function
from kerasish.utils import tree


class CompiledLoss:
    """The sum of the weighted losses of all outputs.

    Args:
        loss: a loss, its name or a function; one for all outputs, or a list or dict with one an output, or nested
            as the outputs are.
        loss_weights: one number, or numbers nested as the losses are.
        output_names: the model's names of its outputs.

    Attributes:
        metrics: with several losses, the mean of each over the epoch, named `<output>_loss`.
    """

    def __init__(self, loss: Any, loss_weights: Any = None, output_names: list[str] | None = None):
        if loss_weights is not None and not isinstance(loss_weights, list | tuple | dict | float | int):
            raise ValueError(f"argument `loss_weights` must be a number, list or dict, got {loss_weights!r}")
        self._loss, self._weights, self._names = loss, loss_weights, output_names
        self.metrics: list[Any] = []
        self.built = False

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Find out which loss belongs to which output."""
        self.outputs = outputs = Outputs(y_pred, self._names)
        self._places = place_losses(outputs, self._loss, self._weights)
        targets = self._targets(y_true)
        predictions = outputs.flatten(y_pred, "y_pred")
        self._losses = []
        for entry in self._places:
            self._losses.append(_get_loss(entry.loss, _at(entry.place, targets), _at(entry.place, predictions)))
        self.metrics = []
        if len(self._losses) > 1:
            with eager_scope():
                self.metrics = [metrics.Mean(name=name) for name in loss_names(outputs, self._places, self._losses)]
        self.built = True

    def _targets(self, y_true: Any) -> list[Any]:
        """Targets by output; outputs without a loss may be left out of a list of targets."""
        wanted = sorted({i for entry in self._places for i in tree.flatten(entry.place)})
        flat = [] if isinstance(y_true, dict) else tree.flatten(y_true)
        if y_true is not None and len(flat) == len(wanted) < self.outputs.count:
            out: list[Any] = [None] * self.outputs.count
            for i, y in zip(wanted, flat, strict=True):
                out[i] = y
            return out
        targets = self.outputs.flatten(y_true, "y")
        for i in wanted:
            if targets[i] is None:
                raise ValueError(f"output {self.outputs.label(i)!r} has a loss, but there is no target (`y`) for it")
        return targets

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the weighted sum of the losses, a scalar; None if no output has one."""
        if not self.built:
            self.build(y_true, y_pred)
        predictions = self.outputs.flatten(y_pred, "y_pred")
        targets = self._targets(y_true)
        weights = self.outputs.flatten(sample_weight, "sample_weight")
        total = None
        for k, (entry, loss) in enumerate(zip(self._places, self._losses, strict=True)):
            first = tree.flatten(entry.place)[0]
            value = loss(_at(entry.place, targets), _at(entry.place, predictions), weights[first])
            if self.metrics:
                self.metrics[k].update_state(value, sample_weight=predictions[first].shape[0])
            if entry.weight is not None:
                value = OPS["multiply"](value, entry.weight)
            total = value if total is None else OPS["add"](total, value)
        return total


def _at(place: Any, flat: list[Any]) -> Any:
    return tree.map_structure(lambda i: flat[i], place)


def _get_loss(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    name = identifier if isinstance(identifier, str) else None
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        binary, sparse = is_binary_or_sparse(y_true, y_pred)
        kind = "binary" if binary else "sparse_categorical" if sparse else "categorical"
        identifier = f"{kind}_crossentropy"
    found = losses.get(identifier)
    if isinstance(found, losses.Loss):
        return found
    return losses.LossFunctionWrapper(found, name=name or name_of_function(found))
