"""A layer applied to each step of sequences by itself."""

from typing import Any

from kerasish import ops
from kerasish.core.symbolic import KerasTensor
from kerasish.layers.base.layer import Layer
from kerasish.layers.core.lambda_layer import Lambda
from kerasish.layers.core.wrapper import Wrapper
from kerasish.utils.registry import builtin, builtin_name


@builtin("keras.layers")
class TimeDistributed(Wrapper):
    """Apply a layer to every step of (batch, time, ...), each time with the same weights.

    A layer of ours that treats the samples of a batch each by itself is called once, on all steps as one batch;
    any other is called step by step.

    Source: Keras `layers.TimeDistributed`.

    Args:
        layer: takes and returns one tensor.
    """

    def __init__(self, layer: Layer, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _step_shape(self, shape: Any) -> tuple:
        if not isinstance(shape, list | tuple) or len(shape) < 3:
            raise ValueError(f"layer {self.path!r} needs inputs of at least three axes, (batch, time, ...), got shape "
                             f"{shape}")
        return (shape[0], *shape[2:])

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside for one step."""
        super().build(self._step_shape(input_shape))

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the layer's output, with the time behind the batch."""
        batch, *rest = self.layer.compute_output_shape(self._step_shape(input_shape))
        return (batch, input_shape[1], *rest)

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None) -> KerasTensor:
        """Return the symbolic output, in the dtype that the layer inside gives."""
        step = KerasTensor(self._step_shape(inputs.shape), inputs.dtype)
        out = self.layer.compute_output_spec(
            self.layer.dtype_policy.convert_input(step, self.layer.autocast, self.layer.input_dtype))
        return KerasTensor((out.shape[0], inputs.shape[1], *out.shape[1:]), out.dtype)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Return the layer's outputs, (batch, time, ...)."""
        if mask is not None and tuple(mask.shape[:2]) != tuple(inputs.shape[:2]):
            raise ValueError(f"layer {self.path!r} needs a mask (batch, time, ...) like its inputs, got shapes "
                             f"{tuple(mask.shape)} and {tuple(inputs.shape)}")
        signature = self.layer._call_signature
        told = {"training": training} if signature.has_training else {}
        mask = mask if signature.has_mask else None
        if all(_by_samples(layer) for layer in self.layer._flatten_layers()):
            return self._at_once(inputs, mask, told)
        steps = [ops.swapaxes(x, 0, 1) for x in (inputs, mask) if x is not None]
        out = ops.map(lambda step: self.layer(step[0], **told, **_masked(step[1] if mask is not None else None)), steps)
        return ops.swapaxes(out, 0, 1)

    def _at_once(self, inputs: Any, mask: Any, told: dict[str, Any]) -> Any:
        batch, time = inputs.shape[:2]

        def merged(x: Any) -> Any:
            return None if x is None else ops.reshape(x, (batch * time, *x.shape[2:]))

        out = self.layer(merged(inputs), **told, **_masked(merged(mask)))
        return ops.reshape(out, (batch, time, *out.shape[1:]))


def _masked(mask: Any) -> dict[str, Any]:
    return {} if mask is None else {"mask": mask}


def _by_samples(layer: Layer) -> bool:
    """Tell whether a layer is known to treat the samples of a batch each by itself."""
    known = builtin_name(type(layer)) is not None and not isinstance(layer, Lambda)
    follows_batch = any(not v.trainable for v in layer._own()) and layer.trainable  # such as moving moments
    return known and not follows_batch and not getattr(layer, "stateful", False)
