"""What is done with one batch: the loss, the metrics, and the steps that train, test and predict."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from kerasish.autodiff.tape import GradientTape
from kerasish.compiler.function import MISS, CompiledFunction
from kerasish.core.dispatch import to_tensor
from kerasish.core.stateless import StatelessScope
from kerasish.core.tensor import OPS, Tensor
from kerasish.data.class_weight import weigh_classes
from kerasish.data.leaves import to_batch
from kerasish.training.compiled_loss import CompiledLoss
from kerasish.training.compiled_metrics import CompiledMetrics
from kerasish.utils import config, tree
from kerasish.utils.arguments import pack_x_y_sample_weight, unpack_x_y_sample_weight


class Steps:
    """The part of a model that sees one batch at a time; each method may be overridden."""

    compiled: bool
    optimizer: Any
    make_train_function: Callable[..., Any]
    make_test_function: Callable[..., Any]
    make_predict_function: Callable[..., Any]
    _compile_loss: CompiledLoss | None
    _compile_metrics: CompiledMetrics | None
    _loss_tracker: Any

    # ---- loss and metrics ----------------------------------------------------------------------

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                     training: bool = True) -> Any:
        """Return the loss of a batch: that of `compile`, plus what layers and regularizers add.

        Args:
            x: inputs.
            y: targets.
            y_pred: outputs of the model.
            sample_weight: weight of each sample.
            training: whether the outputs are those of training.

        Raises:
            ValueError: there is no loss at all.
        """
        terms = []
        if self._compile_loss is not None:
            value = self._compile_loss(y, y_pred, sample_weight)
            if value is not None:
                terms.append(value)
        terms += [OPS["sum"](OPS["cast"](extra, config.floatx())) for extra in self.losses]  # type: ignore
        if not terms:
            if self._compile_loss is None:
                raise ValueError(f"model {self.name!r} has no loss: give `loss` to compile(), or "  # type: ignore
                                 "call add_loss() in a layer")
            return to_tensor(0.0)
        total = terms[0]
        for term in terms[1:]:
            total = OPS["add"](total, term)
        return total

    def _loss_of(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        """`compute_loss`, also where it was overridden without `training`."""
        compute_loss = type(self).compute_loss
        if compute_loss is Steps.compute_loss or _takes_training(compute_loss):
            return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)

    def stateless_compute_loss(self, trainable_variables: Any, non_trainable_variables: Any, metrics_variables: Any,
                               x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                               training: bool = True) -> Any:
        """Return (loss, (trainable, non-trainable, metrics variables)) for given values of the variables."""
        from_state = [*zip(self.trainable_variables, trainable_variables, strict=True),  # type: ignore
                      *zip(self.non_trainable_variables, non_trainable_variables, strict=True),  # type: ignore
                      *zip(self.metrics_variables, metrics_variables, strict=True)]  # type: ignore
        with StatelessScope(from_state) as scope:
            loss = self._loss_of(x, y, y_pred, sample_weight, training)
            kept = [[scope.read(v) for v in group] for group in (
                self.trainable_variables, self.non_trainable_variables, self.metrics_variables)]  # type: ignore
        return loss, tuple(kept)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the metrics with a batch, and return all results by name."""
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    @property
    def metrics(self) -> list[Any]:
        """All metrics: the loss, those of `compile`, the losses of several outputs, the model's own, those of layers.

        Of models inside, only the metrics of their layers count: what such a model measures is its own affair.
        """
        out = [self._loss_tracker] if self.compiled and self._loss_tracker is not None else []
        for owner in (self._compile_metrics, self._compile_loss):
            out += owner.metrics if self.compiled and owner is not None else []
        layers = [layer for layer in self._flatten_layers(include_self=False)  # type: ignore[attr-defined]
                  if not isinstance(layer, Steps)]
        found = [*out, *self._tracker.metrics, *(m for layer in layers for m in layer.metrics)]  # type: ignore
        return list({id(m): m for m in found}.values())

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return list(self._named_metrics())

    def _named_metrics(self) -> dict[str, Any]:
        compiled = {} if self._compile_metrics is None else self._compile_metrics.named_metrics()
        names = {id(m): name for name, m in compiled.items()}
        return {names.get(id(m), m.name): m for m in self.metrics}

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the results of all metrics by name."""
        out: dict[str, Any] = {}
        for name, metric in self._named_metrics().items():
            result = metric.result()
            out.update(result if isinstance(result, dict) else {name: result})
        return out

    def reset_metrics(self) -> None:
        """Start all metrics again."""
        for metric in self.metrics:
            metric.reset_state()

    # ---- steps ---------------------------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        """Train on a batch (x, y, sample_weight); return the metrics by name."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)  # type: ignore[operator]
            loss = self._loss_of(x, y, y_pred, sample_weight, True)
            scaled = self.optimizer.scale_loss(loss) if self.optimizer is not None else loss
        self._track_loss(loss, x)
        weights = self.trainable_weights  # type: ignore[attr-defined]
        if weights and self.optimizer is not None:
            self.optimizer.apply(tape.gradient(scaled, weights), weights)
        elif not weights:
            warnings.warn(f"model {self.name!r} has no trainable weights", stacklevel=2)  # type: ignore
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluate a batch (x, y, sample_weight); return the metrics by name."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)  # type: ignore[operator]
        own_loss = type(self).compute_loss is not Steps.compute_loss
        if self._compile_loss is not None or self.losses or own_loss:  # type: ignore[attr-defined]
            self._track_loss(self._loss_of(x, y, y_pred, sample_weight, False), x)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data: Any) -> Any:
        """Return the outputs for a batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)  # type: ignore[operator]

    def _track_loss(self, loss: Any, x: Any) -> None:
        if self._loss_tracker is not None:
            first = next((a for a in tree.flatten(x) if a is not None), None)
            size = first.shape[0] if first is not None and first.shape else 1
            self._loss_tracker.update_state(loss, sample_weight=size)

    # ---- single batches from the user ----------------------------------------------------------

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None,
                       return_dict: bool = False) -> Any:
        """Train on one batch; return the metrics of this batch alone as numbers, in a list or a dict."""
        self._assert_compiled("train_on_batch")  # type: ignore[attr-defined]
        if class_weight is not None:
            sample_weight = weigh_classes(to_batch(y, "y"), sample_weight, class_weight)
        run = self._watched(self.make_train_function(), "training")  # type: ignore[attr-defined]
        return self._on_batch(run, x, y, sample_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Evaluate one batch; return the metrics of this batch alone as numbers, in a list or a dict."""
        self._assert_compiled("test_on_batch")  # type: ignore[attr-defined]
        run = self._watched(self.make_test_function(), "evaluation")  # type: ignore[attr-defined]
        return self._on_batch(run, x, y, sample_weight, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch as NumPy arrays."""
        return self.make_predict_function()([(to_batch(x, "x"), None, None)])

    def _on_batch(self, run: Callable[[list], Any], x: Any, y: Any, sample_weight: Any, return_dict: bool) -> Any:
        batch = tuple(to_batch(a, name) for a, name in ((x, "x"), (y, "y"), (sample_weight, "sample_weight")))
        self._prepare(lambda: batch)  # type: ignore[attr-defined]
        self.reset_metrics()
        logs = dict(sorted(numbers(run([batch])).items()))
        return logs if return_dict else self._in_order(logs)

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """Logs as a list: the loss first, then as Keras orders them; a single one by itself."""
        names = [n for n in dict.fromkeys(m.name for m in self.metrics) if n in logs]
        names += sorted(set(logs) - set(names))
        values = [logs[n] for n in names]
        return values[0] if len(values) == 1 else values


def _takes_training(method: Callable[..., Any]) -> bool:
    parameters = inspect.signature(method).parameters
    return "training" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def on_batches(step: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a step as a function of batches (x, y, sample_weight), and of room for its outputs."""
    if not isinstance(step, CompiledFunction):
        return lambda batch, room=None: step(as_data(batch))

    def run(batch: tuple, room: Any = None) -> Any:
        x, y, sample_weight = batch
        out = step.again((x,) if y is None else (x, y) if sample_weight is None else batch, room)
        return step(as_data(batch)) if out is MISS else out

    return run


def as_data(batch: tuple) -> Any:
    """Return a batch (x, y, sample_weight) as a step gets it: tensors, without the parts that are None."""
    return as_tensors(pack_x_y_sample_weight(*batch))


def as_tensors(data: Any) -> Any:
    """Return nested arrays as tensors; strings stay as they are."""
    return tree.map_structure(lambda a: to_tensor(a) if hasattr(a, "dtype") and a.dtype.kind not in "OSUM" else a, data)


def to_arrays(outputs: Any) -> Any:
    """Return nested tensors as NumPy arrays that share no memory with anything else."""
    return tree.map_structure(lambda t: t.numpy().copy() if isinstance(t, Tensor) else t, outputs)


def numbers(logs: Any) -> dict[str, Any]:
    """Return logs with their values as Python floats where they are scalars."""
    out = {}
    for name, value in logs.items():
        if isinstance(value, dict):
            out.update(numbers(value))
        else:
            try:
                out[name] = float(value)
            except (TypeError, ValueError):
                out[name] = value
    return out
