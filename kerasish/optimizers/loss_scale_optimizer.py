"""Scales the loss so that half-precision gradients neither vanish nor overflow."""

from typing import Any

from kerasish import initializers, ops
from kerasish.core.variable import Variable
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils import serialization
from kerasish.utils.registry import builtin

# What files of older versions hold besides; only these values have a meaning.
_BASE_DEFAULTS = {"weight_decay": None, "clipnorm": None, "global_clipnorm": None, "clipvalue": None,
                  "use_ema": False, "ema_momentum": 0.99, "ema_overwrite_frequency": None,
                  "loss_scale_factor": None, "gradient_accumulation_steps": None}


@builtin("keras.optimizers", "keras.mixed_precision")
class LossScaleOptimizer(Optimizer):
    """Hands gradients of a scaled loss on to another optimizer (Micikevicius et al. 2018; Keras:
    `optimizers.LossScaleOptimizer`).

    A step with a gradient that is not finite is left out, and halves the scale; a row of
    `dynamic_growth_steps` finite steps doubles it.

    Args:
        inner_optimizer: the optimizer that updates.
        initial_scale: the first scale.
        dynamic_growth_steps: number of finite steps after which the scale doubles.
        name: unique if left out.

    Raises:
        ValueError: an argument belongs to the inner optimizer.
    """

    def __init__(self, inner_optimizer: Optimizer, initial_scale: float = 2.0**15, dynamic_growth_steps: int = 2000,
                 name: str | None = None, **kwargs: Any):
        if not kwargs.pop("dynamic", True):
            raise ValueError("LossScaleOptimizer has no `dynamic=False`: set `loss_scale_factor` of the inner "
                             "optimizer for a fixed scale")
        foreign = [k for k, v in kwargs.items() if k not in _BASE_DEFAULTS or v != _BASE_DEFAULTS[k]]
        if foreign:
            raise ValueError("LossScaleOptimizer does not take the arguments: " + ", ".join(f"`{k}`" for k in foreign)
                             + "; set them on the `inner_optimizer`")
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None  # or gradients would be scaled twice

    def build(self, var_list: list[Variable]) -> None:
        """Make the scale and the count of finite steps, and build the inner optimizer."""
        if self.built:
            return
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable((), initializers.Constant(self.initial_scale), "float32",
                                               name="dynamic_scale")
        self.inner_optimizer.build(var_list)
        super().build(var_list)

    @property
    def variables(self) -> list[Variable]:
        """Its own variables, then those of the inner optimizer."""
        return [*self._variables, *self.inner_optimizer.variables]

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Update variables by the gradients of the scaled loss, if all are finite."""
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        grads = self._checked(list(grads), variables, given=trainable_variables is not None)
        if not grads:
            return
        scale, count = self.dynamic_scale.value, self.step_counter.value
        finite = self.check_finite(grads)

        def update() -> None:
            unscaled = [g if g is None or v.overwrite_with_gradient else ops.divide(g, ops.cast(scale, g.dtype))
                        for g, v in zip(grads, variables, strict=True)]
            self.inner_optimizer.apply(unscaled, variables)

        ops.cond(finite, update, lambda: None)
        grown = ops.logical_and(finite, ops.equal(count, self.dynamic_growth_steps - 1))
        factor = ops.where(finite, ops.where(grown, 2.0, 1.0), 0.5)
        self.dynamic_scale.assign(ops.multiply(scale, factor))
        goes_on = ops.logical_and(finite, ops.logical_not(grown))
        self.step_counter.assign(ops.where(goes_on, ops.add(count, 1), 0))

    def check_finite(self, grads: Any) -> Any:
        """Return whether every element of every gradient is finite, as a scalar tensor."""
        return ops.all(ops.stack([ops.all(ops.isfinite(g)) for g in grads if g is not None]))

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self) -> Any:
        """Number of updates of the inner optimizer."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times the present scale."""
        return ops.multiply(loss, self.dynamic_scale if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Let the inner optimizer put its averages in the variables' place."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"name": self.name, "inner_optimizer": serialization.serialize_keras_object(self.inner_optimizer),
                "initial_scale": self.initial_scale, "dynamic_growth_steps": self.dynamic_growth_steps}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "LossScaleOptimizer":
        """Make an optimizer from what `get_config` gave."""
        inner = serialization.deserialize_keras_object(config["inner_optimizer"], custom_objects=custom_objects)
        return cls(inner, **{k: v for k, v in config.items() if k != "inner_optimizer"})
