"""A recurrent layer run in both directions."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.layer import Layer
from kerasish.utils import tree
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object

_MERGES = {
    "concat": lambda a, b: ops.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "ave": lambda a, b: (a + b) / 2,
    "mul": lambda a, b: a * b,
    None: lambda a, b: (a, b),
}
_SAME = ("stateful", "return_sequences", "return_state")


@builtin("keras.layers")
class Bidirectional(Layer):
    """Run a recurrent layer forwards and a copy of it backwards, and merge their outputs.

    Source: Schuster & Paliwal, 1997; Keras: `layers.Bidirectional`.

    Args:
        layer: a recurrent layer, of whose config both directions are made.
        merge_mode: "concat", "sum", "ave", "mul", or None for both outputs.
        weights: first values of the weights, forwards then backwards; None for those of the initializers.
        backward_layer: another layer for the backward direction; its `go_backwards` must differ.
    """

    def __init__(self, layer: Any, merge_mode: str | None = "concat", weights: Any = None, backward_layer: Any = None,
                 **kwargs: Any):
        for name, given in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(given, Layer) and not (name == "backward_layer" and given is None):
                raise ValueError(f"argument `{name}` of Bidirectional must be a recurrent layer, got {given!r}")
        if merge_mode not in _MERGES:
            raise ValueError(f"argument `merge_mode` must be one of {list(_MERGES)}, got {merge_mode!r}")
        super().__init__(**kwargs)
        self.forward_layer = _copied(layer, "forward_")
        self.backward_layer = _copied(layer, "backward_", go_backwards=True) if backward_layer is None \
            else backward_layer
        self._check_directions()
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(layer, "use_cudnn"):  # no part of a config
                one.use_cudnn = layer.use_cudnn
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = layer.return_sequences
        self.merge_mode = merge_mode
        self._first_weights = list(weights) if weights else None
        self.stateful, self.return_sequences, self.return_state = (getattr(layer, name) for name in _SAME)
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def _check_directions(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(f"`layer` and `backward_layer` must run in different directions, but both have "
                             f"go_backwards={forward.go_backwards}")
        for name in _SAME:
            if getattr(forward, name) != getattr(backward, name):
                raise ValueError(f"`layer` and `backward_layer` must have the same `{name}`, got "
                                 f"{getattr(forward, name)} and {getattr(backward, name)}")

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Build both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._first_weights is not None:
            half = len(self._first_weights) // 2
            self.forward_layer.set_weights(self._first_weights[:half])
            self.backward_layer.set_weights(self._first_weights[half:])

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        """Return the merged outputs, followed by the states, forwards then backwards, if they are asked for.

        Args:
            sequences: (batch, time, ...).
            initial_state: list of the first states of both layers.
            mask: boolean (batch, time).
            training: whether dropout is applied.
        """
        states = None, None
        if initial_state is not None:
            half = len(initial_state) // 2
            states = initial_state[:half], initial_state[half:]
        y, *forward_states = _as_list(self._run(self.forward_layer, sequences, states[0], mask, training))
        back, *backward_states = _as_list(self._run(self.backward_layer, sequences, states[1], mask, training))
        if self.return_sequences:
            back = ops.flip(back, axis=1)
        out = _MERGES[self.merge_mode](ops.cast(y, self.compute_dtype), ops.cast(back, self.compute_dtype))
        if not self.return_state:
            return out
        return (*(out if self.merge_mode is None else (out,)), *forward_states, *backward_states)

    @staticmethod
    def _run(layer: Any, sequences: Any, initial_state: Any, mask: Any, training: Any) -> Any:
        told = {}
        if layer._call_signature.has_training:
            told["training"] = training
        if layer._call_signature.has_mask:
            told["mask"] = mask
        return layer(sequences, initial_state=initial_state, **told)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        """Return the shapes of the outputs."""
        shape, states = self.forward_layer.compute_output_shape(sequences_shape), ()
        if self.return_state:
            shape, *states = shape
        shape = tuple(shape)
        outputs: tuple = (shape, shape) if self.merge_mode is None else (shape,)
        if self.merge_mode == "concat":
            outputs = ((*shape[:-1], 2 * shape[-1]),)
        outputs = (*outputs, *states, *states)
        return outputs if len(outputs) > 1 else outputs[0]

    def compute_mask(self, _: Any, mask: Any) -> Any:
        """Return the masks of the outputs: that of the inputs, if there is an output a step."""
        mask = tree.flatten(mask)[0] if self.return_sequences else None
        outputs = [mask] if self.merge_mode is not None else [mask, mask]
        if self.return_state:
            outputs += [None] * (2 * len(self.forward_layer.state_size))
        return outputs if len(outputs) > 1 else mask

    @property
    def states(self) -> Any:
        """The states that stay, forwards then backwards; None if there are none."""
        if not (self.forward_layer.states and self.backward_layer.states):
            return None
        return (*self.forward_layer.states, *self.backward_layer.states)

    def reset_state(self) -> None:
        """Set the states that stay to zero.

        Raises:
            AttributeError: none stay.
        """
        if not self.stateful:
            raise AttributeError(f"layer {self.path!r} is not stateful, so there are no states to reset")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """The same as `reset_state`, under its older name."""
        self.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "merge_mode": self.merge_mode,
                "layer": serialize_keras_object(self.forward_layer),
                "backward_layer": serialize_keras_object(self.backward_layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Make a layer from what `get_config` gave."""
        config = dict(config)
        for name in ("layer", "backward_layer"):
            if config.get(name) is not None:
                config[name] = deserialize_keras_object(config[name], custom_objects=custom_objects)
        return cls(**config)


def _copied(layer: Layer, prefix: str, **changes: Any) -> Any:
    """A new layer of the same config, with a prefix to its name."""
    described = serialize_keras_object(layer)
    described["config"].update(changes, name=prefix + layer.name.removeprefix(prefix))
    return deserialize_keras_object(described)


def _as_list(out: Any) -> list[Any]:
    return list(out) if isinstance(out, list | tuple) else [out]
