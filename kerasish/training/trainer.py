"""Compile, fit, evaluate, predict."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import callbacks as callbacks_module
from kerasish import losses, metrics, optimizers
from kerasish.backend import device
from kerasish.callbacks.callback_list import CallbackList
from kerasish.compiler.function import CompiledFunction
from kerasish.compiler.runner import get_ready, release_memory
from kerasish.core.dispatch import eager_scope
from kerasish.core.dtypes import standardize_dtype
from kerasish.core.symbolic import KerasTensor, compute_output_spec
from kerasish.core.tensor import Tensor
from kerasish.core.variable import Variable
from kerasish.data.array_source import only_batch
from kerasish.data.epochs import EpochIterator
from kerasish.data.select_source import batch_source
from kerasish.data.split import train_validation_split
from kerasish.training.compile_config import deserialize_compile_arguments, serialize_compile_arguments
from kerasish.training.compiled_loss import CompiledLoss
from kerasish.training.compiled_metrics import CompiledMetrics
from kerasish.training.loop import run_epoch
from kerasish.training.nan_watch import NanWatch
from kerasish.training.predictions import PredictFunction, Predictions
from kerasish.training.steps import Steps, numbers, on_batches, to_arrays
from kerasish.utils import config, interactive, tree
from kerasish.utils.arguments import unpack_x_y_sample_weight


class Trainer(Steps):
    """The part of a model that can be trained."""

    history: Any
    stop_training: bool
    stop_evaluating: bool
    stop_predicting: bool
    steps_per_execution: int
    train_function: Any
    test_function: Any
    predict_function: Any
    _run_eagerly: bool
    _jit_compile: Any
    _initial_epoch: int | None
    _warned: set[str]
    _compile_arguments: dict[str, Any]

    def _init_trainer(self) -> None:
        untracked: dict[str, Any] = {
            "compiled": False, "optimizer": None, "loss": None, "stop_training": False, "history": None,
            "_compile_loss": None, "_compile_metrics": None, "_loss_tracker": None, "_compile_arguments": None,
            "_run_eagerly": False, "_jit_compile": "auto", "steps_per_execution": 1, "_initial_epoch": None,
            "train_function": None, "test_function": None, "predict_function": None, "_validation": None,
            "_warned": set(),
        }
        self._set_untracked(**untracked)

    def _set_untracked(self, **values: Any) -> None:
        """Set attributes of which the layer machinery is to take no note."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, loss_weights: Any = None, metrics: Any = None,
                weighted_metrics: Any = None, run_eagerly: bool = False, steps_per_execution: int = 1,
                jit_compile: Any = "auto", auto_scale_loss: bool = True) -> None:
        """Say how the model is trained.

        Args:
            optimizer: an optimizer or its name.
            loss: a loss, its name or a function; a list or dict with one an output.
            loss_weights: factors of the losses: one, or a list or dict with one an output.
            metrics: list of metrics, names or functions; a list or dict of such lists for several outputs.
            weighted_metrics: the same, for metrics that see sample weights.
            run_eagerly: whether steps run op by op, for looking inside.
            steps_per_execution: batches that are handled between two looks at callbacks.
            jit_compile: "auto", True or False: whether steps may be compiled.
            auto_scale_loss: whether the loss is scaled where the model computes in float16.

        Raises:
            ValueError: a name is unknown.
        """
        self._set_untracked(
            _compile_arguments={
                "optimizer": optimizer, "loss": loss, "loss_weights": loss_weights, "metrics": metrics,
                "weighted_metrics": weighted_metrics, "run_eagerly": run_eagerly,
                "steps_per_execution": steps_per_execution, "jit_compile": jit_compile},
            optimizer=self._get_optimizer(optimizer, auto_scale_loss), loss=loss,
            _compile_loss=None if loss is None else CompiledLoss(loss, loss_weights, self._output_names()),
            _compile_metrics=CompiledMetrics(metrics, weighted_metrics, self._output_names())
            if metrics or weighted_metrics else None,
            _loss_tracker=_loss_mean(), _run_eagerly=run_eagerly, _jit_compile=False if run_eagerly else jit_compile,
            steps_per_execution=steps_per_execution, compiled=True, stop_training=False,
            train_function=None, test_function=None, predict_function=None, _validation=None)
        self._compile_arguments["optimizer"] = self.optimizer
        _check_names(loss, metrics, weighted_metrics)
        if self._jit_compile is not False:
            get_ready()

    def _get_optimizer(self, identifier: Any, auto_scale_loss: bool) -> Any:
        optimizer: Any = optimizers.get(identifier) if identifier is not None else None
        half = getattr(self, "compute_dtype", None) == "float16"
        if half and auto_scale_loss and not isinstance(optimizer, optimizers.LossScaleOptimizer):
            optimizer = optimizers.LossScaleOptimizer(optimizer)
        return optimizer

    def _output_names(self) -> list[str] | None:
        return getattr(self, "output_names", None)

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run op by op."""
        return self._run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._set_untracked(_run_eagerly=value, train_function=None, test_function=None, predict_function=None)

    @property
    def jit_compile(self) -> Any:
        """Whether steps may be compiled."""
        return self._jit_compile

    @jit_compile.setter
    def jit_compile(self, value: Any) -> None:
        self._set_untracked(_jit_compile=value)

    def _assert_compiled(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(f"You must call `compile()` on model {self.name!r}, then {method}()")  # type: ignore

    # ---- the three runs ------------------------------------------------------------------------

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
            callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: Any = True,
            class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0,
            steps_per_epoch: int | None = None, validation_steps: int | None = None,
            validation_batch_size: int | None = None, validation_freq: Any = 1, *, debug_nan: bool = False) -> Any:
        """Train for a number of epochs.

        Args:
            x: arrays, nested arrays, data frames, a generator, a PyDataset or a Dataset of batches.
            y: targets, for array inputs.
            batch_size: samples a step; 32 by default.
            epochs: number of the last epoch.
            verbose: 0 silent, 1 a progress bar, 2 a line an epoch; "auto" is 1 in a terminal or notebook.
            callbacks: callbacks to tell of what happens.
            validation_split: last part of the arrays that is set aside for validation, in (0, 1).
            validation_data: (x, y) or (x, y, sample_weight), or a data set, to evaluate after epochs.
            shuffle: whether samples are shuffled before each epoch; "batch" shuffles whole batches.
            class_weight: weight of the samples of each class.
            sample_weight: weight of each sample.
            initial_epoch: number of the first epoch.
            steps_per_epoch: steps of an epoch; needed for data without end.
            validation_steps: the same for validation data.
            validation_batch_size: samples a validation step; `batch_size` by default.
            validation_freq: after how many epochs to validate, or a list of epochs (counted from 1).
            debug_nan: whether steps run op by op and stop at a NaN, naming the op and the layer that made it.

        Returns:
            The `History`, with the logs of every epoch.

        Raises:
            ValueError: the model is not compiled, or arguments do not fit together.
            FloatingPointError: with `debug_nan`, a step made a NaN.
        """
        self._assert_compiled("fit")
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = train_validation_split((x, y, sample_weight), validation_split)
        epochs = min(epochs, config.max_epochs() or epochs)
        source = batch_source(x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight)
        batches = EpochIterator(source, steps_per_epoch, self.steps_per_execution)
        self._prepare(batches.peek)
        told = self._callback_list(callbacks, verbose, epochs, batches, add_history=True)
        validate = None
        if validation_data is not None:
            size = validation_batch_size or batch_size
            validate = self._validation_run(validation_data, size, validation_steps, told, debug_nan)
        self._set_untracked(stop_training=False)
        self.make_train_function()
        told.on_train_begin()
        logs = self._run_epochs(batches, told, range(self._initial_epoch or initial_epoch, epochs), validate,
                                validation_freq, debug_nan)
        if self.optimizer is not None and epochs > 0:
            self.optimizer.finalize_variable_values(self.trainable_weights)  # type: ignore[attr-defined]
        told.on_train_end(logs)
        return self.history

    def _run_epochs(self, batches: EpochIterator, told: CallbackList, epochs: range, validate: Any,
                    validation_freq: Any, debug_nan: bool) -> dict[str, Any] | None:
        logs: dict[str, Any] | None = None
        for epoch in epochs:
            self.reset_metrics()
            told.on_epoch_begin(epoch)
            step = self._watched(self.train_function, "training", debug_nan, epoch)
            step_logs = run_epoch(batches, step, told, "train", lambda: self.stop_training)
            logs = self._epoch_logs(step_logs, told.listens("on_train_batch_end"))
            if validate is not None and _is_due(epoch, validation_freq):
                logs = {**logs, **{f"val_{name}": value for name, value in validate(epoch).items()}}
            told.on_epoch_end(epoch, logs)
            if self.stop_training or batches.exhausted:
                break
        return logs

    def _epoch_logs(self, step_logs: Any, others_were_told: bool) -> dict[str, Any]:
        """The metrics at the end of an epoch, unless an overridden step returned something else."""
        if not step_logs:
            return {}
        step_logs = numbers(step_logs)
        if not others_were_told and all(getattr(type(self), name) is getattr(Steps, name) for name in _OF_LOGS):
            return dict(sorted(step_logs.items()))  # nothing has happened since
        results = numbers(self.get_metrics_result())
        return dict(sorted((results if set(results) == set(step_logs) else step_logs).items()))

    def _validation_run(self, data: Any, batch_size: int | None, steps: int | None, told: CallbackList,
                        debug_nan: bool) -> Any:
        is_tuple = isinstance(data, list | tuple)
        x, y, weight = unpack_x_y_sample_weight(tuple(data)) if is_tuple else (data, None, None)
        source = batch_source(x, y, weight, batch_size, steps)
        batches = EpochIterator(source, steps, self.steps_per_execution)
        self.make_test_function()

        def validate(epoch: int) -> dict[str, Any]:
            batches.reset()  # with `validation_steps`, each validation sees the same first batches
            return self._run_test(batches, told, self._watched(self.test_function, "validation", debug_nan, epoch))

        return validate

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto",
                 sample_weight: Any = None, steps: int | None = None, callbacks: Any = None,
                 return_dict: bool = False, *, debug_nan: bool = False, **kwargs: Any) -> Any:
        """Return the loss and the metrics on data; arguments as in `fit`.

        Returns:
            A number, a list of numbers (the loss first), or with `return_dict` a dict by name.
        """
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments {sorted(kwargs)} of evaluate()")
        self._assert_compiled("evaluate")
        batches = EpochIterator(batch_source(x, y, sample_weight, batch_size, steps), steps, self.steps_per_execution)
        self._prepare(batches.peek, optimizer=False)
        told = self._callback_list(callbacks, verbose, 1, batches)
        self.make_test_function()
        self._set_untracked(stop_evaluating=False)
        logs = self._run_test(batches, told, self._watched(self.test_function, "evaluation", debug_nan))
        return logs if return_dict else self._in_order(logs)

    def _run_test(self, batches: EpochIterator, told: CallbackList, step: Callable[[list], Any]) -> dict[str, Any]:
        self._set_untracked(stop_evaluating=False)
        told.on_test_begin()
        self.reset_metrics()
        step_logs = run_epoch(batches, step, told, "test", lambda: self.stop_evaluating)
        logs = self._epoch_logs(step_logs, told.listens("on_test_batch_end"))
        told.on_test_end(logs)
        return logs

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None,
                callbacks: Any = None) -> Any:
        """Return the outputs for data as NumPy arrays, in the structure of the outputs."""
        run = self.make_predict_function()
        self._set_untracked(stop_predicting=False)
        if not verbose and callbacks is None and steps is None:
            batch = only_batch(x, batch_size)
            if batch is not None:  # nobody to tell, nothing to join
                return run([batch])
        source = batch_source(x, None, None, batch_size, steps)
        batches = EpochIterator(source, steps, self.steps_per_execution)
        told = self._callback_list(callbacks, verbose, 1, batches)
        release_memory()  # the outputs may be larger than what training needed
        outputs = Predictions(source.num_samples if batches.steps_per_epoch is None else None)
        if isinstance(run, PredictFunction):
            run = functools.partial(run, room=outputs.room)
        told.on_predict_begin()
        run_epoch(batches, run, told, "predict", lambda: self.stop_predicting, outputs.add)
        told.on_predict_end()
        return outputs.joined()

    def _callback_list(self, callbacks: Any, verbose: Any, epochs: int, batches: EpochIterator,
                       add_history: bool = False) -> CallbackList:
        if isinstance(callbacks, callbacks_module.CallbackList):
            return callbacks
        if verbose == "auto":
            verbose = 1 if interactive.is_interactive_logging_enabled() else 2
        return CallbackList(callbacks, add_history=add_history, add_progbar=verbose != 0, verbose=verbose,
                            epochs=epochs, steps=batches.num_batches, model=self)

    # ---- steps as functions of groups of batches -------------------------------------------------

    def make_train_function(self, force: bool = False) -> Any:
        """Make `train_function`: trains on a list of batches and returns the logs of the last."""
        return self._make("train_function", "train_step", force)

    def make_test_function(self, force: bool = False) -> Any:
        """Make `test_function`: evaluates a list of batches and returns the logs of the last."""
        return self._make("test_function", "test_step", force)

    def make_predict_function(self, force: bool = False) -> Any:
        """Make `predict_function`: returns the outputs for a list of batches, as arrays, joined."""
        if self.predict_function is None or force:
            step = on_batches(self._step("predict_step", _to_host))
            self._set_untracked(predict_function=PredictFunction(step, to_arrays))
        return self.predict_function

    def _make(self, attribute: str, step: str, force: bool) -> Any:
        if getattr(self, attribute) is None or force:
            on_batch = on_batches(self._step(step))

            def run(group: list) -> Any:
                logs = None
                for batch in group:
                    logs = on_batch(batch)
                return logs

            self._set_untracked(**{attribute: run})
        return getattr(self, attribute)

    def _step(self, name: str, wrap: Callable[[Any], Any] = Tensor) -> Callable[[Any], Any]:
        """A step as it runs: compiled, unless that was turned off or would freeze what changes."""
        method = getattr(self, name)
        rate = getattr(self.optimizer, "_learning_rate", None)
        plain_function = callable(rate) and not hasattr(rate, "get_config")
        if self._run_eagerly or self._jit_compile is False or plain_function:
            return method
        what = f"{name} of model {self.name!r}"  # type: ignore[attr-defined]
        return CompiledFunction(method, what, self._warned, wrap, lambda: (name, *self._looks()),
                                lambda: self._slots() if name == "train_step" else [])

    def _slots(self) -> list[Any]:
        """Variables of the optimizer, which nobody may have written to yet; one of the user's own may have others."""
        return [v for v in getattr(self.optimizer, "variables", ()) if isinstance(v, Variable)]

    def _looks(self) -> tuple[Any, ...]:
        """What tells this model from others in the next process too, at a glance."""
        variables = [(v.shape, v.dtype) for v in self.variables]  # type: ignore[attr-defined]
        return type(self).__name__, type(self.optimizer).__name__, variables

    def _watched(self, run: Callable[[list], Any], what: str, debug_nan: bool = False,
                 epoch: int | None = None) -> Callable[[list], Any]:
        """What runs groups of batches; if it was asked for here or in `keras.config`, under watch for NaNs."""
        return NanWatch(self, run, what, epoch) if debug_nan or config.is_debug_nan_enabled() else run

    # ---- building from data --------------------------------------------------------------------

    def _is_built(self) -> bool:
        return all(layer.built for layer in self._flatten_layers())  # type: ignore[attr-defined]

    def _prepare(self, peek: Callable[[], tuple], optimizer: bool = True) -> None:
        """Build what is not built yet (layers, losses, metrics, optimizer) from the shapes of a batch."""
        is_built, has_losses = self._is_built(), self._losses_built()
        needs_optimizer = optimizer and self.optimizer is not None and not self.optimizer.built
        if is_built and has_losses and not needs_optimizer:
            return
        x, y, _ = unpack_x_y_sample_weight(peek())
        y_pred = self._known_output() if is_built else None
        if not is_built or (y_pred is None and not has_losses):
            x = tree.map_structure(_symbol, x)
            try:
                y_pred = compute_output_spec(lambda a: self(a, training=False), x)  # type: ignore[operator]
            except (TypeError, NotImplementedError, AttributeError):
                return  # a call that needs values: the first step builds everything as it goes
        if y_pred is not None and type(self).compute_loss is Steps.compute_loss:
            self._build_compiled(tree.map_structure(_symbol, y), y_pred)
        if needs_optimizer:
            with eager_scope():
                self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]

    def _known_output(self) -> Any:
        """The symbolic output for any batch, if it is known without a call."""
        return None

    def _losses_built(self) -> bool:
        return all(part is None or part.built for part in (self._compile_loss, self._compile_metrics))

    def _build_compiled(self, y: Any, y_pred: Any) -> None:
        for part in (self._compile_loss, self._compile_metrics):
            if part is not None and not part.built and y is not None:
                part.build(y, y_pred)

    # ---- config --------------------------------------------------------------------------------

    def get_compile_config(self) -> dict[str, Any]:
        """Return the arguments of `compile` as plain data, nothing if it was not called."""
        if not self.compiled:
            return {}
        return serialize_compile_arguments(self._compile_arguments)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what `get_compile_config` gave, and make the optimizer's variables."""
        self.compile(**deserialize_compile_arguments(config))
        if self.optimizer is not None and self.built:  # type: ignore[attr-defined]
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]


# Methods that make the logs of a step.
_OF_LOGS = ("train_step", "test_step", "compute_metrics", "get_metrics_result")


def _to_host(array: Any) -> np.ndarray:
    return device.current().to_numpy(array)


def _loss_mean() -> Any:
    with eager_scope():
        return metrics.Mean(name="loss")


def _check_names(loss: Any, *metric_lists: Any) -> None:
    """Raise at once for names that no batch would make sense of."""
    special = ("accuracy", "acc", "crossentropy", "ce")
    if any(name in special for name in tree.flatten(metric_lists) if isinstance(name, str)):
        _ = metrics.BinaryAccuracy  # which of them it is, the first batch says; its file need not wait for that
    for identifier in tree.flatten(loss):
        if isinstance(identifier, str) and identifier not in special:
            losses.get(identifier)
    for identifier in tree.flatten(metric_lists):
        if isinstance(identifier, str) and identifier not in special:
            metrics.get(identifier)


def _is_due(epoch: int, freq: Any) -> bool:
    if isinstance(freq, int):
        return (epoch + 1) % freq == 0
    if not isinstance(freq, list | tuple | set | range):
        raise ValueError(f"validation_freq must be a number of epochs or a list of epochs, got {freq!r}")
    return epoch + 1 in freq


def _symbol(a: Any) -> Any:
    if not hasattr(a, "shape") or not hasattr(a, "dtype"):
        return a
    dtype = standardize_dtype(a.dtype)
    return KerasTensor((None, *a.shape[1:]), config.floatx() if dtype == "float64" else dtype, name="batch")
