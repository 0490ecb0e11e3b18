"""Several optimizers, each for its own variables."""

from collections.abc import Callable
from typing import Any

from kerasish.core.variable import Variable
from kerasish.optimizers.optimizer import Optimizer
from kerasish.optimizers.optimizer_map import OptimizerMap, check_inner_optimizer
from kerasish.utils import serialization
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class MultiOptimizer(Optimizer):
    """Leaves each variable to an optimizer of its own (Keras: `optimizers.MultiOptimizer`).

    Learning rates are those of the parts, in `optimizers`.

    Args:
        optimizer_map: an `OptimizerMap`, or a function that returns an optimizer for a variable.
        loss_scale_factor: factor of the loss, for all parts.
        name: unique if left out.
    """

    def __init__(self, optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
                 loss_scale_factor: float | None = None, name: str | None = None):
        self._parts: list[Optimizer] = []
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        if isinstance(optimizer_map, OptimizerMap):
            for part in [*(optimizer_map[k] for k in optimizer_map), optimizer_map.default_optimizer]:
                self._add_part(part)

    def _add_part(self, part: Optimizer) -> None:
        if not any(p is part for p in self._parts):
            part.loss_scale_factor = self.loss_scale_factor
            self._parts.append(part)

    def build(self, var_list: list[Variable]) -> None:
        """Give each variable its optimizer, and build these."""
        if self.built:
            return
        self._part_of: dict[int, Optimizer] = {}
        for v in var_list:
            part = self._optimizer_map(v)
            check_inner_optimizer(part, v.path)
            self._add_part(part)
            self._part_of[id(v)] = part
        for part, variables in self._by_part(var_list):
            part.build(variables)
        super().build(var_list)

    def _by_part(self, variables: list[Variable]) -> list[tuple[Optimizer, list[Variable]]]:
        groups = [(p, [v for v in variables if self._part_of.get(id(v)) is p]) for p in self._parts]
        return [(p, group) for p, group in groups if group]

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers among which the variables are divided."""
        return self._parts

    @property
    def variables(self) -> list[Variable]:
        """Its own variables, then those of the parts."""
        return [*self._variables, *(v for part in self._parts for v in part.variables)]

    @property
    def learning_rate(self) -> Any:
        """Nothing: each part has its own."""
        raise AttributeError("a MultiOptimizer has no learning rate: its `optimizers` have")

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError("a MultiOptimizer has no learning rate to set: set those of its `optimizers`")

    @property
    def loss_scale_factor(self) -> float | None:
        """Factor of the loss, for all parts."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, value: float | None) -> None:
        self._loss_scale_factor = value
        for part in self._parts:
            part.loss_scale_factor = value

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Update variables by their gradients, each part its own."""
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        grads = self._checked(list(grads), variables, given=trainable_variables is not None)
        if not grads:
            return
        of = {id(v): g for g, v in zip(grads, variables, strict=True)}
        for part, group in self._by_part(variables):
            part.apply([of[id(v)] for v in group], group)
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Let the parts put their averages in the variables' place."""
        if self.built:
            for part, group in self._by_part(list(var_list)):
                part.finalize_variable_values(group)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"optimizer_map": serialization.serialize_keras_object(self._optimizer_map),
                "loss_scale_factor": self.loss_scale_factor, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "MultiOptimizer":
        """Make an optimizer from what `get_config` gave."""
        chooser = serialization.deserialize_keras_object(config["optimizer_map"], custom_objects=custom_objects)
        return cls(**{**config, "optimizer_map": chooser})
