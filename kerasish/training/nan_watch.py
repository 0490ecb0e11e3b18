"""The search for where a NaN comes from: steps run op by op, and every result is looked at."""

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from kerasish.autodiff.tape import GradientTape
from kerasish.backend import device
from kerasish.core.dispatch import run_kernel, scope
from kerasish.core.dtypes import is_float
from kerasish.core.tensor import Tensor
from kerasish.core.variable import Variable
from kerasish.layers.base.layer import Layer
from kerasish.losses import Loss
from kerasish.metrics import Metric
from kerasish.optimizers import Optimizer
from kerasish.training.steps import as_tensors
from kerasish.utils import tree

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_KINDS = ((Loss, "loss"), (Metric, "metric"), (Optimizer, "optimizer"))
_UNDEFINED = ("empty", "empty_like")  # ops whose results are whatever lay in memory


class Origin(NamedTuple):
    """Where a NaN or an infinity was first seen.

    Attributes:
        order: how many ops of the step had run.
        text: the op, its place and the ranges of its inputs.
        given: uid of an input that held one already, though no op of this step made it; else None.
    """

    order: int
    text: str
    given: int | None


class NanWatch:
    """An interpreter that runs ops at once and remembers where NaNs and infinities come from.

    Called with a group of batches it runs each as a step, and undoes a step that leaves a NaN in its results or in a
    variable. A NaN that reaches neither (one that is masked, or that loss scaling throws away) is no error.

    Args:
        model: the model that is trained or evaluated.
        run: what runs a group of batches and returns logs.
        what: what a step is called in the message, such as "training".
        epoch: number of the epoch, counted from 0; None outside of `fit`.

    Raises:
        FloatingPointError: a step made a NaN; names the op, its place, its inputs' ranges, the step and the epoch.
    """

    def __init__(self, model: Any, run: Callable[[list], Any], what: str, epoch: int | None = None):
        self._model, self._run = model, run
        self._what = f"{what} step %d" + ("" if epoch is None else f" of epoch {epoch}") + " (counted from 0)"
        self._step = -1
        self._forget()

    def _forget(self) -> None:
        self._order = 0
        self._nan: dict[int, Origin] = {}  # by uid of the tensor that holds one
        self._infinite: dict[int, Origin] = {}
        self._places: dict[int, str] = {}  # by uid of an op's result

    # ---- steps ---------------------------------------------------------------------------------

    def __call__(self, group: list) -> Any:
        logs = None
        for batch in group:
            self._step += 1
            logs = self._checked_step(as_tensors(batch))
        return logs

    def _checked_step(self, batch: Any) -> Any:
        model, optimizer = self._model, self._model.optimizer
        variables = [*model.variables, *model.metrics_variables, *(optimizer.variables if optimizer else ())]
        before = [(v, v._value) for v in variables if isinstance(v, Variable)]
        with scope(interpreter=self):
            logs = self._run([batch])
        results = {f"log {name!r}": x for name, x in _leaves(logs)}
        results.update({f"variable {v.path!r}": v._value for v, old in before if v._value is not old})
        reached = {name: self._nan[x.uid] for name, x in results.items() if x.uid in self._nan}
        if self._nan:  # numbers do not say what they were made of
            reached.update({f"log {name!r}": min(self._nan.values())
                            for name, x in _leaves(logs, float | np.floating) if np.isnan(x)})
        if reached:
            for v, old in before:
                v._value = old
            given = {old.uid: f"variable {v.path!r}" for v, old in before}
            parts = dict(zip(("x", "y", "sample_weight"), batch, strict=True))
            given.update({t.uid: f"the data, {name}" for name, t in _leaves(parts)})
            raise FloatingPointError(self._message(reached, given))
        self._forget()
        return logs

    def _message(self, reached: dict[str, Origin], given: dict[int, str]) -> str:
        first = min(reached.values())
        names = [name for name, origin in reached.items() if origin == first]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        lines = [f"NaN in {self._what % self._step}: it reached {', '.join(names[:3])}{more}. Variables are as they "
                 "were before this step."]
        if first.given is None:
            lines.append(f"It was made by {first.text}")
        else:
            source = given.get(first.given, "a value from outside of the step")
            lines.append(f"It was there before the step, in {source}, and was first read by {first.text}")
        return "\n".join(lines)

    # ---- ops -----------------------------------------------------------------------------------

    def apply(self, card: Any, inputs: list[Tensor], params: dict[str, Any]) -> Any:
        """Run an op, and note what its results hold."""
        self._order += 1
        out = run_kernel(card, inputs, params)
        place, pass_, line = self._place(sys._getframe(1))
        for o in out if type(out) is tuple else (out,):
            self._places[o.uid] = place + line
            if _is_inexact(o) and card.name not in _UNDEFINED and not bool(device.current().xp.isfinite(o.data).all()):
                self._note(card, inputs, o, f"{place}, {pass_}{line}")
        return out

    def _note(self, card: Any, inputs: list[Tensor], out: Tensor, place: str) -> None:
        xp = device.current().xp
        for known, holds in ((self._infinite, xp.isinf), (self._nan, xp.isnan)):
            if not bool(holds(out.data).any()):
                continue
            inherited = [known[x.uid] for x in inputs if x.uid in known]
            if inherited:
                known[out.uid] = min(inherited)
                continue
            given = [x.uid for x in inputs if _is_inexact(x) and bool(holds(x.data).any())]
            text = f"op {card.name!r}{place}, on {_describe(card, inputs)}"
            if known is self._nan:
                sources = {self._infinite[x.uid] for x in inputs if x.uid in self._infinite}
                text += "".join(f"\nAn infinity among its inputs came from {origin.text}" for origin in sorted(sources))
            known[out.uid] = Origin(self._order, text, given[0] if given else None)

    def _place(self, frame: FrameType | None) -> tuple[str, str, str]:
        """Whose op is running, in which pass, and at which line of the user's."""
        place = line = ""
        while frame is not None and frame.f_code is not NanWatch._checked_step.__code__:
            code = frame.f_code
            if code is GradientTape._walk.__code__:
                entry = frame.f_locals["entry"]
                made = self._places.get(entry.outputs[0], "")
                return f" in the gradient of op {entry.card.name!r}{made}", "backward pass", line
            if not line and not code.co_filename.startswith(_PACKAGE):
                line = f" at {code.co_filename}:{frame.f_lineno}"
            if not place and code.co_argcount and code.co_varnames[0] == "self":
                place = self._owner(frame.f_locals["self"], code.co_name)
            frame = frame.f_back
        return place, "update" if place.startswith(" in optimizer") else "forward pass", line

    def _owner(self, owner: Any, method: str) -> str:
        if owner is self._model:
            return f" in {method}() of model {owner.name!r}"
        if isinstance(owner, Layer):
            return f" in layer {owner.path!r} ({type(owner).__name__})"
        for kind, name in _KINDS:
            if isinstance(owner, kind):
                return f" in {name} {owner.name!r} ({type(owner).__name__})"
        return ""


def _is_inexact(x: Tensor) -> bool:
    return is_float(x.dtype) or x.dtype.kind == "c"


def _leaves(structure: Any, kind: Any = Tensor) -> list[tuple[str, Any]]:
    """The tensors (or other leaves of a kind) of a nested structure, each with its path."""
    return [("/".join(map(str, path)), x) for path, x in tree.flatten_with_path(structure) if isinstance(x, kind)]


def _describe(card: Any, inputs: list[Tensor]) -> str:
    """The inputs of an op: name, dtype, shape and range."""
    names = list(card.inputs)
    if card.variadic:
        names[-1:] = [f"{card.variadic}[{i}]" for i in range(len(inputs) - len(names) + 1)]
    return "; ".join(f"{name} = {_range(x)}" for name, x in zip(names, inputs, strict=True)) or "no inputs"


def _range(x: Tensor) -> str:
    values = x.numpy()
    text = f"{x.dtype.name}{list(x.shape)}"
    if not _is_inexact(x) or x.dtype.kind == "c":
        return text
    finite = values[np.isfinite(values)].astype("float64")
    text += f" from {finite.min():.6g} to {finite.max():.6g}" if finite.size else ""
    counts = [(int(np.isnan(values).sum()), "NaN"), (int(np.isinf(values).sum()), "infinite")]
    return text + "".join(f", {n} {what}" for n, what in counts if n)
