"""Low-rank adaptation of a layer's main weight (Hu et al., 2021)."""

from typing import Any

from kerasish import initializers, ops
from kerasish.core.variable import Variable


class HasLora:
    """A layer that can freeze its main weight and learn a product of two thin matrices beside it.

    The layer names its main weight in `lora_target`, such as "kernel", keeps it as `_kernel`, and computes with
    `adapted()`. Files hold the sum, so that they fit the layer with and without adaptation.
    """

    lora_target = "kernel"

    def _set_lora(self, rank: int | None, alpha: float | None) -> None:
        """Take the constructor's arguments; `build` enables the adaptation at its end if there is a rank."""
        self.lora_rank = rank
        self.lora_alpha = rank if alpha is None else alpha
        self.lora_enabled = False

    def enable_lora(self, rank: int, lora_alpha: float | None = None, a_initializer: Any = "he_uniform",
                    b_initializer: Any = "zeros") -> None:
        """Freeze the main weight W, which from now on is `W + lora_alpha / rank * A B` with learned A and B.

        Args:
            rank: length of the axis that A and B share.
            lora_alpha: scale of the product; `rank` by default.
            a_initializer, b_initializer: first values of A and B.

        Raises:
            ValueError: the layer is not built, is adapted already, or has a constraint on the weight.
        """
        target = self.lora_target
        if getattr(self, f"{target}_constraint"):
            raise ValueError(f"LoRA is incompatible with {target.rstrip('s')} constraints: remove "
                             f"`{target}_constraint` of layer {self.path!r}")  # type: ignore[attr-defined]
        if not self.built and not self._building:  # type: ignore[attr-defined]
            raise ValueError(f"layer {self.path!r} must be built before enable_lora: "  # type: ignore[attr-defined]
                             "call it on data, or call build(input_shape)")
        if self.lora_enabled:
            raise ValueError(f"layer {self.path!r}: lora is already enabled")  # type: ignore[attr-defined]
        weight = self._main_weight
        self._add_pair(((*weight.shape[:-1], rank), (rank, weight.shape[-1])), (a_initializer, b_initializer))
        weight.trainable = False
        self.lora_enabled = True
        self.lora_rank = rank
        self.lora_alpha = rank if lora_alpha is None else lora_alpha

    def _add_pair(self, shapes: tuple, first_values: tuple) -> None:
        tracker = self._tracker  # type: ignore[attr-defined]
        locked, tracker.locked_message = tracker.locked_message, None
        for letter, shape, initializer in zip("ab", shapes, first_values):
            name = f"lora_{self.lora_target}_{letter}"
            setattr(self, name, self.add_weight(  # type: ignore[attr-defined]
                name=name, shape=shape, initializer=initializers.get(initializer), dtype="float32",
                regularizer=getattr(self, f"{self.lora_target}_regularizer")))
        tracker.locked_message = locked

    @property
    def _main_weight(self) -> Variable:
        return getattr(self, f"_{self.lora_target}")

    @property
    def _pair(self) -> tuple[Variable, Variable]:
        return getattr(self, f"lora_{self.lora_target}_a"), getattr(self, f"lora_{self.lora_target}_b")

    def adapted(self) -> Any:
        """Return the main weight, with the learned product added if there is one.

        Raises:
            AttributeError: the layer is not built.
        """
        if not hasattr(self, f"_{self.lora_target}"):
            raise AttributeError(f"layer {self.path!r} has no {self.lora_target} "  # type: ignore[attr-defined]
                                 "before it is built: call it on data, or call build(input_shape)")
        weight = self._main_weight
        if not self.lora_enabled:
            return weight
        scale = self.lora_alpha / self.lora_rank  # type: ignore[operator]
        return ops.cast(weight + scale * ops.matmul(*self._pair), self.compute_dtype)  # type: ignore[attr-defined]

    def lora_config(self) -> dict[str, Any]:
        """Return the constructor's arguments for the adaptation, none if there is none."""
        return {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha} if self.lora_rank else {}

    def _stored(self) -> list[Variable]:
        pair = {id(v) for v in self._pair}
        return [v for v in self._own() if id(v) not in pair]  # type: ignore[attr-defined]

    def _variables_by_position(self) -> list[Variable] | None:
        """The variables in the order of a file, None for a layer that reads them in its own way."""
        if type(self).load_own_variables is not HasLora.load_own_variables:
            return None
        return self._stored() if self.lora_enabled else self._own()  # type: ignore[attr-defined]

    def save_own_variables(self, store: Any) -> None:
        """Write the layer's own variables into a dict-like store, the learned product added to the main weight."""
        if not self.lora_enabled:
            super().save_own_variables(store)  # type: ignore[misc]
            return
        main = self._main_weight
        for i, v in enumerate(self._stored()):
            store[f"{i}"] = self.adapted() if v is main else v

    def load_own_variables(self, store: Any) -> None:
        """Read the layer's own variables from a dict-like store; the learned product becomes zero.

        Raises:
            ValueError: their number differs.
        """
        if not self.lora_enabled:
            super().load_own_variables(store)  # type: ignore[misc]
            return
        stored = self._stored()
        if len(store.keys()) != len(stored):
            raise ValueError(f"layer {self.path!r} stores {len(stored)} variables, "  # type: ignore[attr-defined]
                             f"but {len(store.keys())} were saved for it")
        for i, v in enumerate(stored):
            v.assign(store[f"{i}"])
        for v in self._pair:
            v.assign(ops.zeros(v.shape))
