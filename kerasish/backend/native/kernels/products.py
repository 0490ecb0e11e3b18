"""Matrix products: by hand, or calls of the library on parts of the rows or columns of the result, or of its sums."""

import math
from typing import Any

from kerasish.backend.native import blas
from kerasish.backend.native.driver import _Pointer
from kerasish.backend.native.jobs import Job, Plan, align, lowering
from kerasish.backend.native.kernels.panels import panel_product
from kerasish.backend.native.kernels.parts import add_parts
from kerasish.backend.native.llvm import ir

_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112
SHARE = 2_000_000  # multiplications of a part
NEAR = 100_000  # elements of a matrix that stays in the nearer caches: all parts of the rows may read it


def gemm(kind: str, wide: bool, start: str = "") -> Any:
    """Return the writer of a product of batches of matrices, or of a single one that is added to something.

    Table: a, b, out, the bias if there is one; then the function's address, m, n, k, lda, ldb, ldc, transpose a,
    transpose b; elements from one matrix to the next of a, b and out, along the outer axis of the batch and along the
    inner one; the length of the inner one; whether parts are rows (0), columns (1), whole matrices (2), or pieces of
    the sums (3), which go into a result each; the length of such a piece; last, at which elements a, b and out begin.

    Args:
        kind: of the numbers.
        wide: whether the library's integers have 64 bits.
        start: what the product is added to: "" to nothing, "bias" to a bias of its rows, "out" to what is there.
    """
    has_bias = start == "bias"

    def write(k: Any) -> None:
        integer, real = ir.IntType(64 if wide else 32), ir.FloatType() if kind == "f4" else ir.DoubleType()
        a, b, out = (k.pointer(n, kind) for n in range(3))
        address, m, n, depth, lda, ldb, ldc, turn_a, turn_b, *rest = (k.size(3 + has_bias + i) for i in range(21))
        outer, inner, (length, mode, piece), (begin_a, begin_b, begin_out) = rest[:3], rest[3:6], rest[6:9], rest[9:]
        pieces = mode.equals(3)
        build = k.builder
        rows, columns = mode.equals(0), mode.equals(1)
        first, count = rows.where(k.lo, 0), rows.where(k.hi - k.lo, m)
        left, width = columns.where(k.lo, 0), columns.where(k.hi - k.lo, n)
        plain_a, plain_b = turn_a.equals(0), turn_b.equals(0)
        begun, depth = pieces.where(k.lo, 0), pieces.where(k.hi - k.lo, depth)
        a = a + (begin_a + plain_a.where(first * lda + begun, first + begun * lda))
        b = b + (begin_b + plain_b.where(left + begun * ldb, left * ldb + begun))
        out = out + (begin_out + first * ldc + left + begun // piece * (m * n))
        begin, end = mode.equals(2).where(k.lo, 0), mode.equals(2).where(k.hi, 1)
        pointer, i32 = ir.PointerType(), ir.IntType(32)
        signature = ir.FunctionType(ir.VoidType(), [i32, i32, i32, *[integer] * 3, real, pointer, integer, pointer,
                                                    integer, real, pointer, integer])
        function = _Pointer(build.inttoptr(address.code, pointer), signature)

        def whole(v: Any) -> Any:
            return v.code if wide else build.trunc(v.code, i32)

        def side(plain: Any) -> Any:
            return build.select(plain.code, ir.Constant(i32, _PLAIN), ir.Constant(i32, _TRANSPOSED))

        if has_bias:
            _begin_at(k, k.pointer(3, kind) + left, out, count, width, ldc)
        with k.loop(begin, end) as i:
            first, second = i // length, i % length
            at = [first * o + second * n for o, n in zip(outer, inner, strict=True)]
            build.call(function, [
                ir.Constant(i32, _ROW_MAJOR), side(plain_a), side(plain_b), whole(count), whole(width), whole(depth),
                ir.Constant(real, 1.0), (a + at[0]).code, whole(lda), (b + at[1]).code, whole(ldb),
                ir.Constant(real, float(start != "")), (out + at[2]).code, whole(ldc)])

    return write


def _begin_at(k: Any, bias: Any, out: Any, rows: Any, width: Any, stride: Any) -> None:
    """Write a bias to all rows, for the product to be added to it."""
    with k.loop(0, rows) as row:
        line = out + row * stride
        k.sweep(0, width, lambda j, mask: line.store(j, bias.load(j, k.lanes, mask), mask))


def product(a: str, b: str, out: str, *, kind: str, m: int, n: int, k: int, lda: int, ldb: int, ldc: int,
            turn_a: bool = False, turn_b: bool = False, batch: tuple[int, int] = (1, 1),
            outer: tuple[int, int, int] = (0, 0, 0), inner: tuple[int, int, int] = (0, 0, 0),
            bias: str | None = None, begins: tuple[int, int, int] = (0, 0, 0), adds: bool = False) -> Job | None:
    """Return the job of `out = op(a) @ op(b)` for a batch of matrices; None without a library.

    Args:
        a, b, out: operands.
        m, n, k: rows and columns of the result, and the length of the sums.
        lda, ldb, ldc: elements from one stored row to the next.
        turn_a, turn_b: whether the stored matrix is the transposed one.
        batch: matrices along two axes.
        outer, inner: elements from one matrix of a, b and out to the next along each of these axes.
        bias: operand of shape `(n,)`, added to every row of a single product.
        begins: at which elements of the operands a, b and out begin.
        adds: whether a single product is added to `out`.
    """
    found = blas.library()
    if found is None:
        return None
    work, count = m * n * k, batch[0] * batch[1]
    if count > 1:
        mode, total, grain = 2, count, min(max(1, SHARE // max(work, 1)), count)
    elif m >= n or k * n <= NEAR:
        mode, total, grain = 0, m, _grain(m, work)
    else:
        mode, total, grain = 1, n, _grain(n, work)
    sizes = (m, n, k, lda, ldb, ldc, turn_a, turn_b, *outer, *inner, batch[1], mode, 1, *begins)
    operands, start = (a, b, out, bias) if bias else (a, b, out), "bias" if bias else "out" if adds else ""
    name = "sgemm" if kind == "f4" else "dgemm"
    return Job(f"gemm {kind} {found.wide} {start}", gemm(kind, found.wide, start), operands, (name, *map(int, sizes)),
               total, grain,
               in_rows=mode == 0 and ldc == n)


def long_product(a: str, b: str, out: str, scratch: str, *, kind: str, m: int, n: int, k: int, lda: int, ldb: int,
                 turn_a: bool = False, turn_b: bool = False) -> Plan | None:
    """Return the plan of a product of two matrices; where the sums are long beside the result, they are what is cut.

    Such is the gradient of weights. Halves of the result would each read one operand whole, pieces of the sums do not.

    Args:
        a, b, out, m, n, k, lda, ldb, turn_a, turn_b: see `product`; the result is contiguous.
        scratch: the name of the plan's scratch memory, if it has any.
    """
    job = product(a, b, out, kind=kind, m=m, n=n, k=k, lda=lda, ldb=ldb, ldc=n, turn_a=turn_a, turn_b=turn_b)
    if job is None or k < 4 * max(m, n) or m * n * k < 8 * SHARE:
        return None if job is None else Plan((job,))
    return Plan(*in_parts(job, scratch, m * n, k, 4 if m * n * k < 64 * SHARE else 8))


def in_parts(job: Job, scratch: str, width: int, k: int, most: int,
             begins: tuple[int, int, int] = (0, 0, 0)) -> tuple[tuple[Job, Job], tuple[int]]:
    """Return the jobs of a product of which pieces of the sums are done apart and added up, and bytes of scratch.

    Args:
        job: the product as a whole.
        scratch: the operand in which the parts lie.
        width: elements of the result.
        k: length of the sums.
        most: pieces.
        begins: at which elements of the operands a, b and out begin.
    """
    kind, piece = "f4" if job.sizes[0] == "sgemm" else "f8", -(-k // most)
    parts, (a, b, out) = -(-k // piece), job.operands
    sums = job._replace(operands=(a, b, scratch), sizes=(*job.sizes[:-5], 3, piece, *begins[:2], 0), total=k,
                        grain=piece)
    whole = add_parts(scratch, out, parts=parts, width=width, kind=kind, begin=begins[2])
    return (sums, whole), (align(parts * width * (4 if kind == "f4" else 8)),)


def single_product(a: str, b: str, out: str, scratch: str, *, bias: str | None = None, **sides: Any) -> Plan | None:
    """Return the plan of a product of two matrices, to whose rows a bias may be added: by hand or by the library.

    Args:
        a, b, out, scratch, bias, sides: see `long_product` and `product`.
    """
    plan = panel_product(a, b, out, scratch, ldc=sides["n"], bias=bias, **sides)
    if plan is not None or bias is None:
        return plan or long_product(a, b, out, scratch, **sides)
    job = product(a, b, out, ldc=sides["n"], bias=bias, **sides)
    return None if job is None else Plan((job,))


def _grain(length: int, work: int) -> int:
    """Halves, or quarters of large products, in multiples of 32."""
    parts = 1 if work < SHARE else 2 if work < 32 * SHARE else 4
    return max(32, -(-length // (32 * parts)) * 32)


@lowering("matmul")
def matmul(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    x, y, *bias = ins
    kind = {"f": "f4", "d": "f8"}.get(x.dtype.char)
    if kind is None or x.ndim < 2 or y.ndim < 2 or not outs[0].size or not x.size:
        return None
    m, k, n = x.shape[-2], x.shape[-1], y.shape[-1]
    common: dict[str, Any] = dict(kind=kind, k=k, n=n, lda=k, ldb=n)
    if y.ndim == 2:
        return single_product("i0", "i1", "o0", "s0", m=x.size // k, bias="i2" if bias else None, **common)
    if x.shape[:-2] == y.shape[:-2]:
        batch = math.prod(x.shape[:-2]), 1
        job = product("i0", "i1", "o0", m=m, ldc=n, batch=batch, outer=(m * k, k * n, m * n), **common)
    else:
        job = None
    return None if job is None else Plan((job,))
