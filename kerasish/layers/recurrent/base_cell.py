"""What the cells of recurrent layers share: one step, its weights, and its dropout."""

from collections.abc import Callable
from typing import Any

from kerasish import activations, ops
from kerasish.core.dispatch import scope, state
from kerasish.core.random_state import SeedGenerator
from kerasish.layers.base.arguments import fraction, positive_int
from kerasish.layers.base.layer import Layer
from kerasish.layers.base.weight_arguments import HasWeightArguments
from kerasish.ops import random


class BaseCell(HasWeightArguments, Layer):
    """A step `cell(inputs, states)` -> (output, new states).

    Dropout masks are drawn at the first step and kept until they are reset: every step of a sequence drops the same.

    Args:
        gates: how many gates the kernels hold side by side.
        activation, recurrent_activation: names or functions; the second counts only where there are gates.
        use_bias: whether a bias is added.
        dropout, recurrent_dropout: fractions of inputs and of states that are dropped in training.
        seed: of the masks.
        weight_arguments: initializers, regularizers and constraints by name.
        implementation: 1 for masks of their own for each gate.
    """

    kernel: Any
    recurrent_kernel: Any
    bias: Any
    bias_initializer: Any

    def __init__(self, gates: int, activation: Any, recurrent_activation: Any, use_bias: bool, dropout: float,
                 recurrent_dropout: float, seed: int | None, weight_arguments: dict[str, Any],
                 implementation: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self._gates = gates
        self.activation = activations.get(activation)
        if gates > 1:
            self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self._set_weight_arguments(**weight_arguments)
        self.dropout = fraction(dropout, "dropout")
        self.recurrent_dropout = fraction(recurrent_dropout, "recurrent_dropout")
        self.implementation = 1 if self.recurrent_dropout and gates > 1 else implementation
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self._dropout_mask: Any = None
        self._recurrent_dropout_mask: Any = None

    # ---- dropout -------------------------------------------------------------------------------

    # Where masks are drawn: outside the loop over a sequence, of which a compiled program has the body but once.
    _outside: dict[str, Any] = {}

    def begin_sequence(self) -> None:
        """Let masks be drawn as if all of them were drawn now."""
        outside = {"interpreter": state.interpreter, "variables": state.variables, "tapes": state.tapes}
        object.__setattr__(self, "_outside", outside)

    def end_sequence(self) -> None:
        """Forget the masks: the next sequence draws others."""
        self.reset_dropout_mask()
        self.reset_recurrent_dropout_mask()
        object.__setattr__(self, "_outside", {})

    def _draw_mask(self, x: Any, rate: float) -> Any:
        count = self._gates if self.implementation == 1 else 1
        with scope(**self._outside):
            whole = ops.ones(x.shape, dtype=x.dtype.name)
            masks = tuple(random.dropout(whole, rate, seed=self.seed_generator) for _ in range(count))
        return masks if self.implementation == 1 and self._gates > 1 else masks[0]

    def get_dropout_mask(self, step_input: Any) -> Any:
        """Return the mask of the inputs, one a gate if they have their own; None without dropout."""
        if self._dropout_mask is None and self.dropout:
            self._dropout_mask = self._draw_mask(step_input, self.dropout)
        return self._dropout_mask

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """Return the mask of the states, one a gate if they have their own; None without dropout."""
        if self._recurrent_dropout_mask is None and self.recurrent_dropout:
            self._recurrent_dropout_mask = self._draw_mask(step_input, self.recurrent_dropout)
        return self._recurrent_dropout_mask

    def reset_dropout_mask(self) -> None:
        """Forget the mask of the inputs: the next step draws another one."""
        self._dropout_mask = None

    def reset_recurrent_dropout_mask(self) -> None:
        """Forget the mask of the states: the next step draws another one."""
        self._recurrent_dropout_mask = None

    def _dropout_masks(self, inputs: Any, state: Any, training: Any) -> tuple[Any, Any]:
        if not training:
            return None, None
        return self.get_dropout_mask(inputs), self.get_recurrent_dropout_mask(state)

    # --------------------------------------------------------------------------------------------

    def _through_gates(self, x: Any, kernel: Any, masks: Any, product: Callable[..., Any] = ops.matmul,
                       axis: int = -1) -> Any:
        """Return the products of `x` with the kernels of all gates, side by side along an axis."""
        if not isinstance(masks, tuple):
            return product(x if masks is None else x * masks, kernel)
        kernels = ops.split(kernel, len(masks), axis=-1)
        return ops.concatenate([product(x * m, k) for m, k in zip(masks, kernels, strict=True)], axis=axis)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), **self.own_config()}

    def own_config(self) -> dict[str, Any]:
        """Return the arguments that the cell does not share with every layer."""
        gated = {"recurrent_activation": activations.serialize(self.recurrent_activation)} if self._gates > 1 else {}
        return {"activation": activations.serialize(self.activation), **gated, "use_bias": self.use_bias,
                **self._weight_config(), "dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout,
                "seed": self.seed}


class DenseCell(BaseCell):
    """A cell of dense products, with `units` numbers of state.

    Args:
        units: length of the state and the output.
        states: how many states there are.
        others: as in `BaseCell`.
    """

    def __init__(self, units: int, states: int = 1, **kwargs: Any):
        units = positive_int(units, "units")
        super().__init__(**kwargs)
        self.units = self.output_size = units
        self.state_size: Any = units if states == 1 else [units] * states

    def build(self, input_shape: Any) -> None:
        """Make kernel (inputs, gates * units), recurrent kernel (units, gates * units) and bias."""
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"layer {self.path!r} needs to know the length of its input's last axis, got shape "
                             f"{tuple(input_shape)}")
        width = self._gates * self.units
        self.kernel = self._add_described("kernel", (features, width))
        self.recurrent_kernel = self._add_described("recurrent_kernel", (self.units, width), "recurrent")
        self.bias = self._add_bias(width) if self.use_bias else None

    def _add_bias(self, width: int) -> Any:
        return self._add_described("bias", (width,))

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Return states of zeros, (batch_size, units) each."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [ops.zeros((batch_size, n), dtype=self.compute_dtype) for n in sizes]

    def own_config(self) -> dict[str, Any]:
        """Return the arguments that the cell does not share with every layer."""
        return {"units": self.units, **super().own_config()}


def forget_bias_initializer(initializer: Any, units: int) -> Callable[..., Any]:
    """Return an initializer of the bias of an LSTM that is 1 for the forget gate, so that states last at first."""

    def initialize(shape: Any, dtype: Any = None) -> Any:
        return ops.concatenate([initializer((units,), dtype=dtype), ops.ones((units,), dtype=dtype),
                                initializer((2 * units,), dtype=dtype)])

    return initialize


def lstm_gates(cell: BaseCell, z: Any, c: Any, axis: int = -1) -> tuple[Any, list[Any]]:
    """Return the output and the new states of an LSTM: `c' = f c + i k`, `h' = o activation(c')`.

    Args:
        cell: has the activations.
        z: what the gates i, f, k and o are activations of, side by side.
        c: the state that the gates keep.
        axis: the axis along which they stand.
    """
    i, f, k, o = ops.split(z, 4, axis=axis)
    gate = cell.recurrent_activation
    c = gate(f) * c + gate(i) * cell.activation(k)
    h = gate(o) * cell.activation(c)
    return h, [h, c]
