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

from llvmlite import binding, ir

_I1, _I64 = ir.IntType(1), ir.IntType(64)
_IN_REGISTER: dict[str, Any] = {
    "f4": ir.FloatType(), "f8": ir.DoubleType(), "b": _I1, "i1": ir.IntType(8), "u1": ir.IntType(8),
    "i2": ir.IntType(16), "u2": ir.IntType(16), "i4": ir.IntType(32), "u4": ir.IntType(32), "i8": _I64, "u8": _I64}
BYTES = {"f4": 4, "f8": 8, "b": 1, "i1": 1, "u1": 1, "i2": 2, "u2": 2, "i4": 4, "u4": 4, "i8": 8, "u8": 8}
_FLAGS = ("contract",)
LLVM = binding.llvm_version_info[0]


class Value:
    """A number, or a vector of numbers, while a kernel runs.

    Attributes:
        kind: "f4", "f8", "i4", "i8", "u4", "u8", "u1" or "b".
        lanes: numbers in the vector; 0 for a single number.
    """

    def __init__(self, kernel: "Kernel", code: Any, kind: str, lanes: int = 0):
        self.kernel, self.code, self.kind, self.lanes = kernel, code, kind, lanes

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers."""
        return self.kind[0] == "f"

    def _arithmetic(self, other: Any, real: str, whole: str, swap: bool = False) -> "Value":
        a, b = self.kernel.meet(self, other)
        if swap:
            a, b = b, a
        build = self.kernel.builder
        if a.is_float:
            return a.like(getattr(build, real)(a.code, b.code, flags=_FLAGS))
        return a.like(getattr(build, whole)(a.code, b.code))

    def like(self, code: Any) -> "Value":
        """Return a value of the same kind and length."""
        return Value(self.kernel, code, self.kind, self.lanes)

    def __add__(self, y: Any) -> "Value":
        return self._arithmetic(y, "fadd", "add")

    def __sub__(self, y: Any) -> "Value":
        return self._arithmetic(y, "fsub", "sub")

    def __mul__(self, y: Any) -> "Value":
        return self._arithmetic(y, "fmul", "mul")

    def __truediv__(self, y: Any) -> "Value":
        return self._arithmetic(y, "fdiv", "sdiv")

    def __floordiv__(self, y: Any) -> "Value":
        """Quotient of whole numbers that are not negative."""
        return self._arithmetic(y, "fdiv", "udiv")

    def __mod__(self, y: Any) -> "Value":
        """Remainder of whole numbers that are not negative."""
        return self._arithmetic(y, "frem", "urem")

    def __rsub__(self, y: Any) -> "Value":
        return self._arithmetic(y, "fsub", "sub", swap=True)

    def __rtruediv__(self, y: Any) -> "Value":
        return self._arithmetic(y, "fdiv", "sdiv", swap=True)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> "Value":
        build = self.kernel.builder
        return self.like(build.fneg(self.code) if self.is_float else build.neg(self.code))

    def __and__(self, y: Any) -> "Value":
        return self._arithmetic(y, "and_", "and_")

    def __or__(self, y: Any) -> "Value":
        return self._arithmetic(y, "or_", "or_")

    def __xor__(self, y: Any) -> "Value":
        return self._arithmetic(y, "xor", "xor")

    def __lshift__(self, y: Any) -> "Value":
        return self._arithmetic(y, "shl", "shl")

    def __rshift__(self, y: Any) -> "Value":
        return self._arithmetic(y, "lshr", "ashr" if self.kind[0] == "i" else "lshr")

    def __invert__(self) -> "Value":
        return self.like(self.kernel.builder.not_(self.code))

    def _compare(self, sign: str, other: Any) -> "Value":
        a, b = self.kernel.meet(self, other)
        build = self.kernel.builder
        if a.is_float:
            test = build.fcmp_unordered if sign == "!=" else build.fcmp_ordered
        else:
            test = build.icmp_signed if a.kind[0] == "i" else build.icmp_unsigned
        return Value(self.kernel, test(sign, a.code, b.code), "b", a.lanes)

    def __lt__(self, y: Any) -> "Value":
        return self._compare("<", y)

    def __le__(self, y: Any) -> "Value":
        return self._compare("<=", y)

    def __gt__(self, y: Any) -> "Value":
        return self._compare(">", y)

    def __ge__(self, y: Any) -> "Value":
        return self._compare(">=", y)

    def equals(self, y: Any) -> "Value":
        """Whether numbers are equal; False for NaN."""
        return self._compare("==", y)

    def differs(self, y: Any) -> "Value":
        """Whether numbers differ; True for NaN."""
        return self._compare("!=", y)

    def where(self, x: Any, y: Any) -> "Value":
        """Return `x` where this truth value holds, else `y`."""
        x, y = self.kernel.meet(x, y) if isinstance(x, Value) else self.kernel.meet(y, x)[::-1]
        x, y = (v.splat(self.lanes) if self.lanes and not v.lanes else v for v in (x, y))
        condition = self.splat(x.lanes) if x.lanes and not self.lanes else self
        return x.like(self.kernel.builder.select(condition.code, x.code, y.code))

    def splat(self, lanes: int) -> "Value":
        """Return a vector with this number in every lane."""
        if self.lanes or not lanes:
            return self
        kind = ir.VectorType(_IN_REGISTER[self.kind], lanes)
        first = self.kernel.builder.insert_element(ir.Constant(kind, ir.Undefined), self.code, _int32(0))
        order = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        code = self.kernel.builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), order)
        return Value(self.kernel, code, self.kind, lanes)

    def __getitem__(self, lane: int) -> "Value":
        return Value(self.kernel, self.kernel.builder.extract_element(self.code, _int32(lane)), self.kind)

    def shuffle(self, other: "Value", order: list[int]) -> "Value":
        """Return the lanes of this vector and of `other`, numbered on, in an order."""
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order)
        code = self.kernel.builder.shuffle_vector(self.code, other.code, lanes)
        return Value(self.kernel, code, self.kind, len(order))

    def to(self, kind: str) -> "Value":
        """Return the numbers as another kind: floats are cut to whole numbers, truth values become 0 and 1."""
        if kind == self.kind:
            return self
        if kind == "b":
            return self.differs(0)
        build, target = self.kernel.builder, _vector(kind, self.lanes)
        if self.is_float and kind[0] == "f":
            convert = build.fpext if BYTES[kind] > BYTES[self.kind] else build.fptrunc
        elif self.is_float:
            convert = build.fptosi if kind[0] == "i" else build.fptoui
        elif kind[0] == "f":
            convert = build.sitofp if self.kind[0] == "i" else build.uitofp
        elif self.kind == "b" or BYTES[kind] > BYTES[self.kind]:
            convert = build.sext if self.kind[0] == "i" else build.zext
        elif BYTES[kind] == BYTES[self.kind]:
            return Value(self.kernel, self.code, kind, self.lanes)
        else:
            convert = build.trunc
        return Value(self.kernel, convert(self.code, target), kind, self.lanes)

    def bits(self, kind: str) -> "Value":
        """Return the same bits read as another kind of the same size."""
        return Value(self.kernel, self.kernel.builder.bitcast(self.code, _vector(kind, self.lanes)), kind, self.lanes)

    def _intrinsic(self, name: str, *others: "Value", flags: tuple = ()) -> "Value":
        return self.like(self.kernel.intrinsic(f"llvm.{name}", _vector(self.kind, self.lanes),
                                               [self, *others], flags=flags))

    def sqrt(self) -> "Value":
        return self._intrinsic("sqrt")

    def floor(self) -> "Value":
        return self._intrinsic("floor")

    def ceil(self) -> "Value":
        return self._intrinsic("ceil")

    def rint(self) -> "Value":
        """Round to the nearest whole number, halves to even."""
        return self._intrinsic("nearbyint")

    def trunc(self) -> "Value":
        return self._intrinsic("trunc")

    def abs(self) -> "Value":
        return self._intrinsic("fabs") if self.is_float else (self < 0).where(-self, self)

    def copysign(self, sign: "Value") -> "Value":
        return self._intrinsic("copysign", sign)

    def fma(self, y: Any, z: Any) -> "Value":
        """Return `self * y + z`, rounded once where the machine can."""
        x, y = self.kernel.meet(self, y)
        x, z = self.kernel.meet(x, z)
        y = y.splat(x.lanes)
        return x._intrinsic("fmuladd", y, z)

    def maximum(self, y: Any) -> "Value":
        """The larger number; NaN where either is."""
        a, b = self.kernel.meet(self, y)
        if not a.is_float:
            return (a > b).where(a, b)
        return ((a > b) | a.differs(a)).where(a, b)  # b where it is NaN: the comparison is false

    def minimum(self, y: Any) -> "Value":
        """The smaller number; NaN where either is."""
        a, b = self.kernel.meet(self, y)
        if not a.is_float:
            return (a < b).where(a, b)
        return ((a < b) | a.differs(a)).where(a, b)

    def total(self) -> "Value":
        """Return the sum of the lanes."""
        name, kind = f"{self.kind[0]}add" if self.is_float else "add", _IN_REGISTER[self.kind]
        zero = [Value(self.kernel, ir.Constant(kind, -0.0), self.kind)] if self.is_float else []
        code = self.kernel.intrinsic(f"llvm.vector.reduce.{name}", kind, [*zero, self], of=self,
                                     flags=("reassoc",) if self.is_float else ())
        return Value(self.kernel, code, self.kind)

    def extreme(self, name: str) -> "Value":
        """Return the largest ("max") or smallest ("min") lane; NaN if any lane is."""
        sign = "" if self.is_float else "s" if self.kind[0] == "i" else "u"
        name = f"f{name}imum" if self.is_float else f"{sign}{name}"
        code = self.kernel.intrinsic(f"llvm.vector.reduce.{name}", _IN_REGISTER[self.kind], [self], of=self)
        return Value(self.kernel, code, self.kind)

    def any(self) -> "Value":
        """Whether any lane of a truth value holds."""
        if not self.lanes:
            return self
        return Value(self.kernel, self.kernel.intrinsic("llvm.vector.reduce.or", _I1, [self], of=self), "b")


class Variable:
    """A place for a value that changes while a kernel runs."""

    def __init__(self, value: Value):
        self._like = value
        kernel = value.kernel
        with kernel.builder.goto_entry_block():
            self._place = kernel.builder.alloca(value.code.type)
        self.set(value)

    def get(self) -> Value:
        """Return what it holds now."""
        return self._like.like(self._like.kernel.builder.load(self._place, typ=self._like.code.type))

    def set(self, value: Any) -> None:
        """Make it hold a value of the same kind and length."""
        kernel = self._like.kernel
        kernel.builder.store(kernel.as_like(value, self._like).code, self._place)

    def add(self, value: Any) -> None:
        """Add to it."""
        self.set(self.get() + value)


class Pointer:
    """Where numbers of one kind lie one behind the other."""

    def __init__(self, kernel: "Kernel", code: Any, kind: str):
        self.kernel, self.code, self.kind = kernel, code, kind

    def __add__(self, offset: Any) -> "Pointer":
        return Pointer(self.kernel, self._at(offset), self.kind)

    def _at(self, index: Any) -> Any:
        index = self.kernel.whole(index)
        return self.kernel.builder.gep(self.code, [index.code], source_etype=_in_memory(self.kind, 0))

    def load(self, index: Any, lanes: int = 0, mask: Value | None = None) -> Value:
        """Return the number at an index, or `lanes` of them from there on; 0 in lanes that `mask` leaves out."""
        build, kind, place = self.kernel.builder, _in_memory(self.kind, lanes), self._at(index)
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
            code = build.zext(code, _in_memory("b", value.lanes))
        if mask is not None and value.lanes:
            self.kernel.masked("store", None, [code, place, mask.code], BYTES[self.kind])
        else:
            build.store(code, place, align=BYTES[self.kind])

    def gather(self, indices: Value, mask: Value | None = None) -> Value:
        """Return the numbers at a vector of indices; 0 in lanes that `mask` leaves out."""
        lanes, kind = indices.lanes, _in_memory(self.kind, indices.lanes)
        places = self.kernel.builder.gep(self.code, [indices.to("i8").code], source_etype=_in_memory(self.kind, 0))
        places.type = ir.VectorType(ir.PointerType(), lanes)  # which llvmlite takes for a single address
        every = mask.code if mask is not None else ir.Constant(ir.VectorType(_I1, lanes), [1] * lanes)
        zero = ir.Constant(kind, [0.0 if self.kind[0] == "f" else 0] * lanes)
        code = self.kernel.masked("gather", kind, [places, every, zero], BYTES[self.kind])
        if self.kind == "b":
            code = self.kernel.builder.icmp_unsigned("!=", code, ir.Constant(kind, [0] * lanes))
        return Value(self.kernel, code, self.kind, lanes)

    def prefetch(self, index: Any) -> None:
        """Ask for the cache line at an index, to be read soon."""
        kinds = [ir.PointerType(), *[ir.IntType(32)] * 3]
        function = self.kernel.declare("llvm.prefetch.p0", ir.VoidType(), kinds)
        self.kernel.builder.call(function, [self._at(index), _int32(0), _int32(3), _int32(1)])


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
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [pointer, pointer, _I64, _I64]), name)
        self.slots, self.table, lo, hi = function.args
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        # Constants of the call go in the entry block, variables there too; the rest begins after it.
        self.lo, self.hi = Value(self, lo, "i8"), Value(self, hi, "i8")

    # ---- what the caller gave ----------------------------------------------------------------------

    def size(self, n: int) -> Value:
        """Return entry `n` of the table, a whole number."""
        place = self.builder.gep(self.table, [ir.Constant(_I64, n)], source_etype=_I64)
        return Value(self, self.builder.load(place, typ=_I64), "i8")

    def pointer(self, n: int, kind: str) -> Pointer:
        """Return the address in the slot that entry `n` of the table names."""
        place = self.builder.gep(self.slots, [self.size(n).code], source_etype=_I64)
        address = self.builder.load(place, typ=_I64)
        return Pointer(self, self.builder.inttoptr(address, ir.PointerType()), kind)

    def real(self, n: int) -> Value:
        """Return entry `n` of the table read as the bits of a float64."""
        place = self.builder.gep(self.table, [ir.Constant(_I64, n)], source_etype=_I64)
        return Value(self, self.builder.load(place, typ=ir.DoubleType()), "f8")

    def scratch(self, kind: str, count: int, align: int = 64) -> Pointer:
        """Return room for a few numbers on the stack."""
        with self.builder.goto_entry_block():
            place = self.builder.alloca(ir.ArrayType(_in_memory(kind, 0), count))
            place.align = align
        place.type = ir.PointerType()  # whatever is stored there
        return Pointer(self, place, kind)

    # ---- numbers -----------------------------------------------------------------------------------

    def number(self, x: Any, kind: str, lanes: int = 0) -> Value:
        """Return a constant."""
        scalar = float(x) if kind[0] == "f" else int(x)
        constant = ir.Constant(_vector(kind, lanes), [scalar] * lanes if lanes else scalar)
        return Value(self, constant, kind, lanes)

    def constants(self, xs: list, kind: str) -> Value:
        """Return a constant vector."""
        values = [float(x) if kind[0] == "f" else int(x) for x in xs]
        return Value(self, ir.Constant(_vector(kind, len(xs)), values), kind, len(xs))

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
        index = build.phi(_I64)
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
        full = f"{name}.{_suffix(of)}"
        function = self.declare(full, result, [v.code.type for v in values])
        return self.builder.call(function, [v.code for v in values], fastmath=flags)

    def masked(self, what: str, kind: Any, arguments: list[Any], align: int) -> Any:
        """Call a masked load, store or gather."""
        vector = kind if what != "store" else arguments[0].type
        letter = {"float": "f32", "double": "f64"}.get(str(vector.element), str(vector.element))
        pointers = f"v{vector.count}p0" if what == "gather" else "p0"
        if LLVM < 22:  # from then on an attribute
            arguments = [*arguments[:-2], _int32(align), *arguments[-2:]] if what != "store" else [
                *arguments[:-1], _int32(align), arguments[-1]]
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


def _vector(kind: str, lanes: int) -> Any:
    return ir.VectorType(_IN_REGISTER[kind], lanes) if lanes else _IN_REGISTER[kind]


def _in_memory(kind: str, lanes: int) -> Any:
    scalar = ir.IntType(8) if kind == "b" else _IN_REGISTER[kind]
    return ir.VectorType(scalar, lanes) if lanes else scalar


def _suffix(of: Value) -> str:
    scalar = {"f4": "f32", "f8": "f64", "b": "i1"}.get(of.kind, f"i{8 * BYTES[of.kind]}")
    return f"v{of.lanes}{scalar}" if of.lanes else scalar


def _int32(n: int) -> Any:
    return ir.Constant(ir.IntType(32), n)
