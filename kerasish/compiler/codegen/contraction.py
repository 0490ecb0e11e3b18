"""The lowering of the compiler's own matrix product to calls of the library."""

from typing import Any

from kerasish.backend.native.jobs import Plan, lowering
from kerasish.backend.native.kernels.products import product, single_product
from kerasish.compiler.contract import layout


@lowering("contract")
def contract(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    """A batch along two axes at most."""
    kind = {"f": "f4", "d": "f8"}.get(ins[0].dtype.char)
    if kind is None or ins[0].dtype != ins[1].dtype or not outs[0].size or not ins[0].size:
        return None
    plan = layout(params["subscripts"], params["x_shape"], params["y_shape"])
    if len(plan.batch) > 2:
        return None
    (turn_a, lda), (turn_b, ldb) = plan.x, plan.y
    sides: dict[str, Any] = dict(
        kind=kind, m=plan.m, n=plan.n, k=plan.k, lda=lda, ldb=ldb, turn_a=turn_a, turn_b=turn_b)
    if not plan.batch and plan.out == plan.n:
        return single_product("i0", "i1", "o0", "s0", bias="i2" if len(ins) > 2 else None, **sides)
    (long, *outer), (short, *inner) = (*plan.batch, (1, 0, 0, 0), (1, 0, 0, 0))[:2]
    steps = (outer[0], outer[1], outer[2]), (inner[0], inner[1], inner[2])
    job = product("i0", "i1", "o0", ldc=plan.out, batch=(long, short), outer=steps[0], inner=steps[1], **sides)
    return None if job is None else Plan((job,))
