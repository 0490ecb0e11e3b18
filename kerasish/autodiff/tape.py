"""The tape: it notes the ops between watched tensors and a result, and walks them backwards.

The backward walk only calls ops, so it runs, is recorded by an outer tape (second derivatives), or
is traced, like anything else.
"""

from collections.abc import Iterator
from typing import Any

from kerasish.core.dispatch import state, to_tensor
from kerasish.core.dtypes import COMPLEX, FLOATS, standardize_dtype
from kerasish.core.op import Card
from kerasish.core.spec import Spec
from kerasish.core.tensor import OPS, Tensor
from kerasish.core.variable import Variable
from kerasish.utils import tree

_DIFFERENTIABLE = frozenset((*FLOATS, *COMPLEX))


class Entry:
    """One recorded op: only what its gradient rules asked for is kept alive.

    Args:
        card: of the op.
        params: of the op.
        inputs: of the op.
        sources: the uid of each input that its gradient flows back to; None for others.
        out: the result.
    """

    __slots__ = ("card", "params", "kept", "inputs", "shapes", "outputs", "specs")

    def __init__(self, card: Card, params: dict[str, Any], inputs: list[Tensor], sources: list[int | None], out: Any):
        outs = out if type(out) is tuple else (out,)
        self.card, self.params, self.inputs = card, params, sources
        self.shapes = [x.data.shape for x in inputs] if card.broadcasts else None
        self.outputs = [o.uid for o in outs]
        self.specs = [Spec(o.shape, o.dtype) for o in outs] if len(outs) > 1 else None
        self.kept = _keep(card, inputs, sources, out)


def _keep(card: Card, inputs: list[Tensor], sources: list[int | None], out: Any) -> dict[str, Any]:
    rules: Any = card.rules
    rules = [card.joint] if card.joint else [rules[n] for n, uid in enumerate(sources) if uid is not None]
    kept: dict[str, Any] = {}
    for rule in rules:
        for name in rule.values:
            kept[name] = out if name == "out" else _input(card, inputs, name)
        for name in rule.specs:
            source = name.removesuffix("_spec")
            value = out if source == "out" else _input(card, inputs, source)
            kept[name] = _spec(value)
    return kept


def _spec(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_spec(v) for v in value]
    return Spec(value.shape, value.dtype)


def _input(card: Card, inputs: list[Tensor], name: str) -> Any:
    if name == card.variadic:
        return inputs[len(card.inputs) - 1:]
    return inputs[card.inputs.index(name)]


class GradientTape:
    """Record ops, to differentiate a result by what it was made of.

        with GradientTape() as tape:
            loss = ops.mean((model(x) - y) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether trainable variables are watched as they are read.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self._persistent, self._watch_variables = persistent, watch_accessed_variables
        self._entries: list[Entry] = []
        self._tracked: set[int] = set()
        self._reads: dict[int, dict[int, Tensor]] = {}
        self._variables: dict[int, Variable] = {}
        self._used = False
        self._recording = False

    def __enter__(self) -> "GradientTape":
        self._start()
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()

    def _start(self) -> None:
        if self._recording:
            raise ValueError("this tape is recording already")
        state.tapes, self._recording = (*state.tapes, self), True

    def _stop(self) -> None:
        if self._recording:
            state.tapes = tuple(t for t in state.tapes if t is not self)
            self._recording = False

    def stop_recording(self) -> "_Pause":
        """Return a context in which this tape does not record."""
        return _Pause(self)

    def reset(self) -> None:
        """Forget all that was recorded."""
        self.__init__(self._persistent, self._watch_variables)  # type: ignore[misc]
        self._recording = self in state.tapes

    def watch(self, tensor: Any) -> None:
        """Track tensors or variables, in any nested structure.

        Raises:
            TypeError: what should be watched is no tensor of a floating-point dtype.
        """
        for x in tree.flatten(tensor):
            if isinstance(x, Variable):
                self._watch_read(x, x.handle)
            elif not isinstance(x, Tensor) or standardize_dtype(x.dtype) not in _DIFFERENTIABLE:
                raise TypeError(f"a tape watches floating-point tensors and variables, got {x!r}")
            else:
                self._tracked.add(x.uid)

    def follows(self, tensor: Tensor) -> bool:
        """Tell whether a tensor is watched, or made of what is."""
        return tensor.uid in self._tracked

    def watched_variables(self) -> tuple[Variable, ...]:
        """Return the variables that were read while the tape recorded, in order."""
        return tuple(self._variables.values())

    def _watch_read(self, variable: Variable, value: Tensor) -> None:
        self._variables[id(variable)] = variable
        self._reads.setdefault(id(variable), {})[value.uid] = value
        self._tracked.add(value.uid)

    def touch(self, variable: Variable, value: Tensor) -> None:
        """Watch a variable that is read as `value`."""
        if id(variable) in self._variables or (
            self._watch_variables and variable.trainable and standardize_dtype(value.dtype) in _DIFFERENTIABLE
        ):
            self._watch_read(variable, value)

    def record(self, card: Card, inputs: list[Tensor], params: dict[str, Any], out: Any) -> None:
        """Note an op whose gradient may be asked for."""
        tracked, rules = self._tracked, card.rules
        uids = [x.uid for x in inputs]
        if tracked.isdisjoint(uids) or not card.differentiable:
            return
        sources = [uid if uid in tracked and (rules is None or rules[n] is not None) else None
                   for n, uid in enumerate(uids)]
        if sources.count(None) == len(sources):
            return
        self._entries.append(Entry(card, params, inputs, sources, out))
        for o in out if type(out) is tuple else (out,):
            if standardize_dtype(o.data.dtype) in _DIFFERENTIABLE:
                tracked.add(o.uid)

    def gradient(self, target: Any, sources: Any, output_gradients: Any = None,
                 unconnected_gradients: str = "none") -> Any:
        """Return the gradient of the sum of the targets with respect to each source.

        Args:
            target: tensors, in any nested structure.
            sources: watched tensors or variables, in any nested structure.
            output_gradients: one tensor a target, to weight it by; ones by default.
            unconnected_gradients: "none" or "zero": what stands for a source that the target does not
                depend on.

        Returns:
            Tensors (or None) in the structure of `sources`.

        Raises:
            RuntimeError: a tape that is not persistent is used twice.
            ValueError: an output gradient has another shape than its target, or there are more or fewer of them.
        """
        self._require_unused()
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError(f"unconnected_gradients must be 'none' or 'zero', got {unconnected_gradients!r}")
        self._used = True
        with self.stop_recording():
            grads = self._seeds(target, output_gradients)
            self._walk(grads, keep=self._source_uids(sources))
            out = tree.map_structure(lambda s: self._collect(s, grads, unconnected_gradients), sources)
        return out

    def jacobian(self, target: Any, sources: Any) -> Any:
        """Return d target / d source: target.shape + source.shape, one backward walk an element."""
        self._require_unused()
        persistent, self._persistent = self._persistent, True
        try:
            with self.stop_recording():
                rows = []
                for i in range(target.size):
                    seed = OPS["reshape"](OPS["one_hot"](i, target.size, dtype=target.dtype), target.shape)
                    rows.append(self.gradient(target, sources, output_gradients=seed, unconnected_gradients="zero"))
                return tree.map_structure(
                    lambda *g: OPS["reshape"](OPS["stack"](list(g)), (*target.shape, *g[0].shape)), *rows)
        finally:
            self._persistent = persistent
            if not persistent:
                self._entries.clear()

    def _require_unused(self) -> None:
        if self._used and not self._persistent:
            raise RuntimeError("a GradientTape gives gradients once; make it with persistent=True for more")

    def _source_uids(self, sources: Any) -> set[int]:
        uids: set[int] = set()
        for s in tree.flatten(sources):
            uids.update(self._reads.get(id(s), ()) if isinstance(s, Variable) else [s.uid])
        return uids

    def _seeds(self, target: Any, output_gradients: Any) -> dict[int, Tensor]:
        targets = tree.flatten(target)
        given = [None] * len(targets) if output_gradients is None else tree.flatten(output_gradients)
        if len(given) != len(targets):
            raise ValueError(f"argument `output_gradients` must hold one for each of {len(targets)} targets, "
                             f"got {len(given)}")
        grads: dict[int, Tensor] = {}
        for t, g in zip(targets, given, strict=True):
            if isinstance(t, Variable):
                self.touch(t, t.handle)
            t = to_tensor(t)
            if standardize_dtype(t.dtype) not in _DIFFERENTIABLE:
                raise TypeError(f"only floating-point results have gradients, got dtype {t.dtype}")
            g = OPS["ones_like"](t) if g is None else to_tensor(g, t.dtype.name)
            if g.shape != t.shape:
                raise ValueError(f"an output gradient must have the shape of its target, {t.shape}, got {g.shape}")
            grads[t.uid] = g if t.uid not in grads else OPS["add"](grads[t.uid], g)
        return grads

    def _walk(self, grads: dict[int, Tensor], keep: set[int]) -> None:
        add = OPS["add"]
        for entry in reversed(self._entries) if self._persistent else _taken(self._entries):
            found = [grads.get(u) if u in keep else grads.pop(u, None) for u in entry.outputs]
            for each in found:
                if each is not None:
                    break
            else:
                continue
            g: Any = found[0] if entry.specs is None else _filled(entry, found)
            for uid, gx in zip(entry.inputs, _input_gradients(entry, g), strict=True):
                if uid is not None and gx is not None:
                    grads[uid] = gx if uid not in grads else add(grads[uid], gx)

    def _collect(self, source: Any, grads: dict[int, Tensor], unconnected: str) -> Any:
        uids = list(self._reads.get(id(source), ())) if isinstance(source, Variable) else [source.uid]
        found = [grads[u] for u in uids if u in grads]
        if not found:
            return OPS["zeros_like"](source) if unconnected == "zero" else None
        total = found[0]
        for g in found[1:]:
            total = OPS["add"](total, g)
        return total


def _taken(entries: list[Entry]) -> Iterator[Entry]:
    """Take the entries off a list, last first, so that what one kept goes as soon as it has served."""
    while entries:
        yield entries.pop()


class _Pause:
    """A context in which one tape does not record."""

    def __init__(self, tape: GradientTape):
        self._tape = tape

    def __enter__(self) -> None:
        self._was = self._tape._recording
        self._tape._stop()

    def __exit__(self, *_exception: Any) -> None:
        if self._was:
            self._tape._start()


def _filled(entry: Entry, found: list[Any]) -> tuple[Any, ...]:
    """The gradients of several results, with zeros for those that nobody gave, unless the rule does without."""
    if entry.card.joint is not None and entry.card.joint.takes_gaps:
        return tuple(found)
    return tuple([OPS["zeros"](s.shape, dtype=s.dtype.name) if x is None else x
                  for x, s in zip(found, entry.specs, strict=True)])  # type: ignore[arg-type]


def _input_gradients(entry: Entry, g: Any) -> Any:
    """One gradient an input, None where it is not asked for."""
    card = entry.card
    if card.joint is not None:
        out = _call(card.joint, entry, g)
    else:
        out = [None if uid is None else _call(rule, entry, g)
               for uid, rule in zip(entry.inputs, card.rules, strict=True)]  # type: ignore[arg-type]
    if entry.shapes is not None:
        out = [None if x is None else fit_to(x, shape) for x, shape in zip(out, entry.shapes, strict=True)]
    return out


def _call(rule: Any, entry: Entry, g: Any) -> Any:
    kept = entry.kept
    arguments = {n: kept[n] for n in rule.kept}
    for name in rule.params:
        arguments[name] = entry.params[name]
    if rule.wants_needs:
        arguments["needs"] = [uid is not None for uid in entry.inputs]
    return rule.function(g, **arguments)


def fit_to(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Sum a gradient over the axes along which an input of `shape` was broadcast."""
    if g.shape == tuple(shape):
        return g
    lead = len(g.shape) - len(shape)
    axes = tuple(range(lead)) + tuple(
        i + lead for i, n in enumerate(shape) if n == 1 and g.shape[i + lead] != 1)
    out = OPS["sum"](g, axis=axes)
    return out if out.shape == tuple(shape) else OPS["reshape"](out, shape)
