"""Transposes and reshapes around products are folded into them, and elementwise ops leave the way free for that.

A product reads and writes its axes in many orders for nothing (see `compiler.contract`), a transpose by itself moves
every element. A transpose or reshape of an operand goes into the product, also one of the product's result, even
with scalings and other elementwise ops of one tensor in between. Other elementwise ops of transposed tensors are done
before the transpose, so that it comes closer to a product that can take it, or to another transpose. Transposed rows
of a table are rows of a transposed index, and a fold of a transposed tensor is one over other axes.
"""

from kerasish.compiler.ir import Instruction, Program
from kerasish.compiler.passes.contractions import Product, emit, emit_found, of_contract
from kerasish.compiler.passes.rewriter import Rewriter
from kerasish.compiler.passes.simplify import ELEMENTWISE, Rule, view_of_view

_VIEWS = ("transpose", "reshape")


def fold_transposes(program: Program) -> Program:
    """Return the program with transposes and reshapes folded into products."""
    return Rewriter(program).sweep(_folded, _RULES)


def _folded(rewriter: Rewriter, i: Instruction) -> int | None:
    for rule in _RULES[i.card.name]:
        found = rule(rewriter, i)
        if found is not None:
            return found
    return None


def _from_before_views(rewriter: Rewriter, i: Instruction) -> int | None:
    """A product that reads what its operands were before they were transposed and reshaped."""
    if not any(v in rewriter.made and rewriter.made[v].card.name in _VIEWS for v in i.inputs):
        return None
    shape = i.params["shape"]
    good, inputs, best = of_contract(i), i.inputs, None
    for which in (0, 1):
        product, values = good.copy(), list(inputs)
        while (made := rewriter.made.get(values[which])) is not None and made.card.name in _VIEWS:
            if made.card.name == "transpose" and not _undone(product, which, made, rewriter):
                break
            values[which] = made.inputs[0]
            found = product.params(shape)
            if found is not None:
                good, inputs, best = product.copy(), tuple(values), found
    return None if best is None else emit_found(rewriter, best, inputs)


def _undone(product: Product, which: int, transpose: Instruction, rewriter: Rewriter) -> bool:
    """Put the letters of an operand in the order that they had before a transpose; False if that cannot be said."""
    groups = product.groups(which, rewriter.specs[transpose.outputs[0]].shape)
    if groups is None:
        return False
    axes = transpose.params["axes"]
    product.terms[which] = [c for a in range(len(axes)) for c in groups[axes.index(a)]]
    return True


def _into_product(rewriter: Rewriter, i: Instruction) -> int | None:
    """What makes the transposed or reshaped result at once, if a product begins it that nothing else reads."""
    chain: list[Instruction] = []
    value = i.inputs[0]
    while (made := rewriter.made.get(value)) is not None and rewriter.uses[value] == 1:
        if made.card.name == "contract":
            return _rewritten(rewriter, i, made, chain)
        large = [v for v in made.inputs if rewriter.specs[v].shape]
        if made.card.name not in ELEMENTWISE or len(large) != 1:
            return None
        chain.append(made)
        value = large[0]
    return None


def _rewritten(rewriter: Rewriter, view: Instruction, contract: Instruction, chain: list[Instruction]) -> int | None:
    product = of_contract(contract)
    if view.card.name == "transpose":
        groups = product.groups(2, contract.params["shape"])
        if groups is None:
            return None
        product.terms[2] = [c for a in view.params["axes"] for c in groups[a]]
    value = emit(rewriter, product, contract.inputs, rewriter.specs[view.outputs[0]].shape)
    if value is None:
        return None
    for made in reversed(chain):
        inputs = tuple([value if rewriter.specs[v].shape else v for v in made.inputs])
        value = rewriter.emit(made.card, inputs, made.params)
    return value


def _before_views(rewriter: Rewriter, i: Instruction) -> int | None:
    """Views of the op of what its inputs are views of; other inputs must be scalars."""
    views: list[Instruction] = []
    inputs = i.inputs
    while (found := _common_view(rewriter, inputs)) is not None:
        view, inputs = found
        views.append(view)
    if not views:
        return None
    value = rewriter.emit(i.card, inputs, i.params)
    for view in reversed(views):
        value = rewriter.emit(view.card, (value,), view.params)
    return value


def _common_view(rewriter: Rewriter, inputs: tuple[int, ...]) -> tuple[Instruction, tuple[int, ...]] | None:
    """The view that all inputs but scalars are, and what they are views of; None if nothing is gained before it."""
    large, views = [], []
    for v in inputs:
        if rewriter.specs[v].shape:
            made = rewriter.made.get(v)
            if made is None or made.card.name not in _VIEWS:
                return None
            large.append(v)
            views.append(made)
    if not views or any(v.params != views[0].params for v in views):
        return None
    shapes = {rewriter.specs[v.inputs[0]].shape for v in views}
    if len(shapes) > 1 or any(rewriter.uses[v] != large.count(v) for v in large):
        return None
    return views[0], tuple([rewriter.made[v].inputs[0] if v in large else v for v in inputs])


def _before_transpose(rewriter: Rewriter, i: Instruction) -> int | None:
    """A flip or fold of a tensor as it was before a transpose, its axes those from which they came.

    A fold must leave the rest in its order, a flip is transposed then.
    """
    x = i.inputs[0]
    made = rewriter.source(x, "transpose")
    if made is None or rewriter.uses[x] != 1:
        return None
    order = made.params["axes"]
    axis = tuple(sorted([order[a] for a in i.params["axis"]]))
    if i.card.name == "flip":
        return rewriter.emit(made.card, (rewriter.emit(i.card, made.inputs, {"axis": axis}),), made.params)
    rest = [a for n, a in enumerate(order) if n not in i.params["axis"]]
    if rest != sorted(rest) or (i.params["keepdims"] and axis != i.params["axis"]):
        return None
    return rewriter.emit(i.card, made.inputs, {**i.params, "axis": axis})


def _before_rows(rewriter: Rewriter, i: Instruction) -> int | None:
    """Rows gathered in the transposed order of a transposed index, where only axes of the index change places."""
    gathered = rewriter.source(i.inputs[0], "take")
    if gathered is None or gathered.params["axis"] != 0 or rewriter.uses[i.inputs[0]] != 1:
        return None
    table, index = gathered.inputs
    order = _index_order(i.params["axes"], len(rewriter.specs[index].shape))
    if order is None:
        return None
    return rewriter.emit(gathered.card, (table, rewriter.emit(i.card, (index,), {"axes": order})), gathered.params)


def _from_rows(rewriter: Rewriter, i: Instruction) -> int | None:
    """Rows added in the order in which they were before a transpose, to where a transposed index says."""
    moved = rewriter.source(i.inputs[0], "transpose")
    if moved is None or i.params["index"] != ("array",) or rewriter.uses[i.inputs[0]] != 1:
        return None
    order = _index_order(moved.params["axes"], len(rewriter.specs[i.inputs[1]].shape))
    if order is None:
        return None
    back = tuple(sorted(range(len(order)), key=order.__getitem__))
    transposed = rewriter.emit(moved.card, (i.inputs[1],), {"axes": back})
    return rewriter.emit(i.card, (moved.inputs[0], transposed), i.params)


def _index_order(axes: tuple[int, ...], ndim: int) -> tuple[int, ...] | None:
    """The order of an index's axes, the first ones, in a transpose that leaves the others in their places."""
    rest = tuple(range(ndim, len(axes)))
    return axes[:ndim] if rest and axes[ndim:] == rest else None


_RULES: dict[str, tuple[Rule, ...]] = {
    **dict.fromkeys(ELEMENTWISE, (_before_views,)),
    **dict.fromkeys(["flip", "sum", "mean", "max", "min"], (_before_transpose,)),
    "contract": (_from_before_views,), "scatter_item": (_from_rows,),
    "reshape": (_into_product, view_of_view), "transpose": (_into_product, view_of_view, _before_rows)}
