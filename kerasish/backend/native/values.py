"""Values of the language of kernels: numbers and vectors of numbers, and what can be done with them."""

from typing import Any

from kerasish.backend.native.llvm import ir

BYTES = {"f4": 4, "f8": 8, "b": 1, "i1": 1, "u1": 1, "i2": 2, "u2": 2, "i4": 4, "u4": 4, "i8": 8, "u8": 8}
_FLAGS = ("contract",)


class Value:
    """A number, or a vector of numbers, while a kernel runs.

    Attributes:
        kind: "f4", "f8", "i4", "i8", "u4", "u8", "u1" or "b".
        lanes: numbers in the vector; 0 for a single number.
    """

    def __init__(self, kernel: Any, code: Any, kind: str, lanes: int = 0):
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
        kind = vector_type(self.kind, lanes)
        first = self.kernel.builder.insert_element(ir.Constant(kind, ir.Undefined), self.code, int32(0))
        order = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        code = self.kernel.builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), order)
        return Value(self.kernel, code, self.kind, lanes)

    def __getitem__(self, lane: int) -> "Value":
        return Value(self.kernel, self.kernel.builder.extract_element(self.code, int32(lane)), self.kind)

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
        build, target = self.kernel.builder, vector_type(kind, self.lanes)
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
        code = self.kernel.builder.bitcast(self.code, vector_type(kind, self.lanes))
        return Value(self.kernel, code, kind, self.lanes)

    def _intrinsic(self, name: str, *others: "Value", flags: tuple = ()) -> "Value":
        return self.like(self.kernel.intrinsic(f"llvm.{name}", vector_type(self.kind, self.lanes),
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
        name, kind = f"{self.kind[0]}add" if self.is_float else "add", vector_type(self.kind, 0)
        zero = [Value(self.kernel, ir.Constant(kind, -0.0), self.kind)] if self.is_float else []
        code = self.kernel.intrinsic(f"llvm.vector.reduce.{name}", kind, [*zero, self], of=self,
                                     flags=("reassoc",) if self.is_float else ())
        return Value(self.kernel, code, self.kind)

    def extreme(self, name: str) -> "Value":
        """Return the largest ("max") or smallest ("min") lane; NaN if any lane is."""
        sign = "" if self.is_float else "s" if self.kind[0] == "i" else "u"
        name = f"f{name}imum" if self.is_float else f"{sign}{name}"
        code = self.kernel.intrinsic(f"llvm.vector.reduce.{name}", vector_type(self.kind, 0), [self], of=self)
        return Value(self.kernel, code, self.kind)

    def any(self) -> "Value":
        """Whether any lane of a truth value holds."""
        if not self.lanes:
            return self
        code = self.kernel.intrinsic("llvm.vector.reduce.or", vector_type("b", 0), [self], of=self)
        return Value(self.kernel, code, "b")


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


def vector_type(kind: str, lanes: int) -> Any:
    """The type of a number, or of a vector, in a register."""
    if kind[0] == "f":
        scalar = ir.FloatType() if kind == "f4" else ir.DoubleType()
    else:
        scalar = ir.IntType(1 if kind == "b" else 8 * BYTES[kind])
    return ir.VectorType(scalar, lanes) if lanes else scalar


def memory_type(kind: str, lanes: int) -> Any:
    """The type of a number, or of a vector, in memory."""
    return vector_type("u1" if kind == "b" else kind, lanes)


def suffix_of(of: Value) -> str:
    scalar = {"f4": "f32", "f8": "f64", "b": "i1"}.get(of.kind, f"i{8 * BYTES[of.kind]}")
    return f"v{of.lanes}{scalar}" if of.lanes else scalar


def int32(n: int) -> Any:
    return ir.Constant(ir.IntType(32), n)
