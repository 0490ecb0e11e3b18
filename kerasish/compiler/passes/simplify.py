"""Instructions that do less for the same result.

Identities hold for every number, NaN, infinities and -0.0 among them: so x + 0 stays, since it makes 0 of -0.0, and
x * 0 stays. Scalings by several constants become one; as they then round once, that reassociates, which the compiler
may, and it is left where the constants are so large or small that an overflow could come or go.

The cross-entropy of probabilities stays as it is written: it divides by the sum of a softmax's results, which is 1 but
for rounding, and clips; where that shows, a formula from logits would say something else.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.compiler.ir import Instruction, Program
from kerasish.compiler.passes.rewriter import Rewriter
from kerasish.core.op import CARDS
from kerasish.core.spec import Spec, broadcast_shapes

Rule = Callable[[Rewriter, Instruction], int | None]

# Elementwise ops: each element of the result is made of the inputs' elements in its place alone.
ELEMENTWISE = frozenset([
    "absolute", "add", "cast", "clip", "cos", "divide", "equal", "erf", "exp", "expm1", "greater", "greater_equal",
    "isfinite", "less", "less_equal", "log", "log1p", "logical_and", "logical_not", "logical_or", "maximum", "minimum",
    "multiply", "negative", "not_equal", "power", "reciprocal", "relu", "rsqrt", "sigmoid", "sign", "sin", "sqrt",
    "square", "subtract", "tanh", "where"])
_FLOATS = (np.dtype("float32"), np.dtype("float64"))
_FOLDS = ("sum", "mean", "max", "min", "prod", "any", "all")


def simplify(program: Program) -> Program:
    """Return the program with each instruction replaced by a simpler one where a rule knows one."""
    return Rewriter(program).sweep(_simpler, ELEMENTWISE | RULES.keys())


def _simpler(rewriter: Rewriter, i: Instruction) -> int | None:
    name = i.card.name
    given = i.inputs
    if len(given) > 1 and name in ELEMENTWISE and (inputs := _unspread(rewriter, i)) != given:
        i = i.reading(inputs)
    for rule in RULES.get(name, ()):
        value = rule(rewriter, i)
        if value is not None:
            return value
    return None if i.inputs == given else rewriter.emit(i.card, i.inputs, i.params)


def _same(rewriter: Rewriter, i: Instruction, value: int) -> int | None:
    """The value, if it has the shape and dtype of the instruction's result."""
    return value if rewriter.specs[value] == rewriter.specs[i.outputs[0]] else None


# ---- Views ------------------------------------------------------------------------------------


def view_of_view(rewriter: Rewriter, i: Instruction) -> int | None:
    """One view instead of a reshape of a reshape or a transpose of a transpose; none if it is the tensor itself."""
    (x,) = i.inputs
    made = rewriter.source(x, i.card.name)
    if made is not None:
        x = made.inputs[0]
    if i.card.name == "reshape":
        shape = i.params["shape"]
        if rewriter.specs[x].shape == shape:
            return x
        return None if made is None else rewriter.emit(i.card, (x,), {"shape": shape})
    axes = i.params["axes"]
    if made is not None:
        axes = tuple([made.params["axes"][a] for a in axes])
    if axes == tuple(range(len(axes))):
        return x
    return None if made is None else rewriter.emit(i.card, (x,), {"axes": axes})


def _fold_of_shape(rewriter: Rewriter, i: Instruction) -> int | None:
    """A sum (or other fold) that keeps its axes, or drops them, instead of a reshape behind it."""
    (x,) = i.inputs
    sign = rewriter.source(x, "subtract")  # of a scalar: see `_sign_of_sum`
    if sign is not None and rewriter.uses[x] == 1 and not rewriter.specs[sign.inputs[0]].shape:
        x = sign.inputs[1]
    made = rewriter.made.get(x)
    if made is None or made.card.name not in _FOLDS or rewriter.uses[x] != 1:
        return None
    params = {**made.params, "keepdims": not made.params["keepdims"]}
    spec = made.card.spec(rewriter.specs[made.inputs[0]], **params)
    if spec.shape != i.params["shape"]:
        return None
    value = rewriter.emit(made.card, made.inputs, params)
    return value if x == i.inputs[0] or sign is None else rewriter.emit(sign.card, (sign.inputs[0], value), {})


def _unspread(rewriter: Rewriter, i: Instruction) -> tuple[int, ...]:
    """The inputs of an elementwise op as they were before broadcasts and reshapes that it does by itself."""
    inputs = list(i.inputs)
    shape = rewriter.specs[i.outputs[0]].shape
    for n, value in enumerate(inputs):
        made = rewriter.made.get(value)
        if made is None or made.card.name not in ("broadcast_to", "reshape"):
            continue
        inner = rewriter.specs[made.inputs[0]].shape
        outer = rewriter.specs[value].shape
        if made.card.name == "reshape" and outer != (1,) * (len(outer) - len(inner)) + inner:
            continue
        others = [rewriter.specs[v].shape for v in (*inputs[:n], *inputs[n + 1 :])]
        if broadcast_shapes(inner, *others) == shape:
            inputs[n] = made.inputs[0]
    return tuple(inputs)


# ---- Identities -------------------------------------------------------------------------------


def _cast(rewriter: Rewriter, i: Instruction) -> int | None:
    """No cast to a tensor's own dtype; one cast instead of two, where the first loses nothing."""
    (x,) = i.inputs
    if (found := _same(rewriter, i, x)) is not None:
        return found
    made = rewriter.source(x, "cast")
    if made is None or not np.can_cast(rewriter.specs[made.inputs[0]].dtype, rewriter.specs[x].dtype, "safe"):
        return None
    found = _same(rewriter, i, made.inputs[0])
    return rewriter.emit(i.card, made.inputs, i.params) if found is None else found


def _neutral(numbers: dict[int, Callable[[Any, bool], bool]]) -> Rule:
    """A rule: the one operand, if the other is a constant that a test (of number, and whether it is exact) finds to
    change nothing."""

    def rule(rewriter: Rewriter, i: Instruction) -> int | None:
        for at, test in numbers.items():
            number = rewriter.scalar(i.inputs[at])
            if number is not None and test(number, rewriter.specs[i.inputs[at]].dtype.kind in "biu"):
                return _same(rewriter, i, i.inputs[1 - at])
        return None

    return rule


def _is_one(number: Any, exact: bool) -> bool:
    return number == 1


def _is_plus_zero(number: Any, exact: bool) -> bool:
    return number == 0 and (exact or (type(number) is float and math.copysign(1, number) > 0))


def _is_minus_zero(number: Any, exact: bool) -> bool:
    return number == 0 and (exact or (type(number) is float and math.copysign(1, number) < 0))


def _where(rewriter: Rewriter, i: Instruction) -> int | None:
    """No choice between a tensor and itself, nor one within a branch that the same condition has made already."""
    condition, x, y = i.inputs
    if x == y:
        return _same(rewriter, i, x)
    inner_x, inner_y = rewriter.source(x, "where"), rewriter.source(y, "where")
    if inner_x is not None and inner_x.inputs[0] == condition:
        x = inner_x.inputs[1]
    if inner_y is not None and inner_y.inputs[0] == condition:
        y = inner_y.inputs[2]
    if (x, y) == i.inputs[1:]:
        return None
    shapes = [rewriter.specs[v].shape for v in (condition, x, y)]
    fits = broadcast_shapes(*shapes) == rewriter.specs[i.outputs[0]].shape
    return rewriter.emit(i.card, (condition, x, y), i.params) if fits else None


# ---- Signs ------------------------------------------------------------------------------------


def _unsigned(rewriter: Rewriter, value: int) -> int | None:
    """The negative of a value, if it costs nothing."""
    made = rewriter.made.get(value)
    if made is None:
        return None
    if made.card.name == "negative":
        return made.inputs[0]
    if made.card.name in ("multiply", "divide") and rewriter.uses[value] == 1:
        for n, v in enumerate(made.inputs):
            inner = rewriter.source(v, "negative")
            if inner is not None:
                inputs = (*made.inputs[:n], inner.inputs[0], *made.inputs[n + 1 :])
                return rewriter.emit(made.card, inputs, made.params)
    if made.card.name == "reshape" and rewriter.uses[value] == 1:
        below = _unsigned(rewriter, made.inputs[0])
        return None if below is None else rewriter.emit(made.card, (below,), made.params)
    return None


def _signs_of_sum(rewriter: Rewriter, i: Instruction) -> int | None:
    """x - y for x + (-y), and x + y for x - (-y)."""
    x, y = i.inputs
    other = CARDS["subtract" if i.card.name == "add" else "add"]
    if (inner := _unsigned(rewriter, y)) is not None:
        return rewriter.emit(other, (x, inner), {})
    if i.card.name == "add" and (inner := _unsigned(rewriter, x)) is not None:
        return rewriter.emit(other, (y, inner), {})
    return None


def _signs_of_product(rewriter: Rewriter, i: Instruction) -> int | None:
    """Without the signs of two factors, or with a constant of the other sign."""
    x, y = i.inputs
    inner_x, inner_y = rewriter.source(x, "negative"), rewriter.source(y, "negative")
    if inner_x is not None and inner_y is not None:
        return rewriter.emit(i.card, (inner_x.inputs[0], inner_y.inputs[0]), i.params)
    for n in (0, 1):
        number = rewriter.scalar(i.inputs[n])
        if number is None or type(number) is not float:
            continue
        inner = _unsigned(rewriter, i.inputs[1 - n])
        if inner is not None:
            minus = rewriter.number(-number, rewriter.specs[i.inputs[n]])
            return rewriter.emit(i.card, (minus, inner) if n == 0 else (inner, minus), i.params)
    return None


def _negative(rewriter: Rewriter, i: Instruction) -> int | None:
    return _unsigned(rewriter, i.inputs[0])


def _sign_of_sum(rewriter: Rewriter, i: Instruction) -> int | None:
    """0 less the sum, for the sum of negatives: of the small result the sign is changed. (A sum is never -0.0.)"""
    inner = rewriter.source(i.inputs[0], "negative")
    if inner is None or rewriter.uses[i.inputs[0]] != 1:
        return None
    zero = rewriter.number(0, Spec((), rewriter.specs[i.outputs[0]].dtype))
    return rewriter.emit(CARDS["subtract"], (zero, rewriter.emit(i.card, inner.inputs, i.params)), {})


# ---- Powers -----------------------------------------------------------------------------------


def _small_power(rewriter: Rewriter, i: Instruction) -> int | None:
    """Products for the exponents 2, 3 and -1."""
    x, exponent = i.inputs
    number = rewriter.scalar(exponent)
    if rewriter.specs[x] != rewriter.specs[i.outputs[0]] or rewriter.specs[x].dtype not in _FLOATS:
        return None
    if number == -1:
        return rewriter.emit(CARDS["reciprocal"], (x,), {})
    if number not in (2, 3):
        return None
    square = rewriter.emit(CARDS["square"], (x,), {})
    return square if number == 2 else rewriter.emit(CARDS["multiply"], (square, x), {})


def _over_power_of_two(rewriter: Rewriter, i: Instruction) -> int | None:
    """Times the reciprocal, where that is exact."""
    x, divisor = i.inputs
    number = rewriter.scalar(divisor)
    if not _tame(number) or abs(math.frexp(number)[0]) != 0.5:
        return None
    return rewriter.emit(CARDS["multiply"], (x, rewriter.number(1 / number, rewriter.specs[divisor])), {})


# ---- Scalings ---------------------------------------------------------------------------------


def _tame(number: Any) -> bool:
    return type(number) is float and 2.0**-30 <= abs(number) <= 2.0**30


def _factored(rewriter: Rewriter, value: int, depth: int = 4) -> tuple[float, int] | None:
    """A constant factor of a product, and the product without it; None if it has none that can be had for nothing."""
    made = rewriter.source(value, "multiply")
    if made is None or not depth:
        return None
    for n in (0, 1):
        factor, rest = rewriter.scalar(made.inputs[n]), made.inputs[1 - n]
        if _tame(factor) and rewriter.specs[rest] == rewriter.specs[value]:
            return factor, rest
    if rewriter.uses[value] != 1:
        return None
    for n in (0, 1):
        found = _factored(rewriter, made.inputs[n], depth - 1)
        if found is not None:
            factor, rest = found
            inputs = (rest, made.inputs[1]) if n == 0 else (made.inputs[0], rest)
            return factor, rewriter.emit(made.card, inputs, made.params)
    return None


def _scaled_twice(rewriter: Rewriter, i: Instruction) -> int | None:
    """One scaling by the product of two constants."""
    if rewriter.specs[i.outputs[0]].dtype not in _FLOATS:
        return None
    for n in (0, 1):
        outer = rewriter.scalar(i.inputs[n])
        if not _tame(outer):
            continue
        found = _factored(rewriter, i.inputs[1 - n])
        if found is not None:
            factor, rest = found
            scale = rewriter.number(outer * factor, rewriter.specs[i.inputs[n]])
            return rewriter.emit(i.card, (scale, rest) if n == 0 else (rest, scale), i.params)
    return None


RULES: dict[str, tuple[Rule, ...]] = {
    "reshape": (view_of_view, _fold_of_shape),
    "transpose": (view_of_view,),
    "cast": (_cast,),
    "where": (_where,),
    "add": (_neutral({0: _is_minus_zero, 1: _is_minus_zero}), _signs_of_sum),
    "subtract": (_neutral({1: _is_plus_zero}), _signs_of_sum),
    "multiply": (_neutral({0: _is_one, 1: _is_one}), _signs_of_product, _scaled_twice),
    "divide": (_neutral({1: _is_one}), _over_power_of_two, _signs_of_product),
    "power": (_neutral({1: _is_one}), _small_power),
    "sum": (_sign_of_sum,),
    "negative": (_negative,),
}
