"""The optimizer: what all update rules share."""

import warnings
from typing import Any

from kerasish import initializers, ops
from kerasish.autodiff.tape import GradientTape
from kerasish.core.dispatch import eager_scope, state
from kerasish.core.name_scope import name_scope
from kerasish.core.stateless import StatelessScope
from kerasish.core.variable import Variable
from kerasish.optimizers.config import HasConfig
from kerasish.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from kerasish.utils import naming
from kerasish.utils.registry import builtin


@builtin("keras.optimizers", "keras")
class Optimizer(HasConfig):
    """Changes variables by their gradients (Keras: `Optimizer`).

    A subclass makes its variables in `build(variables)` and changes one variable in
    `update_step(gradient, variable, learning_rate)`.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        weight_decay: part of each variable, times the learning rate, that is taken off at each update.
        clipnorm: largest norm of the gradient of one variable.
        clipvalue: largest magnitude of an element of a gradient.
        global_clipnorm: largest norm of all gradients together.
        use_ema: whether to keep a moving average of the variables, and put it in their place at the end.
        ema_momentum: weight of the old average at each update.
        ema_overwrite_frequency: after how many updates the average is put in the variables' place.
        loss_scale_factor: factor of the loss; gradients are divided by it.
        gradient_accumulation_steps: number of steps whose mean gradient makes one update.
        name: unique if left out.

    Raises:
        ValueError: more than one way of clipping is asked for, or a number is out of range.
    """

    def __init__(self, learning_rate: Any, weight_decay: float | None = None, clipnorm: float | None = None,
                 clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False,
                 ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None,
                 name: str | None = None, **kwargs: Any):
        if kwargs.pop("decay", None) is not None:
            raise ValueError("argument `decay` is gone: give a schedule as `learning_rate`")
        if kwargs:
            raise ValueError(f"{type(self).__name__} got unexpected arguments {sorted(kwargs)}")
        self.name = name or naming.auto_name(type(self).__name__)
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm, self.use_ema, self.ema_momentum = global_clipnorm, use_ema, ema_momentum
        self.ema_overwrite_frequency, self.loss_scale_factor = ema_overwrite_frequency, loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check_arguments()
        self.built = False
        self._variables: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._index: dict[int, int] = {}
        self._no_decay: list[str] = []
        self._no_decay_ids: set[int] = set()
        with eager_scope(), name_scope(self.name, caller=self):
            self._iterations = Variable(0, name="iteration", dtype="int32", trainable=False)
            self._track(self._iterations)
            self._set_learning_rate(learning_rate)

    def _check_arguments(self) -> None:
        clips = {"clipnorm": self.clipnorm, "clipvalue": self.clipvalue, "global_clipnorm": self.global_clipnorm}
        given = [k for k, v in clips.items() if v is not None]
        if len(given) > 1:
            raise ValueError(f"only one of clipnorm, clipvalue and global_clipnorm can be set, got {given}")
        for k in given:
            if clips[k] <= 0:  # type: ignore[operator]
                raise ValueError(f"argument `{k}` must be positive, got {clips[k]}")
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ValueError(f"argument `ema_momentum` must be in [0, 1], got {self.ema_momentum}")
        frequency, steps = self.ema_overwrite_frequency, self.gradient_accumulation_steps
        if frequency is not None and (not isinstance(frequency, int) or frequency < 1):
            raise ValueError(f"argument `ema_overwrite_frequency` must be None or an integer > 0, got {frequency}")
        if steps is not None and (not isinstance(steps, int) or steps < 2):
            raise ValueError(f"argument `gradient_accumulation_steps` must be None or an integer > 1, got {steps}")

    # ---- variables -----------------------------------------------------------------------------

    def _track(self, variable: Variable) -> Variable:
        self._variables.append(variable)
        return variable

    @property
    def variables(self) -> list[Variable]:
        """All variables of the optimizer: the step counter, the learning rate, then its slots."""
        return list(self._variables)

    @property
    def iterations(self) -> Variable:
        """Number of updates so far."""
        return self._iterations

    @iterations.setter
    def iterations(self, variable: Variable) -> None:
        if self.built:
            raise RuntimeError("`iterations` cannot be replaced once the optimizer is built")
        self._variables = [variable if v is self._iterations else v for v in self._variables]
        self._iterations = variable

    def build(self, variables: list[Variable]) -> None:
        """Make the slots for a list of trainable variables."""
        if self.use_ema:
            self._averages = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulated = self.add_optimizer_variables(variables, "gradient_accumulator")
        self._trainable_variables = list(variables)
        self._index = {id(v): i for i, v in enumerate(variables)}
        self.built = True

    def _build_if_needed(self, variables: list[Variable]) -> None:
        if not self.built:
            with eager_scope(), name_scope(self.name, caller=self):
                self.build(variables)

    def add_variable(self, shape: Any, initializer: Any = "zeros", dtype: Any = None, aggregation: str = "none",
                     layout: Any = None, name: str | None = None) -> Variable:
        """Make a variable of the optimizer that belongs to no single variable."""
        with eager_scope(), name_scope(self.name, caller=self):
            return self._track(Variable(initializers.get(initializer), shape=shape, dtype=dtype, trainable=False,
                                        aggregation=aggregation, name=name))

    def add_variable_from_reference(self, reference_variable: Variable, name: str | None = None,
                                    initializer: Any = "zeros") -> Variable:
        """Make a slot of the shape and dtype of a variable."""
        prefix = getattr(reference_variable, "path", reference_variable.name).replace("/", "_")
        return self.add_variable(reference_variable.shape, initializer, reference_variable.handle.dtype.name,
                                 name=f"{prefix}_{name}" if name else prefix)

    def add_optimizer_variables(self, trainable_variables: list[Variable], name: Any,
                                initializer: Any = "zeros") -> Any:
        """Make a slot for each variable; with several names, a list of slots for each name."""
        if isinstance(name, str):
            return [self.add_variable_from_reference(v, name, initializer) for v in trainable_variables]
        kinds = [initializer] * len(name) if not isinstance(initializer, list | tuple) else initializer
        slots: tuple[list[Variable], ...] = tuple([] for _ in name)
        for v in trainable_variables:
            for store, n, kind in zip(slots, name, kinds, strict=True):
                store.append(self.add_variable_from_reference(v, n, kind))
        return slots

    def _get_variable_index(self, variable: Variable) -> int:
        return self._index[id(variable)]

    # ---- learning rate -------------------------------------------------------------------------

    def _set_learning_rate(self, value: Any) -> None:
        if isinstance(value, LearningRateSchedule) or callable(value):
            self._learning_rate: Any = value
        else:
            self._learning_rate = self._track(
                Variable(float(value), name="learning_rate", dtype="float32", trainable=False))

    @property
    def learning_rate(self) -> Any:
        """The learning rate now; a variable unless a schedule gives it."""
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(self._iterations)
        return self._learning_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        current = self._learning_rate
        if isinstance(value, LearningRateSchedule) or callable(value) and not isinstance(value, Variable):
            self._variables = [v for v in self._variables if v is not current]
            self._learning_rate = value
        elif isinstance(current, Variable):
            current.assign(value)
        elif isinstance(current, LearningRateSchedule):
            raise TypeError(f"the learning rate of optimizer {self.name!r} is given by a schedule and cannot be set: "
                            "make the optimizer with a number to set it later")
        else:
            self._set_learning_rate(value)

    # ---- one step ------------------------------------------------------------------------------

    def compute_gradients(self, loss: Any, variables: list[Variable], tape: GradientTape | None = None) -> list[Any]:
        """Return the gradients of a loss, to mask, clip or look at before `apply`.

        Args:
            loss: a function without arguments that returns the loss; or the loss itself, with its tape.
            variables: what to differentiate by.
            tape: the tape on which the loss was made.

        Returns:
            One tensor a variable, None where the loss does not depend on it.
        """
        if callable(loss):
            with GradientTape() as tape:
                loss = loss()
        elif tape is None:
            raise ValueError("compute_gradients needs a function that returns the loss, or a loss and its tape")
        return tape.gradient(loss, list(variables))

    def apply_gradients(self, grads_and_vars: Any) -> Any:
        """Update variables, given as pairs (gradient, variable)."""
        grads, variables = zip(*grads_and_vars, strict=True)
        self.apply(list(grads), list(variables))
        return self._iterations

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Update variables by their gradients.

        Args:
            grads: one gradient a variable, None for those that stay.
            trainable_variables: the variables; those that the optimizer was built with if left out.

        Raises:
            ValueError: the numbers differ, a variable is unknown to the optimizer, or no gradient is given.
        """
        grads = list(grads)
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if trainable_variables is None and not self.built:
            raise ValueError("the first apply() of an optimizer needs `trainable_variables`")
        if not grads:
            return
        if len(grads) != len(variables):
            raise ValueError(f"apply() got {len(grads)} gradients for {len(variables)} variables")
        self._build_if_needed(variables)
        unknown = [v.path for v in variables if id(v) not in self._index]
        if unknown:
            raise ValueError(f"optimizer {self.name!r} was not built with the variables {unknown}: build it with all "
                             "variables, or make a new one")
        grads, variables = self._overwrite_with_gradients(grads, variables)
        pairs = self._without_missing(grads, variables)
        if pairs:
            with name_scope(self.name, caller=self):
                self._apply([g for g, _ in pairs], [v for _, v in pairs])
        self._iterations.assign_add(1)

    def _overwrite_with_gradients(self, grads: list, variables: list) -> tuple[list, list]:
        if not any(v.overwrite_with_gradient for v in variables):
            return grads, variables
        for g, v in zip(grads, variables, strict=True):
            if v.overwrite_with_gradient:
                v.assign(g)
        kept = [(g, v) for g, v in zip(grads, variables, strict=True) if not v.overwrite_with_gradient]
        return [g for g, _ in kept], [v for _, v in kept]

    def _without_missing(self, grads: list, variables: list) -> list:
        if None not in [g if g is None else 0 for g in grads]:
            return list(zip(grads, variables, strict=True))
        missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
        if len(missing) == len(grads):
            raise ValueError(f"there is no gradient for any variable: {missing}. Does the loss depend on them?")
        warnings.warn(f"the loss does not depend on the variables {missing}: they stay as they are", stacklevel=4)
        return [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]

    def _apply(self, grads: list, variables: list) -> None:
        if self.loss_scale_factor is not None:
            grads = [ops.divide(g, self.loss_scale_factor) for g in grads]
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables)
        else:
            self._update(grads, variables)

    def _accumulate(self, grads: list, variables: list) -> None:
        steps = self.gradient_accumulation_steps
        slots = [self._accumulated[self._get_variable_index(v)] for v in variables]
        sums = [ops.add(slot, g) for slot, g in zip(slots, grads, strict=True)]

        def update() -> None:
            self._update([ops.divide(s, steps) for s in sums], variables)
            for slot in slots:
                slot.assign(ops.zeros_like(slot))

        def keep() -> None:
            for slot, s in zip(slots, sums, strict=True):
                slot.assign(s)

        ops.cond(ops.equal(ops.mod(ops.add(self._iterations, 1), steps), 0), update, keep)

    def _update(self, grads: list, variables: list) -> None:
        learning_rate = ops.cast(self.learning_rate, "float32")
        grads = self._clip(grads)
        self._decay_weights(variables, learning_rate)
        self._backend_update_step(grads, variables, learning_rate)
        if self.use_ema:
            self._update_averages()
        for v in variables:
            if v.constraint is not None:
                v.assign(v.constraint(v))

    def _backend_update_step(self, grads: list, trainable_variables: list, learning_rate: Any) -> None:
        """Update every variable; an optimizer that needs to see all at once overrides this."""
        for g, v in zip(grads, trainable_variables, strict=True):
            self.update_step(g, v, learning_rate)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable; what a subclass writes."""
        raise NotImplementedError(f"{type(self).__name__} has no update_step() method")

    def assign(self, variable: Variable, value: Any) -> None:
        """Assign to a variable."""
        variable.assign(ops.cast(value, variable.handle.dtype))

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Add to a variable."""
        variable.assign_add(ops.cast(value, variable.handle.dtype))

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtract from a variable."""
        variable.assign_sub(ops.cast(value, variable.handle.dtype))

    # ---- clipping, decay, averages ---------------------------------------------------------------

    def _clip(self, grads: list) -> list:
        if self.clipnorm:
            return [_clip_by_norm(g, self.clipnorm) for g in grads]
        if self.global_clipnorm:
            total = ops.sqrt(_sum([ops.sum(ops.square(g)) for g in grads]))
            scale = ops.divide(self.global_clipnorm, ops.maximum(total, self.global_clipnorm))
            return [ops.multiply(g, ops.cast(scale, g.dtype)) for g in grads]
        if self.clipvalue:
            return [ops.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Spare variables from weight decay; before the optimizer is built.

        Args:
            var_list: the variables.
            var_names: parts of names; every variable with one of them in its name is spared.
        """
        if self.built:
            raise ValueError("exclude_from_weight_decay() must be called before the optimizer is built")
        self._no_decay_ids |= {id(v) for v in var_list or []}
        self._no_decay += list(var_names or [])

    def _use_weight_decay(self, variable: Variable) -> bool:
        return id(variable) not in self._no_decay_ids and not any(n in variable.name for n in self._no_decay)

    def _decay_weights(self, variables: list, learning_rate: Any) -> None:
        if self.weight_decay is None:
            return
        for v in variables:
            if self._use_weight_decay(v):
                factor = ops.cast(ops.multiply(learning_rate, self.weight_decay), v.handle.dtype)
                v.assign_sub(ops.multiply(v, factor))

    def _update_averages(self) -> None:
        # At the first update the average is the variable itself.
        first = ops.equal(self._iterations, 0)
        keep = ops.where(first, 0.0, self.ema_momentum)
        for v, average in zip(self._trainable_variables, self._averages, strict=True):
            k = ops.cast(keep, v.handle.dtype)
            average.assign(ops.add(ops.multiply(k, average), ops.multiply(ops.subtract(1, k), v)))
        if self.ema_overwrite_frequency:
            due = ops.equal(ops.mod(ops.add(self._iterations, 1), self.ema_overwrite_frequency), 0)
            for v, average in zip(self._trainable_variables, self._averages, strict=True):
                v.assign(ops.where(due, average, v))

    def finalize_variable_values(self, var_list: Any) -> None:
        """Put the moving averages in the variables' place, at the end of training."""
        if self.use_ema and self.built:
            for v in var_list:
                if id(v) in self._index:
                    v.assign(self._averages[self._index[id(v)]])

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times the loss scale factor."""
        return loss if self.loss_scale_factor is None else ops.multiply(loss, self.loss_scale_factor)

    def stateless_apply(self, optimizer_variables: Any, grads: Any, trainable_variables: Any) -> Any:
        """Return (new variables, new optimizer variables) without changing any.

        Args:
            optimizer_variables: values for the optimizer's variables.
            grads: one gradient a trainable variable.
            trainable_variables: values for the trainable variables.
        """
        self._check_stateless(optimizer_variables, trainable_variables)
        own = list(zip(self._trainable_variables, trainable_variables, strict=True))
        slots = list(zip(self._variables, optimizer_variables, strict=True))
        with StatelessScope(own + slots):
            self.apply(grads)
            return ([state.variables.read(v) for v in self._trainable_variables],
                    [state.variables.read(v) for v in self._variables])

    def _check_stateless(self, optimizer_variables: Any, trainable_variables: Any) -> None:
        if not self.built:
            raise ValueError("build the optimizer before stateless_apply(): optimizer.build(trainable_variables)")
        if len(optimizer_variables) != len(self._variables):
            raise ValueError(f"optimizer {self.name!r} has {len(self._variables)} variables, "
                             f"got {len(optimizer_variables)} values")
        if len(trainable_variables) != len(self._trainable_variables):
            raise ValueError(f"optimizer {self.name!r} was built with {len(self._trainable_variables)} trainable "
                             f"variables, got {len(trainable_variables)} values")


def _clip_by_norm(g: Any, limit: float) -> Any:
    norm = ops.sqrt(ops.sum(ops.square(g)))
    return ops.multiply(g, ops.divide(limit, ops.maximum(norm, limit)))


def _sum(values: list) -> Any:
    total = values[0]
    for v in values[1:]:
        total = ops.add(total, v)
    return total

