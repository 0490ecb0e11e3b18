"""A small language in which kernels are written: Python that writes LLVM code, explicit about every vector.

A kernel is a function of one `Kernel`, which it asks for pointers, sizes and loops. Values are numbers or vectors of
numbers; Python's operators on them write instructions.

    def double(k):
        x, out, n = k.pointer(0, "f4"), k.pointer(1, "f4"), k.size(2)
        k.sweep(k.lo, k.hi, lambda i, mask: out.store(i, x.load(i, k.lanes, mask) * 2.0, mask))

Machine code is called as `kernel(slots, table, lo, hi)`: `table` is a list of integers, of which entry `n` is a size
(`k.size(n)`) or the number of the slot that holds an address (`k.pointer(n, kind)`); `lo` and `hi` bound the part of
the work that this call is to do. Kinds of numbers are named "f4", "f8", "i4", "i8", "u1", "u4", "u8" as in NumPy, and
"b" is a truth value (one byte in memory).
"""

import contextlib
import struct
from collections.abc import Callable, Iterator
from typing import Any

from kerasish.backend.native.llvm import binding, i64, ir
from kerasish.backend.native.values import BYTES, Value, Variable, int32, memory_type, suffix_of, vector_type


class Pointer:
    """Where numbers of one kind lie one behind the other."""

    def __init__(self, kernel: "Kernel", code: Any, kind: str):
        self.kernel, self.code, self.kind = kernel, code, kind

    def __add__(self, offset: Any) -> "Pointer":
        return Pointer(self.kernel, self._at(offset), self.kind)

    def _at(self, index: Any) -> Any:
        index = self.kernel.whole(index)
        return self.kernel.builder.gep(self.code, [index.code], source_etype=memory_type(self.kind, 0))

    def load(self, index: Any, lanes: int = 0, mask: Value | None = None) -> Value:
        """Return the number at an index, or `lanes` of them from there on; 0 in lanes that `mask` leaves out."""
        build, kind, place = self.kernel.builder, memory_type(self.kind, lanes), self._at(index)
        if mask is not None and lanes:
            zero = ir.Constant(kind, [0.0 if self.kind[0] == "f" else 0] * lanes)
            code = self.kernel.masked("load", kind, [place, mask.code, zero], BYTES[self.kind])
        else:
            code = build.load(place, typ=kind, align=BYTES[self.kind])
        if self.kind == "b":
            code = build.icmp_unsigned("!=", code, ir.Constant(kind, [0] * lanes if lanes else 0))
        return Value(self.kernel, code, self.kind, lanes)

    def store(self, index: Any, value: Any, mask: Value | None = None) -> None:
        """Write a number, or a vector, from an index on; nothing in lanes that `mask` leaves out."""
        value = self.kernel.number(value, self.kind) if not isinstance(value, Value) else value.to(self.kind)
        build, code, place = self.kernel.builder, value.code, self._at(index)
        if self.kind == "b":
            code = build.zext(code, memory_type("b", value.lanes))
        if mask is not None and value.lanes:
            self.kernel.masked("store", None, [code, place, mask.code], BYTES[self.kind])
        else:
            build.store(code, place, align=BYTES[self.kind])

    def gather(self, indices: Value, mask: Value | None = None) -> Value:
        """Return the numbers at a vector of indices; 0 in lanes that `mask` leaves out."""
        lanes, kind = indices.lanes, memory_type(self.kind, indices.lanes)
        places = self.kernel.builder.gep(self.code, [indices.to("i8").code], source_etype=memory_type(self.kind, 0))
        places.type = ir.VectorType(ir.PointerType(), lanes)  # which llvmlite takes for a single address
        every = mask.code if mask is not None else ir.Constant(vector_type("b", lanes), [1] * lanes)
        zero = ir.Constant(kind, [0.0 if self.kind[0] == "f" else 0] * lanes)
        code = self.kernel.masked("gather", kind, [places, every, zero], BYTES[self.kind])
        if self.kind == "b":
            code = self.kernel.builder.icmp_unsigned("!=", code, ir.Constant(kind, [0] * lanes))
        return Value(self.kernel, code, self.kind, lanes)


class Kernel:
    """A kernel that is being written.

    Attributes:
        slots, table: what it is called with.
        lo, hi: the part of the work that a call does.
        lanes: numbers in a vector of the natural length for float32.
        unrolls: whether the compiler may unroll loops; a long kernel that has done so itself compiles faster without.
    """

    def __init__(self, lanes: int, name: str = "kernel"):
        self.lanes, self.unrolls = lanes, True
        self.module = ir.Module(name)
        pointer = ir.PointerType()
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [pointer, pointer, i64(), i64()]), name)
        self.slots, self.table, lo, hi = function.args
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        # Constants of the call go in the entry block, variables there too; the rest begins after it.
        self.lo, self.hi = Value(self, lo, "i8"), Value(self, hi, "i8")

    # ---- what the caller gave ----------------------------------------------------------------------

    def size(self, n: int) -> Value:
        """Return entry `n` of the table, a whole number."""
        place = self.builder.gep(self.table, [ir.Constant(i64(), n)], source_etype=i64())
        return Value(self, self.builder.load(place, typ=i64()), "i8")

    def pointer(self, n: int, kind: str) -> Pointer:
        """Return the address in the slot that entry `n` of the table names."""
        place = self.builder.gep(self.slots, [self.size(n).code], source_etype=i64())
        address = self.builder.load(place, typ=i64())
        return Pointer(self, self.builder.inttoptr(address, ir.PointerType()), kind)

    def address(self, n: int, kind: str) -> Pointer:
        """Return the address that entry `n` of the table is."""
        return Pointer(self, self.builder.inttoptr(self.size(n).code, ir.PointerType()), kind)

    def real(self, n: int) -> Value:
        """Return entry `n` of the table read as the bits of a float64."""
        place = self.builder.gep(self.table, [ir.Constant(i64(), n)], source_etype=i64())
        return Value(self, self.builder.load(place, typ=ir.DoubleType()), "f8")

    def scratch(self, kind: str, count: int, align: int = 64) -> Pointer:
        """Return room for a few numbers on the stack."""
        with self.builder.goto_entry_block():
            place = self.builder.alloca(ir.ArrayType(memory_type(kind, 0), count))
            place.align = align
        place.type = ir.PointerType()  # whatever is stored there
        return Pointer(self, place, kind)

    # ---- numbers -----------------------------------------------------------------------------------

    def number(self, x: Any, kind: str, lanes: int = 0) -> Value:
        """Return a constant."""
        scalar = float(x) if kind[0] == "f" else int(x)
        constant = ir.Constant(vector_type(kind, lanes), [scalar] * lanes if lanes else scalar)
        return Value(self, constant, kind, lanes)

    def constants(self, xs: list, kind: str) -> Value:
        """Return a constant vector."""
        values = [float(x) if kind[0] == "f" else int(x) for x in xs]
        return Value(self, ir.Constant(vector_type(kind, len(xs)), values), kind, len(xs))

    def whole(self, x: Any) -> Value:
        """Return an index as an int64 value."""
        return x.to("i8") if isinstance(x, Value) else self.number(x, "i8")

    def meet(self, x: Value, y: Any) -> tuple[Value, Value]:
        """Return two operands of one kind and length: a Python number takes the other's, a number is splat."""
        if not isinstance(y, Value):
            return x, self.number(y, x.kind, x.lanes)
        if x.kind != y.kind:
            raise TypeError(f"operands of a kernel differ in kind: {x.kind} and {y.kind}")
        lanes = max(x.lanes, y.lanes)
        return x.splat(lanes), y.splat(lanes)

    def as_like(self, value: Any, like: Value) -> Value:
        """Return a value in the kind and length of another."""
        if not isinstance(value, Value):
            return self.number(value, like.kind, like.lanes)
        return value.to(like.kind).splat(like.lanes)

    def var(self, value: Value) -> Variable:
        """Return a variable that holds a value."""
        return Variable(value)

    def lane_numbers(self, lanes: int) -> Value:
        """Return the vector 0, 1, 2, ... of int64."""
        return self.constants(list(range(lanes)), "i8")

    # ---- flow --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def loop(self, start: Any, stop: Any, step: int | Value = 1) -> Iterator[Value]:
        """Repeat what stands under it for `i = start, start + step, ... < stop`."""
        build, start, stop = self.builder, self.whole(start), self.whole(stop)
        before = build.block
        head, body, after = (build.append_basic_block(n) for n in ("head", "body", "after"))
        build.branch(head)
        build.position_at_end(head)
        index = build.phi(i64())
        index.add_incoming(start.code, before)
        build.cbranch(build.icmp_signed("<", index, stop.code), body, after)
        build.position_at_end(body)
        i = Value(self, index, "i8")
        yield i
        index.add_incoming((i + step).code, build.block)
        build.branch(head)
        build.position_at_end(after)

    @contextlib.contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Do what stands under it only where a single truth value holds."""
        with self.builder.if_then(condition.code):
            yield

    @contextlib.contextmanager
    def either(self, condition: Value) -> Iterator[tuple[Any, Any]]:
        """Yield two contexts, for what is done where a single truth value holds and where it does not."""
        with self.builder.if_else(condition.code) as branches:
            yield branches

    def sweep(self, start: Any, stop: Any, body: Callable[[Value, Value | None], None],
              lanes: int | None = None) -> None:
        """Call `body(i, mask)` for whole vectors (mask None), then once for the rest with a mask of valid lanes.

        The body is written twice into the kernel: state goes into variables.
        """
        lanes = lanes or self.lanes
        start, stop = self.whole(start), self.whole(stop)
        whole = start + (stop - start).maximum(0) // lanes * lanes
        with self.loop(start, whole, lanes) as i:
            body(i, None)
        with self.when(whole < stop):
            body(whole, self.lane_numbers(lanes) < (stop - whole).splat(lanes))

    def fence(self) -> None:
        """Keep the compiler from moving reads and writes across this place."""
        nothing = ir.FunctionType(ir.VoidType(), [])
        self.builder.call(ir.InlineAsm(nothing, "", "~{memory}", side_effect=True), [])

    # ---- calls into LLVM ---------------------------------------------------------------------------

    def declare(self, name: str, result: Any, kinds: list[Any]) -> Any:
        """Return a function of the module by name, declared on first use."""
        found = self.module.globals.get(name)
        return found if found is not None else ir.Function(self.module, ir.FunctionType(result, kinds), name)

    def intrinsic(self, name: str, result: Any, values: list[Value], of: Value | None = None, flags: tuple = ()) -> Any:
        """Call an LLVM intrinsic that is overloaded by the type of `of` (by default the first value)."""
        of = of or values[0]
        full = f"{name}.{suffix_of(of)}"
        function = self.declare(full, result, [v.code.type for v in values])
        return self.builder.call(function, [v.code for v in values], fastmath=flags)

    def masked(self, what: str, kind: Any, arguments: list[Any], align: int) -> Any:
        """Call a masked load, store or gather."""
        vector = kind if what != "store" else arguments[0].type
        letter = {"float": "f32", "double": "f64"}.get(str(vector.element), str(vector.element))
        pointers = f"v{vector.count}p0" if what == "gather" else "p0"
        if binding.llvm_version_info[0] < 22:  # from then on an attribute
            arguments = [*arguments[:-2], int32(align), *arguments[-2:]] if what != "store" else [
                *arguments[:-1], int32(align), arguments[-1]]
        name = f"llvm.masked.{what}.v{vector.count}{letter}.{pointers}"
        function = self.declare(name, kind or ir.VoidType(), [a.type for a in arguments])
        return self.builder.call(function, arguments)


def kind_of(dtype: Any) -> str | None:
    """Return the kind of a NumPy dtype, None if the language has none for it."""
    name = "b" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}"
    return name if name in BYTES else None


def real_bits(x: float) -> int:
    """Return a number as an entry of a table that `Kernel.real` reads."""
    return struct.unpack("<q", struct.pack("<d", x))[0]
