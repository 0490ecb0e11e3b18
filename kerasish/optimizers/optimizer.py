"""The optimizer: what all update rules share."""

import re
import warnings
from typing import Any

from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.core.dispatch import eager_scope, state
from kerasish.core.name_scope import name_scope
from kerasish.core.stateless import StatelessScope
from kerasish.core.variable import Variable
from kerasish.ops.elementwise import over
from kerasish.optimizers.clipping import clip_by_global_norm, clip_by_norm
from kerasish.optimizers.config import HasConfig
from kerasish.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from kerasish.optimizers.slots import HasSlots
from kerasish.utils import config, naming
from kerasish.utils.registry import builtin


@builtin("keras.optimizers", "keras")
class Optimizer(HasSlots, HasConfig):
    """Changes variables by their gradients (Keras: `Optimizer`).

    A subclass makes its variables in `build(variables)` and changes one variable in
    `update_step(gradient, variable, learning_rate)`. What a step needs that is the same for all variables goes
    through `_once(function, *arguments)`, which computes it once a step.

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
            raise ValueError(f"Unrecognized keyword arguments {sorted(kwargs)} of {type(self).__name__}")
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
        self._no_decay_ids: set[int] = set()
        self._no_decay_names: re.Pattern | None = None
        self._shared: dict[Any, Any] | None = None
        with eager_scope(), name_scope(self.name, caller=self):
            self._iterations = Variable(0, name="iteration", dtype="int32", trainable=False,
                                        aggregation="only_first_replica")
        self._learning_rate = learning_rate if callable(learning_rate) else self._rate_variable(learning_rate)

    def _check_arguments(self) -> None:
        clips = {"clipnorm": self.clipnorm, "clipvalue": self.clipvalue, "global_clipnorm": self.global_clipnorm}
        given = [k for k, v in clips.items() if v is not None]
        if len(given) > 1:
            raise ValueError(f"an optimizer clips in one way, got {' and '.join(given)}")
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

    @property
    def iterations(self) -> Any:
        """Number of updates so far, as a scalar integer: the steps, over those that are gathered for one update."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations, self.gradient_accumulation_steps)
        return self._iterations

    def build(self, variables: list[Variable]) -> None:
        """Make the slots for a list of trainable variables."""
        if self.use_ema:
            self._model_variables_moving_average = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulated_gradients = [self.add_variable_from_reference(v, "gradient_accumulator")
                                           for v in variables]
        self._trainable_variables = list(variables)
        self._index = {id(v): i for i, v in enumerate(variables)}
        self.built = True

    def _build_if_needed(self, variables: list[Variable]) -> None:
        if not self.built:
            with eager_scope(), name_scope(self.name, caller=self):
                self.build(variables)
            self.built = True

    # ---- learning rate -------------------------------------------------------------------------

    def _rate_variable(self, value: Any) -> Variable:
        try:
            number = None if isinstance(value, str | bool) else float(value)
        except (TypeError, ValueError):
            number = None
        if number is None:
            raise ValueError("argument `learning_rate` must be a number, a LearningRateSchedule or a function without "
                             f"arguments, got {value!r}")
        with eager_scope(), name_scope(self.name, caller=self):
            return Variable(number, name="learning_rate", dtype=config.floatx(), trainable=False,
                            aggregation="only_first_replica")

    @property
    def learning_rate(self) -> Any:
        """The learning rate now; a variable unless a schedule or function gives it."""
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(self._iterations)
        return self._learning_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        current = self._learning_rate
        if callable(value):
            self._variables = [v for v in self._variables if v is not current]
            self._learning_rate = value
        elif isinstance(current, Variable):
            current.assign(value)
        elif isinstance(current, LearningRateSchedule):
            raise TypeError(f"the learning rate of {self.name!r} follows a LearningRateSchedule and cannot be set; "
                            "make the optimizer with a number to set it later")
        else:
            self._learning_rate = self._rate_variable(value)

    # ---- one step ------------------------------------------------------------------------------

    def compute_gradients(self, loss: Any, variables: list[Variable], tape: GradientTape | None = None) -> list[Any]:
        """Return the gradients of the scaled loss, to mask or look at before `apply`.

        Args:
            loss: a function without arguments that returns the loss; or what `scale_loss` returned, with its tape.
            variables: what to differentiate by.
            tape: the tape on which the loss was made.

        Returns:
            One tensor a variable, None where the loss does not depend on it.
        """
        if callable(loss):
            with GradientTape() as tape:
                loss = self.scale_loss(loss())
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
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        grads = self._checked(list(grads), variables, given=trainable_variables is not None)
        if not grads:
            return
        with name_scope(self.name, caller=self):
            pairs = self._overwrite_with_gradients(self._without_missing(grads, variables))
            if pairs:
                self._apply([g for g, _ in pairs], [v for _, v in pairs])
        self._iterations.assign_add(1)

    def _checked(self, grads: list, variables: list, given: bool) -> list:
        """Return the gradients, one a variable, and build the optimizer if that was not done."""
        if not grads:
            return grads
        if not given and not self.built:
            raise ValueError("the first apply() of an optimizer needs `trainable_variables`")
        if len(grads) != len(variables):
            raise ValueError(f"apply() got {len(grads)} gradients for {len(variables)} variables")
        self._build_if_needed(variables)
        unknown = [v.path for v in variables if id(v) not in self._index]
        if unknown:
            raise ValueError(f"optimizer {self.name!r} was not built with the variables {unknown}: build it with all "
                             "variables, or make a new one")
        return grads

    def _without_missing(self, grads: list, variables: list) -> list:
        missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
        if missing and len(missing) == len(grads):
            raise ValueError(f"No gradients provided for any variable: the loss depends on none of {missing}")
        if missing:
            warnings.warn(f"the loss does not depend on the variables {missing}: they stay as they are", stacklevel=4)
        return [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]

    def _overwrite_with_gradients(self, pairs: list) -> list:
        """Put gradients in the place of variables that ask for it (scales of 8-bit floats); return the other pairs."""
        for g, v in pairs:
            if v.overwrite_with_gradient and self.gradient_accumulation_steps:
                # Of a row of steps the largest value counts.
                slot = self._accumulated_gradients[self._get_variable_index(v)]
                largest, due = ops.maximum(g, slot), self._is_update_due()
                v.assign(ops.where(due, largest, v))
                slot.assign(ops.where(due, 0, largest))
            elif v.overwrite_with_gradient:
                v.assign(g)
        return [(g, v) for g, v in pairs if not v.overwrite_with_gradient]

    def _is_update_due(self) -> Any:
        return ops.equal(ops.mod(ops.add(self._iterations, 1), self.gradient_accumulation_steps), 0)

    def _apply(self, grads: list, variables: list) -> None:
        if self.loss_scale_factor is not None:
            grads = [ops.divide(g, self.loss_scale_factor) for g in grads]
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables)
        else:
            self._update(grads, variables)
        if self.use_ema:
            self._update_averages()
        for v in variables:
            if v.constraint is not None:
                v.assign(v.constraint(v))

    def _accumulate(self, grads: list, variables: list) -> None:
        slots = [self._accumulated_gradients[self._get_variable_index(v)] for v in variables]
        sums = [ops.add(slot, g) for slot, g in zip(slots, grads, strict=True)]

        def update() -> None:
            self._update([ops.divide(s, self.gradient_accumulation_steps) for s in sums], variables)
            for slot in slots:
                slot.assign(ops.zeros_like(slot))

        def keep() -> None:
            for slot, s in zip(slots, sums, strict=True):
                slot.assign(s)

        ops.cond(self._is_update_due(), update, keep)

    def _update(self, grads: list, variables: list) -> None:
        self._shared = {}
        try:
            grads = self._clip_gradients(grads)
            self._apply_weight_decay(variables)
            self._backend_update_step(grads, variables, self._once(self._rate))
        finally:
            self._shared = None

    def _once(self, function: Any, *args: Any) -> Any:
        """Return `function(*args)`, computed once a step for all variables; for what all of them share.

        Arguments count as the same when they are the same object; functions are told apart by their names.
        """
        if self._shared is None:
            return function(*args)
        key = (function.__name__, *map(id, args))
        if key not in self._shared:
            self._shared[key] = (function(*args), args)  # the arguments are kept, so that their ids stay theirs
        return self._shared[key][0]

    def _rate(self) -> Any:
        return ops.convert_to_tensor(self.learning_rate)

    def _step_number(self, dtype: Any) -> Any:
        """The number of this update, from 1 on; never in half precision, which cannot count."""
        return ops.cast(ops.add(self.iterations, 1), dtype if dtype == "float64" else "float32")

    def _bias(self, beta: float, dtype: Any) -> Any:
        """What a running mean that began at 0 has gathered of its weights: `1 - beta^t`."""
        return ops.subtract(1, ops.power(beta, self._once(self._step_number, dtype)))

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

    def _clip_gradients(self, grads: list) -> list:
        if self.clipnorm:
            return [clip_by_norm(g, self.clipnorm) for g in grads]
        if self.global_clipnorm:
            return clip_by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue:
            return [ops.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Spare variables from weight decay; before the optimizer is built. A second call replaces the first.

        Args:
            var_list: the variables.
            var_names: parts of names, or regular expressions; a variable in whose name one is found is spared.

        Raises:
            ValueError: the optimizer is built.
        """
        if self.built:
            raise ValueError("exclude_from_weight_decay() must be called before the optimizer is built")
        self._no_decay_ids = {id(v) for v in var_list or []}
        self._no_decay_names = re.compile("|".join(var_names)) if var_names else None

    def _use_weight_decay(self, variable: Variable) -> bool:
        named = self._no_decay_names is not None and self._no_decay_names.search(variable.name)
        return id(variable) not in self._no_decay_ids and not named

    def _apply_weight_decay(self, variables: list) -> None:
        if self.weight_decay is not None:
            for v in variables:
                if self._use_weight_decay(v):
                    self._shrink(v, self.weight_decay)

    def _shrink(self, variable: Variable, weight_decay: float) -> None:
        rate = self._once(ops.multiply, self._once(self._rate), weight_decay)
        taken = ops.multiply(variable.value, self._once(ops.cast, rate, variable.handle.dtype))
        variable.assign(over("subtract", variable.value, taken, own=1))

    def _averaged(self) -> list[tuple[Variable, Variable]]:
        """Pairs (variable, its moving average)."""
        pairs = zip(self._trainable_variables, self._model_variables_moving_average, strict=True)
        return [(v, a) for v, a in pairs if a is not None]

    def _update_averages(self) -> None:
        # At the first update the average becomes the variable itself.
        part = ops.where(ops.equal(self.iterations, 0), 1.0, 1 - self.ema_momentum)
        for v, average in self._averaged():
            step = ops.subtract(v.value, average.value)
            average.assign_add(ops.multiply(step, ops.cast(part, average.handle.dtype)))
        if self.ema_overwrite_frequency:
            due = ops.equal(ops.mod(ops.add(self.iterations, 1), self.ema_overwrite_frequency), 0)
            for v, average in self._averaged():
                v.assign(ops.where(due, average, v))

    def finalize_variable_values(self, var_list: Any) -> None:
        """Put the moving averages in the variables' place, at the end of training."""
        if self.use_ema and self.built:
            wanted = {id(v) for v in var_list}
            for v, average in self._averaged():
                if id(v) in wanted:
                    v.assign(average)

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
        slots = list(zip(self.variables, optimizer_variables, strict=True))
        with StatelessScope(own + slots):
            self.apply(grads)
            return ([state.variables.read(v) for v in self._trainable_variables],
                    [state.variables.read(v) for v in self.variables])

    def _check_stateless(self, optimizer_variables: Any, trainable_variables: Any) -> None:
        if not self.built:
            raise ValueError("build the optimizer before stateless_apply(): optimizer.build(trainable_variables)")
        if len(optimizer_variables) != len(self.variables):
            raise ValueError(f"optimizer {self.name!r} has {len(self.variables)} variables, "
                             f"got {len(optimizer_variables)} values")
        if len(trainable_variables) != len(self._trainable_variables):
            raise ValueError(f"optimizer {self.name!r} was built with {len(self._trainable_variables)} trainable "
                             f"variables, got {len(trainable_variables)} values")
