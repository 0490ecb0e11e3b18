"""Put elementwise chains, with the reductions that begin or end them, into fused instructions."""

import math
from collections.abc import Callable
from typing import Any

from kerasish.compiler.codegen.expressions import kind_of, writer
from kerasish.compiler.codegen.fused import COLUMN, FULL, ROW, Fused, Mask, Shape, collapse
from kerasish.compiler.codegen.recompute import Recomputing
from kerasish.compiler.codegen.schedule import is_view
from kerasish.compiler.ir import Instruction, Program
from kerasish.compiler.passes.decompose import SHORT

_MOST_INPUTS, _MOST_MEMBERS, _MOST_LOOPS = 24, 64, 5
_FOLDS = ("sum", "mean", "max", "min")
_AT = ("take_along_axis", "position")  # folds of rows by a second input, one number a row
_INLINE = (0.0, 1.0, -1.0, 0.5, 2.0)  # constants that are written into the code


def fuse(program: Program) -> Program:
    """Return the program with fused instructions."""
    return _Fuser(program).run()


class _Group:
    """Instructions that go into one kernel."""

    def __init__(self, shape: Shape):
        self.shape = shape
        self.folded = 0
        self.summed: int | None = None  # how many first axes sums fold
        self.members: list[Instruction] = []
        self.scopes: dict[int, str] = {}
        self.leaves: dict[int, Mask] = {}
        self.everywhere: Mask = tuple([n != 1 for n in shape])
        self.masks: set[Mask] = set()  # of the leaves

    def row_shapes(self) -> tuple[Shape, ...]:
        front = self.shape[: len(self.shape) - self.folded]
        return (front + (1,) * self.folded, front)

    def has_loops(self, masks: set[Mask], folded: int, summed: int | None) -> bool:
        """Tell whether the group's shape is a few loops if these are the masks of its leaves, and it is folded so."""
        as_before = self.members and len(masks) == len(self.masks) and folded == self.folded and summed == self.summed
        if as_before or not self.shape:
            return True
        if summed is not None and folded and summed != len(self.shape) - folded:
            return False
        loops = collapse(self.shape, masks, self.kept(folded, summed))
        return loops is not None and len(loops.dims) <= _MOST_LOOPS

    def kept(self, folded: int, summed: int | None) -> int | None:
        """How many last axes must be the innermost loop."""
        if folded:
            return folded
        return None if summed is None or summed == len(self.shape) else len(self.shape) - summed


class _Fuser:
    def __init__(self, program: Program):
        self.program, self.specs = program, list(program.specs)
        self.places: list[Any] = []  # groups and lone instructions, in order
        self.scalars: list[int] = []  # those of groups that compute single numbers
        self.front: list[Instruction] = []  # those that stand alone and depend on nothing computed in a group
        self.views: dict[int, list[Instruction]] = {}  # place -> views of what it makes, which stand behind it
        self.where: dict[int, float] = {}  # value -> place that makes it; half a place more for its views
        self.readers: dict[int, int] = {}  # value -> the last group that reads it
        self.constants = {v: a for a, v in program.constants}
        self.numbered: set[int] = set()  # values that are numbers of rows (see `decompose`)

    def run(self) -> Program:
        for i in self.program.instructions:
            after = max([self.where.get(v, -1) for v in i.inputs], default=-1)
            place: float | None = self._home(i, after) if self._is_fusible(i) else None
            if place is None and after < 0 and i.card.name != "full":
                self.front.append(i)
                place = -1
            elif place is None and is_view(i):
                self.views.setdefault(int(after), []).append(i)
                place = int(after) + 0.5
            elif place is None:
                place = len(self.places)
                self.places.append(i)
            for o in i.outputs:
                self.where[o] = place
            if i.card.name == "number_rows":
                self.numbered.add(i.outputs[0])
        self._place_views()
        kept = {*self.program.outputs, *(v for _, v in self.program.updates)}
        Recomputing(self.places, self.specs, kept, _FITS, _MOST_INPUTS, _MOST_MEMBERS).run()
        used = self._used_outside()
        done = [p if isinstance(p, Instruction) else self._instruction(p, used) for p in self.places]
        return self.program._replace(
            specs=tuple(self.specs), instructions=(*self.front, *[i for i in done if i.outputs]))

    def _place_views(self) -> None:
        """Let views have places too."""
        places: list[Any] = []
        numbers: list[int] = []
        for n, place in enumerate(self.places):
            numbers.append(len(places))
            places += [place, *self.views.get(n, ())]
        self.where = {v: n if n < 0 else numbers[int(n)] for v, n in self.where.items()}
        self.where.update((i.outputs[0], numbers[n] + k) for n, views in self.views.items()
                          for k, i in enumerate(views, 1))
        self.places = places

    def _is_fusible(self, i: Instruction) -> bool:
        """Whether fused kernels can do what an instruction does, for its dtypes."""
        if len(i.outputs) != 1 or i.card.effect:
            return False
        name, out = i.card.name, self.specs[i.outputs[0]]
        if name in _FITS:
            return True
        if name == "broadcast_to":
            return kind_of(out) is not None
        return bool(i.inputs) and writer(name, [self.specs[v] for v in i.inputs], out) is not None

    def _home(self, i: Instruction, after: float) -> int | None:
        """The group that takes an instruction: one it is connected with, or a new one."""
        tried = {self.readers[v] for v in i.inputs if v in self.readers and self.specs[v].size > 1}
        if after == int(after):  # else it waits for a view of what that group makes
            tried.add(int(after))
        if self.specs[i.outputs[0]].size == 1:
            tried.update(self.scalars)
        for n in sorted(tried, reverse=True):
            is_group = n >= max(after, 0) and isinstance(self.places[n], _Group)
            if is_group and self._add(self.places[n], i):
                self._note(i, n)
                return n
        group = self._new(i)
        if group is not None:
            if not group.shape:
                self.scalars.append(len(self.places))
            self.places.append(group)
            self._note(i, len(self.places) - 1)
            return len(self.places) - 1
        return None

    def _note(self, i: Instruction, n: int) -> None:
        for v in i.inputs:
            self.readers[v] = n

    def _new(self, i: Instruction) -> _Group | None:
        out = self.specs[i.outputs[0]]
        if i.card.name in ("reshape", "broadcast_to"):
            return None  # a view; or a copy, where nothing is computed
        folds = i.card.name in _FOLDS or i.card.name in _AT
        shape = self.specs[i.inputs[0]].shape if folds else out.shape
        if out.size == 1 and not folds:
            shape = ()
        group = _Group(shape)
        return group if math.prod(shape) and self._add(group, i) else None

    def _add(self, group: _Group, i: Instruction) -> bool:
        """Add an instruction to a group if it fits."""
        if len(group.members) >= _MOST_MEMBERS:
            return False
        found = self._fit(group, i)
        if found is None:
            return False
        scope, leaves, folded, summed = found
        for v, mask in leaves.items():
            if group.leaves.get(v, mask) != mask:
                return False
        masks, every = group.masks.union(leaves.values()), group.leaves | leaves
        if len(every) > _MOST_INPUTS or not group.has_loops(masks, folded, summed):
            return False
        group.leaves, group.masks, group.folded, group.summed = every, masks, folded, summed
        group.members.append(i)
        group.scopes[i.outputs[0]] = scope
        return True

    def _fit(self, group: _Group, i: Instruction) -> Any:
        """(scope, new leaves, folded axes, summed axes) with which an instruction would belong to a group, or None."""
        special = _FITS.get(i.card.name)
        if special is not None:
            return special(self, group, i)
        out = self.specs[i.outputs[0]]
        scope = self._scope(group, out.shape)
        if scope is None or (group.shape == () and any(self.specs[v].size != 1 for v in i.inputs)):
            return None
        leaves: dict[int, Mask] = {}
        for v in i.inputs:
            if scope == FULL == group.scopes.get(v):
                continue
            mask = self._reach(group, v, scope, out.shape)
            if mask is None:
                return None
            if v not in group.scopes:
                leaves[v] = mask
        return scope, leaves, group.folded, group.summed

    def _scope(self, group: _Group, shape: Shape) -> str | None:
        if shape == group.shape or (group.shape == () and math.prod(shape) == 1):
            return FULL
        return ROW if group.folded and shape in group.row_shapes() else None

    def _reach(self, group: _Group, v: int, scope: str, shape: Shape) -> Mask | None:
        """Along which axes an input extends (nothing for one that the group makes); None if it cannot be read here."""
        own, spec = group.scopes.get(v), self.specs[v]
        if own is not None:
            if own == COLUMN:
                return None
            fits = own == scope if scope == ROW or own == FULL else spec.shape == group.row_shapes()[0]
            return () if fits and (own != ROW or scope == FULL or spec.shape == shape) else None
        if not group.shape or spec.shape == shape == group.shape:
            return group.everywhere
        if not spec.shape:
            return (False,) * len(group.shape)
        aligned = (1,) * (len(shape) - spec.ndim) + spec.shape
        mask = tuple([n != 1 for n in aligned])
        if any(extends and m != n for m, n, extends in zip(aligned, shape, mask, strict=True)):
            return None
        return mask + (False,) * (len(group.shape) - len(shape))

    def _fit_reshape(self, group: _Group, i: Instruction) -> Any:
        """A number of each row, with an axis of length 1 or without; or a single number."""
        (x,), out = i.inputs, self.specs[i.outputs[0]]
        is_row = group.scopes.get(x) == ROW and group.folded and out.shape in group.row_shapes()
        is_scalar = group.shape == () and out.size == 1 and (x in group.scopes or self.specs[x].size == 1)
        if is_row or is_scalar:
            return (ROW if is_row else FULL), ({} if x in group.scopes else {x: ()}), group.folded, group.summed
        return None

    def _fit_fold(self, group: _Group, i: Instruction) -> Any:
        (x,), out, axes = i.inputs, self.specs[i.outputs[0]], tuple(sorted(i.params["axis"]))
        spec, rank = self.specs[x], len(group.shape)
        if spec.shape != group.shape or not group.shape or kind_of(spec) not in ("f4", "f8") or not axes:
            return None
        if spec.dtype != out.dtype or group.scopes.get(x, FULL) != FULL:
            return None
        leaves = {} if x in group.scopes else {x: group.everywhere}
        if axes == tuple(range(rank - len(axes), rank)) and len(axes) < rank and group.folded in (0, len(axes)):
            return ROW, leaves, len(axes), group.summed
        leading = axes == tuple(range(len(axes)))
        if leading and i.card.name in ("sum", "mean") and group.summed in (None, len(axes)):
            return COLUMN, leaves, group.folded, len(axes)
        return None

    def _fit_at(self, group: _Group, i: Instruction) -> Any:
        """A fold of rows in which another input says at which place, or by which number."""
        (x, at), out, rank = i.inputs, self.specs[i.outputs[0]], len(group.shape)
        if i.params["axis"] != rank - 1 or rank < 2 or group.folded not in (0, 1):
            return None
        row = group.shape[:-1] + (1,)
        if self.specs[x].shape != group.shape or self.specs[at].shape != row or group.scopes.get(x, FULL) != FULL:
            return None
        if out.shape not in (row, row[:-1]) or group.scopes.get(at, ROW) != ROW or row == group.shape:
            return None
        if kind_of(self.specs[x]) is None or self.specs[at].dtype.kind not in "if" or group.shape[-1] > SHORT:
            return None
        leaves = {x: group.everywhere, at: (*group.everywhere[:-1], False)}
        return ROW, {v: m for v, m in leaves.items() if v not in group.scopes}, 1, group.summed

    def _fit_rows(self, group: _Group, i: Instruction) -> Any:
        """Rows of a small matrix that numbers name, one a row of the group; no other reader may see the matrix."""
        table, numbers = i.inputs
        if numbers not in self.numbered or self.specs[i.outputs[0]].shape != group.shape or group.folded > 1:
            return None
        leaves = {table: (False, False), numbers: (True, False)}
        return None if table in group.scopes else (FULL, leaves, group.folded, group.summed)

    def _fit_placed(self, group: _Group, i: Instruction) -> Any:
        """One number of a row put at one place of it, zeros elsewhere."""
        rank = len(group.shape)
        row = group.shape[:-1] + (1,)
        if self.specs[i.outputs[0]].shape != group.shape or rank < 2 or i.params["axis"] != rank - 1:
            return None
        if group.folded not in (0, 1) or row == group.shape or any(self.specs[v].shape != row for v in i.inputs):
            return None
        if any(group.scopes.get(v, ROW) != ROW or kind_of(self.specs[v]) is None for v in i.inputs):
            return None
        mask = (*group.everywhere[:-1], False)
        return FULL, {v: mask for v in i.inputs if v not in group.scopes}, 1, group.summed

    def _used_outside(self) -> set[int]:
        used = {*self.program.outputs, *(v for _, v in self.program.updates)}
        for n, p in enumerate(self.places):
            for i in [p] if isinstance(p, Instruction) else p.members:
                used.update([v for v in i.inputs if self.where.get(v, n) != n])
        return used

    def _instruction(self, group: _Group, used: set[int]) -> Instruction:
        live: set[int] = set()
        members = []
        for i in reversed(group.members):
            if i.outputs[0] in live or i.outputs[0] in used:
                members.append(i)
                live.update(i.inputs)
        members.reverse()
        read = dict.fromkeys([v for i in members for v in i.inputs if v not in group.scopes])
        known = {v: value for v in read if (value := self._inline(v)) is not None}
        inputs = [v for v in read if v not in known]
        values = [*inputs, *known, *[i.outputs[0] for i in members]]
        number = {v: n for n, v in enumerate(values)}
        body = tuple([Instruction(i.card, tuple([number[v] for v in i.inputs]), i.params, (number[i.outputs[0]],))
                      for i in members])
        made = [i.outputs[0] for i in members if i.outputs[0] in used]
        card = Fused(
            body, len(inputs), tuple([number[v] for v in made]), group.shape, group.folded,
            {number[i.outputs[0]]: group.scopes[i.outputs[0]] for i in members},
            tuple([group.leaves[v] for v in inputs]), {number[v]: value for v, value in known.items()},
            [self.specs[v] for v in values])
        if len(members) == 1 and members[0].card.name == "take":
            return members[0]
        return Instruction(card, tuple(inputs), {}, tuple(made))  # type: ignore[arg-type]

    def _inline(self, v: int) -> float | None:
        array = self.constants.get(v)
        if array is None or array.size != 1 or kind_of(self.specs[v]) is None:
            return None
        value = float(array.reshape(-1)[0])
        return value if value in _INLINE and not (value == 0 and str(value) == "-0.0") else None


# Ops that are not done place by place, or not always.
_FITS: dict[str, Callable[[_Fuser, _Group, Instruction], Any]] = {
    **dict.fromkeys(_FOLDS, _Fuser._fit_fold), **dict.fromkeys(_AT, _Fuser._fit_at), "take": _Fuser._fit_rows,
    "add_along_axis": _Fuser._fit_placed, "reshape": _Fuser._fit_reshape}
