"""What metrics share: state in variables, which updates change and a result is made of."""

from collections.abc import Iterator
from typing import Any

from kerasish import initializers, ops
from kerasish.core import dtype_policy
from kerasish.core.name_scope import name_scope
from kerasish.core.stateless import StatelessScope
from kerasish.core.variable import Variable
from kerasish.utils import config, naming, tree
from kerasish.utils.registry import builtin


@builtin("keras.metrics", "keras")
class Metric:
    """Base class of metrics: `update_state` takes batches into account, `result` says how things stand.

    Variables and metrics that are set as attributes, also in lists and dicts, belong to the state.

    Args:
        dtype: dtype or dtype policy of the result; `floatx` if left out.
        name: unique if left out.
    """

    # By this, layers and models notice metrics among their attributes.
    tracked_as = "metric"

    def __init__(self, dtype: Any = None, name: str | None = None):
        self.name = name or naming.auto_name(type(self).__name__)
        self._dtype_policy = dtype_policy.get(dtype or config.floatx())
        self._dtype = self._dtype_policy.compute_dtype
        self._variables: list[Variable] = []

    @property
    def dtype(self) -> str:
        """Name of the dtype of the result."""
        return self._dtype

    # ---- state -----------------------------------------------------------------------------------

    def add_variable(self, shape: Any, initializer: Any = None, dtype: Any = None, aggregation: str | None = "sum",
                     name: str | None = None) -> Variable:
        """Make a variable of the state.

        Args:
            shape: lengths of its axes.
            initializer: of its first value; zeros if left out. `reset_state` sets zeros.
            dtype: `floatx` if left out.
            aggregation: how the values of replicas join.
            name: unique if left out.
        """
        self._check_super_called()
        initializer = initializers.get("zeros" if initializer is None else initializer)
        with name_scope(self.name.replace("/", ">"), caller=self):
            # Never read in half precision because a layer that updates it computes so.
            variable = Variable(initializer, shape, dtype, trainable=False, autocast=False, aggregation=aggregation,
                                synchronization="on_read", name=name)
        self._variables.append(variable)
        return variable

    def add_weight(self, shape: Any = (), initializer: Any = None, dtype: Any = None,
                   name: str | None = None) -> Variable:
        """Make a variable of the state: `add_variable` under the name it has in layers."""
        return self.add_variable(shape=shape, initializer=initializer, dtype=dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The variables of the state: its own, then those of the metrics it holds."""
        self._check_super_called()
        found = {id(v): v for v in self._variables}
        held = [x for value in vars(self).values() for x in _held(value)]
        found.update({id(v): v for v in held if isinstance(v, Variable)})
        for metric in held:
            if isinstance(metric, Metric):
                found.update({id(v): v for v in metric.variables})
        return list(found.values())

    def _check_super_called(self) -> None:
        if "_variables" not in vars(self):
            raise RuntimeError(f"{type(self).__name__}.__init__() must call super().__init__() before anything else")

    # ---- use -------------------------------------------------------------------------------------

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch into account."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state()")

    def result(self) -> Any:
        """Return the metric of all batches since the last reset: a tensor, or a dict of tensors."""
        raise NotImplementedError(f"{type(self).__name__} must define result()")

    def reset_state(self) -> None:
        """Start again: set the whole state to zero."""
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Update with a batch, and return the result of all batches."""
        self._check_super_called()
        self.update_state(*args, **kwargs)
        return self.result()

    # ---- the same without side effects -----------------------------------------------------------

    def stateless_update_state(self, metric_variables: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Return the values that the variables have after an update, given those before."""
        with self._state(metric_variables) as scope:
            self.update_state(*args, **kwargs)
        return [scope.read(v) for v in self.variables]

    def stateless_result(self, metric_variables: Any) -> Any:
        """Return the result for given values of the variables."""
        with self._state(metric_variables):
            return self.result()

    def stateless_reset_state(self) -> list[Any]:
        """Return the values that the variables have after a reset."""
        with StatelessScope() as scope:
            self.reset_state()
        return [scope.read(v) for v in self.variables]

    def _state(self, values: Any) -> StatelessScope:
        variables = self.variables
        if len(values) != len(variables):
            raise ValueError(f"argument `metric_variables` must hold one tensor for each of the {len(variables)} "
                             f"variables of {self.name!r} ({[v.path for v in variables]}), got {len(values)}")
        return StatelessScope(list(zip(variables, values)))

    # ---- config ----------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Metric":
        """Make a metric from what `get_config` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _held(value: Any) -> Iterator[Any]:
    """The variables and metrics in nested lists, tuples and dicts."""
    if isinstance(value, Variable | Metric):
        yield value
    elif isinstance(value, list | tuple | dict):
        yield from (x for x in tree.flatten(value) if isinstance(x, Variable | Metric))
