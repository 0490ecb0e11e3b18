"""The loss of a compiled model: one loss an output, weighted and added up."""

from typing import Any

from kerasish import losses, metrics
from kerasish.core.dispatch import eager_scope
from kerasish.core.tensor import OPS
from kerasish.training.outputs import Outputs, is_binary_or_sparse
from kerasish.utils import tree


class CompiledLoss:
    """The sum of the weighted losses of all outputs.

    Args:
        loss: a loss, its name or a function; one for all outputs, or a list or dict with one an output.
        loss_weights: one number, or a list or dict with one an output.
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
        chosen = self._chosen()
        targets = self._targets(y_true, [i for i, _, _ in chosen])
        predictions = outputs.flatten(y_pred, "y_pred")
        self._losses: list[tuple[int, Any, Any]] = []
        for i, identifier, weight in chosen:
            if targets[i] is None:
                raise ValueError(f"output {outputs.label(i)!r} has a loss, but there is no target (`y`) for it")
            self._losses.append((i, _get_loss(identifier, targets[i], predictions[i]), weight))
        if len(self._losses) > 1:
            with eager_scope():
                self.metrics = [metrics.Mean(name=name) for name in self._loss_names()]
        self.built = True

    def _chosen(self) -> list[tuple[int, Any, Any]]:
        """(output, identifier of a loss, weight), in the order of the outputs."""
        outputs, loss, weights = self.outputs, self._loss, self._weights
        if outputs.count == 1 and isinstance(loss, list | tuple):  # several losses of one output
            weights = list(weights) if isinstance(weights, list | tuple) else [weights] * len(loss)
            if len(weights) != len(loss):
                raise ValueError(f"there are {len(loss)} losses, but {len(weights)} `loss_weights`")
            chosen = [(0, identifier, w) for identifier, w in zip(loss, weights, strict=True)]
        else:
            chosen = list(zip(range(outputs.count), outputs.spread(loss, "loss"),
                              outputs.spread(weights, "loss_weights"), strict=True))
        return [entry for entry in chosen if entry[1] is not None]

    def _loss_names(self) -> list[str]:
        """`<name>_loss` for each: where its output stands, with the output's name or, if it has none, the loss's own."""
        out: list[str] = []
        several = len({i for i, _, _ in self._losses}) < len(self._losses)
        for i, loss, _ in self._losses:
            path, own = list(self.outputs.paths[i]), None if several else self.outputs.names[i]
            if not path or isinstance(path[-1], int):
                path[-1:] = [own or loss.name]
            name = "/".join(str(part) for part in path) + "_loss"
            same = sum(n.startswith(name) for n in out)
            out.append(f"{name}_{same}" if same else name)
        return out

    def _targets(self, y_true: Any, wanted: list[int]) -> list[Any]:
        """Targets by output; outputs without a loss may be left out of a list of targets."""
        flat = [] if isinstance(y_true, dict) else tree.flatten(y_true)
        if y_true is not None and len(flat) == len(set(wanted)) < self.outputs.count:
            out: list[Any] = [None] * self.outputs.count
            for i, y in zip(dict.fromkeys(wanted), flat, strict=True):
                out[i] = y
            return out
        return self.outputs.flatten(y_true, "y")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the weighted sum of the losses, a scalar; None if no output has one."""
        if not self.built:
            self.build(y_true, y_pred)
        outputs = self.outputs
        predictions = outputs.flatten(y_pred, "y_pred")
        targets = self._targets(y_true, [i for i, _, _ in self._losses])
        weights = outputs.flatten(sample_weight, "sample_weight")
        total = None
        for k, (i, loss, factor) in enumerate(self._losses):
            value = loss(targets[i], predictions[i], weights[i])
            if self.metrics:
                self.metrics[k].update_state(value, sample_weight=predictions[i].shape[0])
            if factor is not None:
                value = OPS["multiply"](value, factor)
            total = value if total is None else OPS["add"](total, value)
        return total


def _get_loss(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    name = identifier if isinstance(identifier, str) else None
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        binary, sparse = is_binary_or_sparse(y_true, y_pred)
        kind = "binary" if binary else "sparse_categorical" if sparse else "categorical"
        identifier = f"{kind}_crossentropy"
    found = losses.get(identifier)
    if isinstance(found, losses.Loss):
        return found
    return losses.LossFunctionWrapper(found, name=name or getattr(found, "__name__", type(found).__name__))
