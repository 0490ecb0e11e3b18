"""What losses share."""

from collections.abc import Callable
from typing import Any

from kerasish import ops
from kerasish.core import dtype_policy
from kerasish.losses.pairing import match_ranks
from kerasish.losses.reduction import check_reduction, mask_of, reduce_weighted_values
from kerasish.utils import config, naming, serialization, tree
from kerasish.utils.registry import builtin


@builtin("keras.losses", "keras")
class Loss:
    """Base class of losses: `call` gives the losses of the samples, which are weighted and reduced (Keras: `Loss`).

    Args:
        name: unique if left out.
        reduction: "sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none" or None.
        dtype: dtype or dtype policy in which to compute; `floatx` if left out.

    Raises:
        ValueError: the reduction is unknown.
    """

    # Whether targets are classes: these stay integers, for a float16 would not tell 4096 from 4097.
    integer_targets = False

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None):
        self.name = name or naming.auto_name(type(self).__name__)
        self.reduction = check_reduction(reduction)
        self._dtype_policy = dtype_policy.get(dtype or config.floatx())

    @property
    def dtype(self) -> str:
        """Name of the dtype in which the loss is computed."""
        return self._dtype_policy.compute_dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the reduced loss of a batch.

        Args:
            y_true: targets (batch, ...), possibly nested.
            y_pred: predictions, likewise; a mask that they carry leaves elements out.
            sample_weight: weights (batch,) or of the shape of the losses.

        Returns:
            A scalar, or with reduction "none" the weighted losses, of the shape that `call` returns.
        """
        mask = mask_of(y_pred)
        y_pred = _tensors(y_pred, self.dtype)
        y_true = _tensors(y_true, None if self.integer_targets else self.dtype)
        values = self.call(y_true, y_pred)
        own_mask = mask_of(values)
        if mask is not None and own_mask is not None:
            mask = ops.logical_and(mask, own_mask)
        return reduce_weighted_values(values, sample_weight, own_mask if mask is None else mask, self.reduction,
                                      self.dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the losses of the samples, unweighted."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred)")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Loss":
        """Make a loss from what `get_config` gave."""
        return cls(**config)


# Keras exports no such name: files say where it keeps the class.
@builtin("keras.src.losses.losses", "keras.losses")
class LossFunctionWrapper(Loss):
    """The loss that a function computes.

    Args:
        fn: function of (y_true, y_pred, **kwargs) that returns losses (batch, ...).
        reduction, name, dtype: as in `Loss`.
        **kwargs: handed to the function.
    """

    def __init__(self, fn: Callable[..., Any], reduction: str | None = "sum_over_batch_size", name: str | None = None,
                 dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs
        self.integer_targets = getattr(fn, "integer_targets", False)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if tree.is_nested(y_true):
            pairs = tree.map_structure(match_ranks, y_true, y_pred)
            y_true = tree.map_structure_up_to(y_true, lambda x: x[0], pairs)
            y_pred = tree.map_structure_up_to(y_true, lambda x: x[1], pairs)
        else:
            y_true, y_pred = match_ranks(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        given = {"fn": self.fn, **self._fn_kwargs}
        return {**super().get_config(), **serialization.serialize_keras_object(given)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Loss":
        """Make a loss from what `get_config` gave."""
        # Strings stay what they are: the name of a loss may be that of a registered function.
        objects = {k: serialization.deserialize_keras_object(v) for k, v in config.items() if isinstance(v, dict)}
        return cls(**{**config, **objects})

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({getattr(self.fn, '__name__', self.fn)}, kwargs={self._fn_kwargs})>"


class NamedLoss(LossFunctionWrapper):
    """A loss whose class stands for its function; the function's keywords are attributes."""

    def __init__(self, fn: Callable[..., Any], reduction: str | None, name: str | None, dtype: Any, **kwargs: Any):
        super().__init__(fn, reduction, name, dtype, **kwargs)
        vars(self).update(kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**Loss.get_config(self), **self._fn_kwargs}


def _tensors(x: Any, dtype: str | None) -> Any:
    """Nested arrays as tensors; lists of numbers are arrays."""
    if tree.is_nested(x) and any(hasattr(leaf, "shape") for leaf in tree.flatten(x)):
        return tree.map_structure(lambda leaf: ops.convert_to_tensor(leaf, dtype=dtype), x)
    return ops.convert_to_tensor(x, dtype=dtype)
