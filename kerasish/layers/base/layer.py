"""The layer: weights made at the first call, and a computation in ops."""

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import regularizers
from kerasish.core import dtype_policy
from kerasish.core.dispatch import scope, state
from kerasish.core.dtypes import is_float, numpy_dtype
from kerasish.core.name_scope import current_path, name_scope
from kerasish.core.stateless import StatelessScope
from kerasish.core.symbolic import KerasTensor, Node, Operation, any_symbolic, compute_output_spec
from kerasish.core.tensor import OPS, Tensor
from kerasish.layers.base.call_spec import CallSignature, context, is_tensor_like, shapes_for, tensor_arguments
from kerasish.layers.base.config import HasConfig
from kerasish.layers.base.errors import name_layer
from kerasish.layers.base.input_spec import assert_input_compatibility
from kerasish.layers.base.remat_scope import RematScope, current_remat_scope
from kerasish.layers.base.shapes import known_shapes, map_shapes, shape_of
from kerasish.layers.base.tracking import Tracker
from kerasish.layers.base.weights import HasWeights
from kerasish.utils import tree


class Layer(HasWeights, HasConfig, Operation):
    """A computation with weights (Keras: `Layer`).

    A subclass stores its arguments in the constructor, makes its weights in `build(input_shape)`, and computes in
    `call(inputs)` with ops.

    Args:
        activity_regularizer: gives a loss of the layer's output.
        trainable: whether training changes its weights.
        dtype: its dtype policy, or the name of one; the global one by default.
        autocast: whether floating-point inputs are cast to its compute dtype.
        name: unique if left out.
    """

    tracked_as = "layer"

    def __init__(self, *, activity_regularizer: Any = None, trainable: bool = True, dtype: Any = None,
                 autocast: bool = True, name: str | None = None, **kwargs: Any):
        super().__init__(name=name)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        length = kwargs.pop("input_dim", None)
        shape = kwargs.pop("input_shape", None if length is None else (length,))
        batch_shape = kwargs.pop("batch_input_shape", None)
        self._input_shape_argument = (None, *shape) if shape is not None else batch_shape
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments {sorted(kwargs)} of {type(self).__name__} {self.name!r}")
        self._dtype_policy = dtype_policy.get(dtype)
        if not isinstance(trainable, bool):
            raise ValueError(f"expected `trainable` of {type(self).__name__} to be a boolean, got {trainable!r}")
        self._trainable, self.autocast = trainable, autocast
        self._input_spec: Any = None
        self.built = False
        self._building = 0
        self._build_shapes: dict[str, Any] | None = None
        self._losses: list[Any] = []
        self._parent_path: str | None = None
        self._remat_scope = current_remat_scope()
        self._call_signature = CallSignature(self.call)
        self._convert_input_args = True
        self._allow_non_tensor_positional_args = False
        self._supports_masking = type(self).compute_mask is not Layer.compute_mask

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _noting_build(cls.__dict__["build"])  # type: ignore[method-assign]

    # ---- attributes ----------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        tracker = self.__dict__.get("_tracker")
        if tracker is None:  # before super().__init__(), which may come last in a constructor
            tracker = Tracker()
            object.__setattr__(self, "_tracker", tracker)
        object.__setattr__(self, name, tracker.track(value))

    def __delattr__(self, name: str) -> None:
        value = self.__dict__.get(name)
        object.__delattr__(self, name)
        for v in value if isinstance(value, list) else value.values() if isinstance(value, dict) else [value]:
            self._tracker.forget(v)

    # Keras's names of what a layer holds itself, which subclasses may read.
    _layers = property(lambda self: self._tracker.layers)
    _metrics = property(lambda self: self._tracker.metrics)
    _seed_generators = property(lambda self: self._tracker.seed_generators)
    _trainable_variables = property(lambda self: self._tracker.trainable)
    _non_trainable_variables = property(lambda self: self._tracker.non_trainable)
    dtype_policy = property(lambda self: self._dtype_policy, doc="Dtypes of its computation and variables.")
    compute_dtype = property(lambda self: self._dtype_policy.of(self).compute_dtype, doc="Dtype of its computation.")
    variable_dtype = property(lambda self: self._dtype_policy.of(self).variable_dtype, doc="Dtype of its variables.")
    input_dtype = property(lambda self: self.compute_dtype, doc="Dtype to which its inputs are cast.")
    dtype = property(lambda self: self.variable_dtype, doc="Dtype of its variables.")
    quantization_mode = property(lambda self: None, doc="None: nothing is quantized.")

    @dtype_policy.setter  # type: ignore[no-redef]
    def dtype_policy(self, value: Any) -> None:
        self._dtype_policy = self._dtype_policy.replaced(self, value)

    @property
    def trainable(self) -> bool:
        """Whether training changes its weights; setting it sets those of all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = bool(value)
        self._trainable = value
        for v in self._tracker.trainable:
            v.trainable = value
        for layer in self._layers:
            layer.trainable = value

    @property
    def input_spec(self) -> Any:
        """What it expects of its inputs: an `InputSpec` or several."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._input_spec = value

    @property
    def supports_masking(self) -> bool:
        """Whether masks pass through it."""
        return self._supports_masking

    @supports_masking.setter
    def supports_masking(self, value: bool) -> None:
        self._supports_masking = value

    @property
    def path(self) -> str:  # type: ignore[override]
        """Where it stands: the names of the layers around it and its own, with slashes."""
        return f"{self._parent_path}/{self.name}" if self._parent_path else self.name

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list["Layer"]:
        out, seen = [], set()
        stack: list[Layer] = [self] if include_self else list(self._layers[::-1])
        while stack:
            layer = stack.pop()
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            out.append(layer)
            if recursive or (include_self and layer is self):
                stack.extend(layer._layers[::-1])
        return out

    def _find_place(self) -> None:
        if self._parent_path is None:
            self._parent_path = current_path()

    def _open_name_scope(self) -> name_scope:
        self._find_place()
        return name_scope(self.name, caller=self)

    @classmethod
    def _attributes_not_saved(cls) -> frozenset[str]:
        """Attributes that are walked past when variables are saved: those that every layer has."""
        return _base_attributes()

    # ---- building ------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of a shape."""
        self._check_init_called()
        if input_shape is not None:
            self._build_for(input_shape)
        self.built = True

    def _has_own_build(self) -> bool:
        return type(self).build is not Layer.build

    def _build_for(self, shapes: Any) -> None:
        """Build the layers inside by running `call` on symbols of shapes: of its first argument, or a dict by name."""
        by_name = isinstance(shapes, dict) and all(k.endswith("_shape") for k in shapes)
        if any(not layer.built for layer in self._layers):
            symbols = map_shapes(lambda s: KerasTensor(s, self.input_dtype), shapes)
            arguments = {k.removesuffix("_shape"): v for k, v in symbols.items()} if by_name else {}
            try:
                with self._open_name_scope():
                    compute_output_spec(self.call, *([] if by_name else [symbols]), **arguments)
            except TypeError as error:
                raise ValueError(f"layer {self.path!r} cannot be built from the shapes {shapes}: {error}. Call it on "
                                 "data, or give it a `build` method.") from error
        self._build_shapes = dict(shapes) if by_name else {"input_shape": known_shapes(shapes)}
        self.built = True

    def _check_init_called(self) -> None:
        if "_call_signature" not in self.__dict__:
            raise RuntimeError(f"the constructor of {type(self).__name__} must call super().__init__() first")

    def _lock(self) -> None:
        """Refuse variables and layers from now on: what saved files and optimizers know must not change."""
        self._tracker.lock(f"layer {self.name!r} is built: it cannot add new elements of state. Make variables and "
                           "layers in __init__() or build()")
        if not self._trainable:
            for v in self._tracker.trainable:
                v.trainable = False

    def _maybe_build(self, arguments: dict[str, Any], tensors: dict[str, Any]) -> None:
        if self._has_own_build():
            with self._open_name_scope():
                self.build(**{k: known_shapes(s) for k, s in shapes_for(
                    self.build, tensors, self._call_signature, self.path).items()})
            assert_input_compatibility(self._input_spec, arguments.get(self._call_signature.first), self.path)
            return
        if any(not layer.built for layer in self._layers):
            with self._open_name_scope():
                self._build_by_running(arguments)
        self._build_shapes = {f"{k}_shape": known_shapes(shape_of(v)) for k, v in tensors.items() if k != "mask"}
        self.built = True
        self._lock()

    def _build_by_running(self, arguments: dict[str, Any]) -> None:
        """Infer the shapes of `call` so that the layers inside are built, if that can be done."""
        known = self._call_signature.signature.parameters
        try:
            compute_output_spec(self.call, **{k: v for k, v in arguments.items() if k in known})
        except (TypeError, NotImplementedError, AttributeError, ValueError) as error:
            if any_symbolic(arguments):
                raise ValueError(
                    f"layer {self.path!r} cannot be built from shapes alone: its `call` failed on symbolic input "
                    f"({error}). Use kerasish.ops on tensors, or give it a `build(self, input_shape)` method."
                ) from error
            # With real values at hand, the call itself builds the layers inside, or raises in its own words.

    # ---- calling -------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._check_init_called()
        self._find_place()
        original = args, dict(kwargs)
        args, kwargs = self._converted(args, kwargs)
        arguments = self._bound(args, kwargs)
        first = arguments.get(self._call_signature.first)
        if self._input_spec is not None:
            assert_input_compatibility(self._input_spec, first, self.path)
        tensors = arguments if len(arguments) == 1 and is_tensor_like(first) else tensor_arguments(arguments)
        if not self.built:
            self._maybe_build(arguments, tensors)
        masks = self._masks(arguments, tensors)
        outer = context.training, context.depth
        training = self._training(arguments, outer[0])
        if context.depth == 0:
            self._clear_losses()
        context.training, context.depth = training, context.depth + 1
        try:
            symbolic = any_symbolic(args, kwargs)
            kwargs.update(masks)
            if self._call_signature.has_training and training is not None:
                kwargs["training"] = training
            with self._open_name_scope(), scope(autocast=self._autocast_dtype()):
                call = self.compute_output_spec if symbolic else (
                    self.rematerialized_call(self.call, *args, **kwargs) if self._remat_scope else self.call)
                out = call(*args, **kwargs)
                if self.activity_regularizer is not None and not symbolic:
                    self._regularize(out)
        except Exception as error:
            name_layer(error, self, arguments)
            raise
        finally:
            context.training, context.depth = outer
        self._pass_mask(first, out, arguments, masks)
        if symbolic:
            Node(self, *original, out)
        return out

    def _converted(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        if not self._convert_input_args:
            return args, kwargs
        policy, dtype = self._dtype_policy.of(self), self.input_dtype
        if len(args) == 1 and type(args[0]) is Tensor and not kwargs and args[0].data.dtype == numpy_dtype(dtype):
            return args, kwargs

        def convert(x: Any) -> Any:
            y = policy.convert_input(x, self.autocast, dtype)
            mask = getattr(x, "_keras_mask", None)
            if mask is not None and y is not x:
                y._keras_mask = mask
            return y

        args, kwargs = tree.map_structure(convert, (args, kwargs))
        if not self._allow_non_tensor_positional_args:
            for x in tree.flatten(args):
                if x is not None and not is_tensor_like(x) and not isinstance(x, np.ndarray):  # an array of strings
                    raise ValueError(f"layer {self.path!r} takes tensors by position and anything else by keyword, got "
                                     f"{x!r} ({type(x).__name__}) by position")
        return args, kwargs

    def _bound(self, args: tuple, kwargs: dict) -> dict[str, Any]:
        signature = self._call_signature
        if "training" in kwargs and not signature.has_training and not signature.catches_all:
            training = kwargs.pop("training")
            return {**signature.bind(args, kwargs), "training": training}
        return signature.bind(args, kwargs)

    def _training(self, arguments: dict[str, Any], outer: Any) -> Any:
        training = arguments.get("training")
        if training is None:
            training = outer
        return self._call_signature.training_default if training is None else training

    def _autocast_dtype(self) -> str | None:
        policy = self._dtype_policy.of(self)
        if state.autocast is None and policy.compute_dtype == policy.variable_dtype:
            return None
        return policy.compute_dtype if self.autocast and is_float(policy.compute_dtype) else None

    def rematerialized_call(self, layer_call: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Return `call`, as the `RematScope` in which the layer was made wants it for these arguments."""
        scope: RematScope | None = self._remat_scope
        return layer_call if scope is None else scope.applied(self, layer_call, args, kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Return the symbolic outputs for symbolic inputs."""
        return self.compute_output_spec(*args, **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors of the shapes and dtypes that `call` would give."""
        if type(self).compute_output_shape is Layer.compute_output_shape:
            return compute_output_spec(self.call, *args, **kwargs)
        tensors = tensor_arguments(self._bound(args, dict(kwargs)))
        shape = self.compute_output_shape(**shapes_for(
            self.compute_output_shape, tensors, self._call_signature, self.path))
        return map_shapes(lambda s: KerasTensor(s, self.compute_dtype), shape)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Return the shapes of the outputs for shapes of the inputs, None for unknown lengths."""
        if type(self).call is Layer.call:
            raise self._missing("compute_output_shape")
        symbols = [map_shapes(lambda s: KerasTensor(s, self.input_dtype), shape) for shape in (*args, *kwargs.values())]
        names = [k.removesuffix("_shape") for k in kwargs]
        if names == ["input"] and not args:
            names = []
        named = dict(zip(names, symbols[len(args):], strict=False))
        positional = symbols[: len(symbols) - len(named)]
        return tree.map_structure(lambda x: x.shape, compute_output_spec(self.call, *positional, **named))

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; what a subclass writes."""
        raise self._missing("call")

    def _missing(self, method: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} {self.name!r} does not have a `{method}` method implemented."
                                   f" Write one in the subclass of Layer")

    # ---- masks ---------------------------------------------------------------------------------

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the mask of the outputs, given that of the inputs."""
        return previous_mask

    def _masks(self, arguments: dict[str, Any], tensors: dict[str, Any]) -> dict[str, Any]:
        """The mask arguments of `call` that were not given, from the masks of the tensors."""
        signature = self._call_signature
        out = {}
        if signature.has_mask and len(tensors) == 1 and arguments.get("mask") is None:
            mask = tree.map_structure(_mask_of, next(iter(tensors.values())))
            if any(m is not None for m in tree.flatten(mask)):
                out["mask"] = mask
        elif signature.mask_names and len(tensors) > 1:
            for name, value in tensors.items():
                if f"{name}_mask" in signature.mask_names and arguments.get(f"{name}_mask") is None:
                    out[f"{name}_mask"] = tree.map_structure(_mask_of, value)
        return out

    def _pass_mask(self, first: Any, out: Any, arguments: dict[str, Any], masks: dict[str, Any]) -> None:
        """Set the masks of the outputs, if the inputs have any or the layer makes one."""
        previous = masks.get("mask", arguments.get("mask"))
        if previous is None:
            previous = _mask_of(first) if not tree.is_nested(first) else tree.map_structure(_mask_of, first)
        known = previous is not None and any(m is not None for m in tree.flatten(previous))
        if not self.supports_masking:
            if known:
                warnings.warn(f"layer {self.path!r} ({type(self).__name__}) got an input with a mask, but does not "
                              "support masking: the mask ends here", stacklevel=3)
            return
        if not known and type(self).compute_mask is Layer.compute_mask:
            return
        outputs = [x for x in tree.flatten(out) if is_tensor_like(x)]
        mask = tree.flatten(self.compute_mask(first, previous))
        for x, m in zip(outputs, mask, strict=False):
            if getattr(x, "_keras_mask", None) is None and m is not None:
                x._keras_mask = m

    # ---- losses --------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Add scalar losses of this call to the layer's own.

        Raises:
            ValueError: a loss is no tensor.
        """
        for x in tree.flatten(loss):
            if not isinstance(x, Tensor):
                raise ValueError(f"add_loss of layer {self.path!r} takes tensors, got {x!r}")
            if state.variables is None:
                self._losses.append(x)
            elif state.variables.collect_losses:
                state.variables.add_loss(x)

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: metrics are attributes now, updated in `call`."""
        raise NotImplementedError(
            f"layer {self.path!r}: set a metric as an attribute in __init__() and call its update_state() in call()")

    def _regularize(self, out: Any) -> None:
        for x in tree.flatten(out):
            loss = self.activity_regularizer(x)  # type: ignore[misc]
            self.add_loss(OPS["divide"](loss, x.shape[0]) if x.ndim and x.shape[0] else loss)

    @property
    def losses(self) -> list[Any]:
        """The losses of the last call, and those of the regularizers of trainable variables."""
        store = state.variables
        collected = list(store.losses) if store is not None and store.collect_losses else [
            x for layer in self._flatten_layers() for x in layer._losses]
        return collected + [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]

    def _clear_losses(self) -> None:
        if state.variables is not None and state.variables.collect_losses:
            state.variables.losses.clear()
        elif state.variables is None:
            for layer in self._flatten_layers():
                if layer._losses:
                    layer._losses.clear()

    # ---- without state -------------------------------------------------------------------------

    def stateless_call(self, trainable_variables: Any, non_trainable_variables: Any, *args: Any,
                       return_losses: bool = False, **kwargs: Any) -> Any:
        """Call the layer with given values for its variables, which stay as they are.

        Returns:
            (outputs, new values of the non-trainable variables), and the losses if asked for.
        """
        if not self.built:
            raise ValueError(f"layer {self.path!r} must be built before stateless_call: call it on data first")
        own = self.trainable_variables, self.non_trainable_variables
        for what, variables, values in zip(("trainable", "non-trainable"), own,
                                           (trainable_variables, non_trainable_variables), strict=True):
            if len(variables) != len(values):
                raise ValueError(f"layer {self.path!r} has {len(variables)} {what} variables, got {len(values)} values")
        mapping = [*zip(own[0], trainable_variables, strict=True), *zip(own[1], non_trainable_variables, strict=True)]
        with StatelessScope(mapping, collect_losses=return_losses) as stateless:
            out = self(*args, **kwargs)
            losses = self.losses if return_losses else None
            updated = [stateless.read(v) for v in own[1]]
        return (out, updated, losses) if return_losses else (out, updated)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _noting_build(build: Callable[..., Any]) -> Callable[..., Any]:
    """A `build` that opens the layer's name scope and remembers for which shapes it ran."""
    signature = inspect.signature(build)

    @functools.wraps(build)
    def noting(self: Layer, *args: Any, **kwargs: Any) -> None:
        self._check_init_called()
        self._building += 1
        try:
            with self._open_name_scope():
                build(self, *args, **kwargs)
        finally:
            self._building -= 1
        if self._building == 0:
            shapes = dict(signature.bind(self, *args, **kwargs).arguments)
            shapes.pop(next(iter(signature.parameters)))
            self._build_shapes = {k: known_shapes(v) for k, v in shapes.items() if k != "kwargs"}
            self.built = True
            self._lock()

    return noting


def _mask_of(x: Any) -> Any:
    return getattr(x, "_keras_mask", None)


@functools.cache
def _base_attributes() -> frozenset[str]:
    return frozenset(dir(Layer(name="reference")))
