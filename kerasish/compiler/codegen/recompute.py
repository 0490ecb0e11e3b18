"""Compute again what is cheaper to compute than to keep: the exponential in the gradient of GELU, the mask of a ReLU.

A result of one fused kernel that others read costs memory until the last of them has run, and time to write and to
read. Where it follows place by place from what a reader has anyhow, and from a few numbers, the reader computes it.
"""

from typing import Any, NamedTuple

from kerasish.compiler.codegen.expressions import nanoseconds
from kerasish.compiler.codegen.fused import FULL, ROW
from kerasish.compiler.ir import Instruction

_WORTH = 1 << 14  # elements; less stays in a cache
_SMALL = 16  # what has fewer elements by this factor is read for next to nothing
_NANOSECONDS_A_BYTE = 0.15


class Recomputing:
    """Changes groups of instructions, before they become fused instructions.

    Args:
        places: groups and lone instructions, in order.
        specs: of all values; those that are computed again are added.
        kept: values that are wanted when all is done.
        special: names of ops that are not done place by place.
        most_inputs: of a group.
        most_members: of a group.
    """

    def __init__(self, places: list[Any], specs: list[Any], kept: set[int], special: Any, most_inputs: int,
                 most_members: int):
        self._places, self._specs, self._special = places, specs, special
        self._most_inputs, self._most_members = most_inputs, most_members
        self._readers: dict[int, dict[int, Any]] = {}  # value -> groups that read it, by their ids
        self._alone = set(kept)  # values that somebody else reads
        for place in places:
            if isinstance(place, Instruction):
                self._alone.update(place.inputs)
            else:
                for v in place.leaves:
                    self._readers.setdefault(v, {})[id(place)] = place

    def run(self) -> None:
        """Look at every group's results."""
        for group in self._places:
            if not isinstance(group, Instruction):
                for i in list(group.members):
                    self._consider(group, i.outputs[0])

    def _consider(self, group: Any, v: int) -> None:
        readers = list(self._readers.get(v, {}).values())
        if v in self._alone or not readers or self._specs[v].size < _WORTH or group.scopes.get(v) != FULL:
            return
        makers = {i.outputs[0]: i for i in group.members}
        plans = [self._plan(group, makers, reader, v) for reader in readers]
        if all(plan is not None for plan in plans):
            for reader, plan in zip(readers, plans, strict=True):
                self._take_over(reader, v, plan)  # type: ignore[arg-type]
            self._readers[v] = {}

    def _plan(self, group: Any, makers: dict[int, Instruction], reader: Any, v: int) -> "_Plan | None":
        """How a reader computes a value; None if it cannot, or should not."""
        if reader.shape != group.shape or reader.leaves.get(v) != reader.everywhere:
            return None
        needed: dict[int, Instruction] = {}
        leaves: dict[int, Any] = {}  # what the reader has to read besides
        waiting = [v]
        while waiting:
            u = waiting.pop()
            i = makers.get(u)
            if u != v and u in reader.leaves:
                continue
            if i is None or group.scopes[u] == ROW:
                if self._specs[u].size * _SMALL > self._specs[v].size or u in reader.scopes:
                    return None
                leaves[u] = _extent(self._specs[u], group) if i is not None else group.leaves[u]
            elif group.scopes[u] != FULL or i.card.name in self._special or u in reader.scopes:
                return None
            elif u not in needed:
                needed[u] = i
                waiting += i.inputs
        if None in leaves.values():
            return None
        masks = reader.masks.union(leaves.values())
        fits = (len(reader.leaves) + len(leaves) <= self._most_inputs
                and len(reader.members) + len(needed) <= self._most_members
                and reader.has_loops(masks, reader.folded, reader.summed))
        if not fits or nanoseconds(needed.values()) > self._specs[v].dtype.itemsize * 2 * _NANOSECONDS_A_BYTE:
            return None
        return _Plan([i for i in group.members if i.outputs[0] in needed], leaves)

    def _take_over(self, reader: Any, v: int, plan: "_Plan") -> None:
        """Let a reader compute a value, under another number."""
        number: dict[int, int] = {}
        made = []
        for i in plan.instructions:
            number[i.outputs[0]] = len(self._specs)
            self._specs.append(self._specs[i.outputs[0]])
            made.append(i._replace(inputs=tuple([number.get(u, u) for u in i.inputs]),
                                   outputs=(number[i.outputs[0]],)))
        for u in plan.leaves:
            self._readers.setdefault(u, {})[id(reader)] = reader
        reader.leaves.update(plan.leaves)
        del reader.leaves[v]
        reader.masks = set(reader.leaves.values())
        reader.scopes.update(dict.fromkeys(number.values(), FULL))
        reader.members = made + [i.reading(tuple([number[u] if u == v else u for u in i.inputs]))
                                 for i in reader.members]


class _Plan(NamedTuple):
    """Instructions that a reader repeats, in order, and what it has to read besides, with masks."""

    instructions: list[Instruction]
    leaves: dict[int, Any]


def _extent(spec: Any, group: Any) -> Any:
    """Along which axes a number of each row extends; None if its shape does not say so."""
    return tuple([n != 1 for n in spec.shape]) if spec.ndim == len(group.shape) else None


