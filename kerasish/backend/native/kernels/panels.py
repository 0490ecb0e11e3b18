"""Matrix products by hand, where one matrix stays in a cache: the other side goes through it a panel at a time.

A tile of the result, some rows times two vectors of columns, stays in registers while its sums are made. A panel is the
second matrix's part of these columns, laid out in the order in which they are read; the first matrix is read where it
lies. (The library lays out both, which for such products takes a tenth to a third of the time.)
"""

from typing import Any, NamedTuple

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, align, split
from kerasish.backend.native.kernels.conv import registers
from kerasish.backend.native.language import BYTES, Kernel, Pointer, Value

VECTORS = 2  # of a panel's width
NEAR = 1 << 17  # elements of a matrix that stays in a cache
FEWEST = 8  # rows from which on it pays to lay out panels
LONGEST = 4096  # terms of the sums, for panels to stay in a cache
TOGETHER = 4  # panels that are laid out at once: their parts of a row lie side by side
SHARE = 1_000_000  # multiplications of a part, at least


class Form(NamedTuple):
    """What the machine code of a product depends on.

    Attributes:
        kind: of the numbers.
        height: rows of a tile.
        full: whether the columns make whole panels.
        turn_a, turn_b: whether a matrix is stored transposed.
        has_bias: whether a bias is added to each row.
        by_rows: whether a unit is a row, and all panels are laid out before; else it is a panel, laid out first.
    """

    kind: str
    height: int
    full: bool
    turn_a: bool
    turn_b: bool
    has_bias: bool
    by_rows: bool

    def masks(self, k: Kernel, left: Value) -> list[Value | None]:
        """Return which lanes of a panel are columns, if so many are left; None where all are."""
        lanes = lanes_of(self.kind)
        if self.full:
            return [None] * VECTORS
        return [k.lane_numbers(lanes) < (left - v * lanes).splat(lanes) for v in range(VECTORS)]


def lanes_of(kind: str) -> int:
    """Return the numbers of a vector."""
    return engine.lanes() * 4 // BYTES[kind]


class Panels:
    """The writer of a product.

    Table: a, b, out, panels, the bias if there is one; rows, columns, length of the sums; lda, ldb, ldc; units of a
    part.
    """

    def __init__(self, form: Form):
        self.form = form

    def __call__(self, k: Kernel) -> None:
        form, lanes = self.form, lanes_of(self.form.kind)
        a, b, out, packed = (k.pointer(n, form.kind) for n in range(4))
        rows, columns, length, lda, ldb, ldc, grain = (k.size(4 + form.has_bias + n) for n in range(7))
        width = VECTORS * lanes

        def multiply(panel: Value, place: Pointer, begin: Value, end: Value) -> None:
            column = panel * width
            masks = form.masks(k, columns - column)
            start = [k.number(0, form.kind, lanes)] * VECTORS
            if form.has_bias:
                bias = k.pointer(4, form.kind) + column
                start = [bias.load(v * lanes, lanes, mask) for v, mask in enumerate(masks)]
            with k.loop(begin, end, form.height) as next_row:
                row = next_row.minimum(end - form.height)  # the last tile may do rows again
                sums = self._sums(k, a, row, lda, place, length, start)
                for i, vectors in enumerate(sums):
                    for v, (total, mask) in enumerate(zip(vectors, masks, strict=True)):
                        (out + ((row + i) * ldc + column)).store(v * lanes, total.get(), mask)

        if form.by_rows:
            with k.loop(0, (columns + (width - 1)) // width) as panel:
                multiply(panel, packed + panel * (length * width), k.lo, k.hi)
            return
        room = packed + k.lo // grain * (length * (width * TOGETHER))
        with k.loop(k.lo, k.hi, TOGETHER) as group:
            stop = (group + TOGETHER).minimum(k.hi)
            with k.loop(0, length) as j, k.loop(group, stop) as panel:
                masks = form.masks(k, columns - panel * width)
                lay_out_term(k, form, b, ldb, panel * width, j, masks, room + (panel - group) * (length * width))
            with k.loop(group, stop) as panel:
                multiply(panel, room + (panel - group) * (length * width), k.number(0, "i8"), rows)

    def _sums(self, k: Kernel, a: Pointer, row: Value, lda: Value, panel: Pointer, length: Value,
              start: list[Value]) -> list[list[Any]]:
        """Multiply a tile's rows with a panel."""
        form, lanes = self.form, lanes_of(self.form.kind)
        sums = [[k.var(x) for x in start] for _ in range(form.height)]
        # Threes of rows have an address each, so that all addresses fit in registers.
        threes = [a + (row + i if form.turn_a else (row + i) * lda) for i in range(0, form.height, 3)]
        with k.loop(0, length) as j:
            right = [panel.load(j * (VECTORS * lanes) + v * lanes, lanes) for v in range(VECTORS)]
            for i, vectors in enumerate(sums):
                at = j * lda + i % 3 if form.turn_a else lda * (i % 3) + j
                left = threes[i // 3].load(at).splat(lanes)
                for x, total in zip(right, vectors, strict=True):
                    total.set(left.fma(x, total.get()))
        return sums


def lay_out_term(k: Kernel, form: Form, b: Pointer, ldb: Value, column: Value, j: Value, masks: list[Value | None],
                 out: Pointer) -> None:
    """Write term `j` of the sums into the panel that begins at a column."""
    lanes = lanes_of(form.kind)
    for v, mask in enumerate(masks):
        if form.turn_b:
            line = b + ((column + v * lanes) * ldb + j)
            values = line.gather(k.lane_numbers(lanes) * ldb, mask)
        else:
            values = (b + (j * ldb + column)).load(v * lanes, lanes, mask)
        out.store((j * VECTORS + v) * lanes, values)


def laying_out(form: Form) -> Any:
    """Return the writer of a job that lays out all panels.

    Table: b, panels; columns, length of the sums, ldb. A unit is a panel.
    """

    def write(k: Kernel) -> None:
        b, packed = (k.pointer(n, form.kind) for n in range(2))
        columns, length, ldb = (k.size(2 + n) for n in range(3))
        width = VECTORS * lanes_of(form.kind)
        with k.loop(k.lo, k.hi) as panel:
            column = panel * width
            masks = form.masks(k, columns - column)
            with k.loop(0, length) as j:
                lay_out_term(k, form, b, ldb, column, j, masks, packed + panel * (length * width))

    return write


def panel_product(a: str, b: str, out: str, scratch: str, *, kind: str, m: int, n: int, k: int, lda: int, ldb: int,
                  ldc: int, turn_a: bool = False, turn_b: bool = False, bias: str | None = None) -> Plan | None:
    """Return the plan of `out = op(a) @ op(b) + bias` for two matrices; None where the library does it better.

    That is where neither matrix stays in a cache, or where few rows or columns are worth no panels.

    Args:
        a, b, out, m, n, k, lda, ldb, ldc, turn_a, turn_b, bias: see `products.product`.
        scratch: the name of the plan's scratch memory.
    """
    width = VECTORS * lanes_of(kind)
    panels = -(-n // width)
    by_rows = m * k > NEAR
    # Panels that come from afar are worth it for many rows, and sums that take longer than to write their result.
    near = k * n <= NEAR or (m >= 256 and 256 <= k <= 1024)
    if m < FEWEST or k > LONGEST or panels * width > 1.25 * n or (by_rows and (turn_a or not near)):
        return None
    units = m if by_rows else panels
    grain, height = _cut(m, units, m * n * k, by_rows)
    form = Form(kind, height, n % width == 0, turn_a, turn_b, bias is not None, by_rows)
    room = k * width * BYTES[kind]
    operands = (a, b, out, scratch) if bias is None else (a, b, out, scratch, bias)
    job = Job(f"panels {form}", Panels(form), operands, (m, n, k, lda, ldb, ldc, grain), units, grain,
              in_rows=by_rows and ldc == n)
    if not by_rows:
        return Plan((job,), (align(-(-units // grain) * TOGETHER * room),))
    plain = form._replace(height=0, turn_a=False, has_bias=False)
    first = Job(f"panels laid out {plain}", laying_out(plain), (b, scratch), (n, k, ldb), panels,
                split(panels, k * width / 16))
    return Plan((first, job), (align(panels * room),))


def _cut(rows: int, units: int, work: int, by_rows: bool) -> tuple[int, int]:
    """Return the units of a part and the rows of a tile, of which no part has fewer."""
    tallest = (registers() - 2) // VECTORS - 1
    parts = max(1, min(work // SHARE, 8, units // (2 * tallest) if by_rows else units))
    while True:
        grain = -(-units // parts)
        through = grain if by_rows else rows  # rows that one call goes through
        height = -(-through // -(-through // tallest))
        if not by_rows or units % grain == 0 or units % grain >= height:
            return grain, height
        parts -= 1
