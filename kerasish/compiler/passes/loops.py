"""Take out of loops what can be done for all their steps at once.

What a step computes from captured values alone is computed before the loop. A product of a slice with a captured
matrix is one product of all slices, before it; one that is stacked is one product of all stacked factors, after it. A
sum over steps of products (such as the gradient of a weight) is one product over all steps, after the loop.
Convolutions count as products: the steps join their batch axis. In a loop whose steps may run side by side
(`vectorized_map`), all that can be done for all steps at once is.
"""

from typing import Any

from kerasish.compiler.contract import CONTRACT
from kerasish.compiler.control import SCAN
from kerasish.compiler.ir import Instruction, Program, has_effect
from kerasish.compiler.passes.batching import batched
from kerasish.compiler.passes.dead_code import remove_dead_code
from kerasish.core.dtypes import is_float
from kerasish.core.op import CARDS
from kerasish.core.spec import Spec

# Ops by which the sum of results is the result of the sum.
_LINEAR = ("negative", "reshape", "transpose")
# Products with a weight, whose other factor and result have samples along the first axis.
_OF_SAMPLES = ("conv", "conv_input_grad")


def shorten_loops(program: Program) -> Program:
    """Return the program with less inside its scans."""
    if not any(i.card is SCAN for i in program.instructions):
        return program
    out = _Builder(program)
    read = {*program.outputs, *(v for _, v in program.updates), *(v for i in program.instructions for v in i.inputs)}
    for i in program.instructions:
        if i.card is SCAN:
            _Scan(out, i, read).write()
        else:
            out.instructions.append(i)
    return program._replace(specs=tuple(out.specs), constants=tuple(out.constants),
                            instructions=tuple(out.instructions))


class _Builder:
    """The program around the loops, in the making."""

    def __init__(self, program: Program):
        self.specs = list(program.specs)
        self.constants = list(program.constants)
        self.instructions: list[Instruction] = []

    def instruction(self, card: Any, inputs: Any, params: dict[str, Any], out: int | None = None) -> Instruction:
        """Return an instruction that makes new values, or `out`."""
        made = card.spec(*[self.specs[v] for v in inputs], **params)
        made = made if type(made) is tuple else (made,)
        return Instruction(card, tuple(inputs), params,
                           tuple([self.value(s) for s in made]) if out is None else (out,))

    def value(self, spec: Spec) -> int:
        """Return a new value."""
        self.specs.append(spec)
        return len(self.specs) - 1


class _Scan:
    """A scan, taken apart: each list of values inside the body has one of values outside beside it.

    Args:
        out: the program around.
        scan: the instruction.
        read: what is read outside; results that are not are left out.
    """

    def __init__(self, out: _Builder, scan: Instruction, read: set[int]):
        params, self._out, self._params = scan.params, out, scan.params
        body: Program = params["body"]
        n, end = params["carries"], params["carries"] + params["slices"]
        self._length, self._body = params["length"], body
        self._carries = dict(zip(body.inputs[:n], scan.inputs[:n], strict=True))
        self._slices = dict(zip(body.inputs[n:end], scan.inputs[n:end], strict=True))
        self._captured = dict(zip(body.inputs[end:], scan.inputs[end:], strict=True))
        self._instructions = list(body.instructions)
        self._next = list(zip(body.outputs[:n], scan.outputs[:n], strict=True))
        self._stacked = [pair for pair in zip(body.outputs[n:], scan.outputs[n:], strict=True) if pair[1] in read]
        self._arrays = {value: array for array, value in body.constants}
        self._after: list[Instruction] = []

    def write(self) -> None:
        """Add the scan and what is taken out of it to the program around."""
        self._take_out_invariants()
        self._take_out_products_of_slices()
        self._take_out_stacked_products()
        self._take_out_sums()
        if self._params["parallel"]:
            self._do_all_steps_at_once()
            self._take_out_sums()
        if not self._next and not self._stacked:
            self._out.instructions += self._after
            return
        body = self._body._replace(instructions=tuple(self._instructions),
                                   outputs=tuple([v for v, _ in (*self._next, *self._stacked)]))
        body = remove_dead_code(body)
        used = {*body.outputs, *(v for i in body.instructions for v in i.inputs)}
        for values in (self._slices, self._captured):
            for v in [v for v in values if v not in used]:
                del values[v]
        body = body._replace(inputs=(*self._carries, *self._slices, *self._captured))
        params = {**self._params, "body": body, "carries": len(self._carries), "slices": len(self._slices)}
        inputs = (*self._carries.values(), *self._slices.values(), *self._captured.values())
        outputs = tuple([v for _, v in (*self._next, *self._stacked)])
        self._out.instructions.append(Instruction(SCAN, inputs, params, outputs))
        self._out.instructions += self._after

    # ---- before the loop -------------------------------------------------------------------------

    def _take_out_invariants(self) -> None:
        kept = []
        for i in self._instructions:
            if i.inputs and all(self._is_invariant(v) for v in i.inputs) and not has_effect(i):
                outside = self._out.instruction(i.card, [self._outside(v) for v in i.inputs], i.params)
                self._out.instructions.append(outside)
                self._captured.update(zip(i.outputs, outside.outputs, strict=True))
            else:
                kept.append(i)
        self._instructions = kept

    def _outside(self, value: int) -> int:
        """What a captured value or a constant of the body is outside."""
        found = self._captured.get(value)
        if found is None:
            found = self._out.value(self._body.specs[value])
            self._out.constants.append((self._arrays[value], found))
        return found

    def _take_out_products_of_slices(self) -> None:
        kept = []
        for i in self._instructions:
            if i.inputs and i.inputs[0] in self._slices and self._by_rows(i):
                self._slices[i.outputs[0]] = self._product_of_all(self._out.instructions, i, self._slices[i.inputs[0]])
            else:
                kept.append(i)
        self._instructions = kept

    def _do_all_steps_at_once(self) -> None:
        kept = []
        for i in self._instructions:
            plan, stacked = None, [v in self._slices for v in i.inputs]
            if any(stacked) and all(own or self._is_invariant(v) for v, own in zip(i.inputs, stacked)):
                plan = batched(i, [self._body.specs[v].shape for v in i.inputs], stacked, self._length)
            if plan is None or has_effect(i):
                kept.append(i)
                continue
            inputs = [self._shaped(i.inputs[k], plan.shapes[k]) for k in plan.order]
            self._out.instructions.append(self._out.instruction(i.card, inputs, plan.params))
            self._slices.update(zip(i.outputs, self._out.instructions[-1].outputs, strict=True))
        self._instructions = kept
        for inside, outside in list(self._stacked):
            if inside in self._slices or self._is_invariant(inside):
                shape = self._out.specs[outside].shape
                value = self._shaped(inside, shape)
                self._add(self._out.instructions, CARDS["reshape"], (value,), {"shape": shape}, outside)
                self._stacked.remove((inside, outside))

    def _shaped(self, inside: int, shape: tuple[int, ...] | None) -> int:
        """A stack of slices in another shape, or what is the same at all steps spread to it."""
        value = self._slices[inside] if inside in self._slices else self._outside(inside)
        if shape is None or self._out.specs[value].shape == shape:
            return value
        card = CARDS["reshape"] if inside in self._slices else CARDS["broadcast_to"]
        return self._add(self._out.instructions, card, (value,), {"shape": shape})

    def _by_rows(self, i: Instruction) -> bool:
        """Whether an instruction multiplies rows by something that is the same at all steps."""
        if not (i.card is CONTRACT or i.card.name in _OF_SAMPLES) or not self._is_invariant(i.inputs[1]):
            return False
        if i.card is not CONTRACT:
            return True
        left, _, result = i.params["subscripts"].replace("->", ",").split(",")
        return left[0] == "m" and result[0] == "m"

    def _product_of_all(self, where: list[Instruction], i: Instruction, rows: int, out: int | None = None) -> int:
        """Add the product of all slices in `rows` that an instruction has of one; return its result."""
        weight, shape = self._outside(i.inputs[1]), (self._length, *self._body.specs[i.outputs[0]].shape)
        if i.card is CONTRACT:
            m, *rest = i.params["x_shape"]
            params = {**i.params, "x_shape": (self._length * m, *rest), "shape": shape}
            return self._add(where, CONTRACT, (rows, weight), params, out)
        params = dict(i.params)
        if "input_shape" in params:
            params["input_shape"] = (self._length * params["input_shape"][0], *params["input_shape"][1:])
        made = self._add(where, i.card, (self._joined(where, rows), weight), params)
        return self._add(where, CARDS["reshape"], (made,), {"shape": shape}, out)

    def _add(self, where: list[Instruction], card: Any, inputs: tuple[int, ...], params: dict[str, Any],
             out: int | None = None) -> int:
        where.append(self._out.instruction(card, inputs, params, out))
        return where[-1].outputs[0]

    def _joined(self, where: list[Instruction], stack: int) -> int:
        """A stack with its steps along the axis of the samples."""
        _, samples, *rest = self._out.specs[stack].shape
        return self._add(where, CARDS["reshape"], (stack,), {"shape": (self._length * samples, *rest)})

    # ---- after the loop --------------------------------------------------------------------------

    def _take_out_stacked_products(self) -> None:
        made, uses = self._made(), self._uses()
        for k, (inside, outside) in enumerate(self._stacked):
            i = made.get(inside)
            if i is not None and uses[inside] == 1 and self._by_rows(i) and i.inputs[0] not in self._captured:
                self._stacked[k] = (-1, outside)
                self._product_of_all(self._after, i, self._stack(i.inputs[0]), outside)
        self._stacked = [pair for pair in self._stacked if pair[0] >= 0]

    def _take_out_sums(self) -> None:
        for before, (after, outside) in zip(list(self._carries), list(self._next), strict=True):
            terms = self._terms(before, after)
            total = self._carries[before]
            for n, (value, chain) in enumerate(terms):
                part = self._sum_over_steps(value, chain)
                final = outside if n == len(terms) - 1 else None
                total = self._add(self._after, CARDS["add"], (total, part), {}, final)
            if terms:
                del self._carries[before]
                self._next.remove((after, outside))

    def _terms(self, before: int, after: int) -> list[tuple[int, list[Instruction]]]:
        """What each step adds to a carry that is read for nothing else, if all of it can be summed after the loop.

        Each term is a value and the chain of instructions that makes it, a product or sum and then linear ones; or a
        slice.
        """
        made, uses = self._made(), self._uses()
        waiting, found = [after], False
        terms: list[tuple[int, list[Instruction]]] = []
        while waiting:
            value = waiting.pop()
            i = made.get(value)
            if value == before:
                found = True
            elif value in self._slices and self._body.specs[value] == self._body.specs[after]:
                terms.append((value, []))
            elif i is None or uses[value] != 1:
                return []
            elif i.card.name == "add" and all(self._body.specs[v] == self._body.specs[after] for v in i.inputs):
                waiting += i.inputs
            else:
                chain = self._chain(i, made, uses)
                if not chain:
                    return []
                terms.append((value, chain))
        return terms if found and uses[before] == 1 else []

    def _chain(self, i: Instruction, made: dict[int, Instruction], uses: dict[int, int]) -> list[Instruction]:
        chain = [i]
        while not self._sums(i):
            linear = i.card.name in _LINEAR or self._is_cast(i) or (
                i.card.name in ("multiply", "divide") and self._is_invariant(i.inputs[1])
                and self._body.specs[i.inputs[0]] == self._body.specs[i.outputs[0]])
            before = made.get(i.inputs[0]) if linear else None
            if before is None or uses[i.inputs[0]] != 1 or has_effect(before):
                return []
            i = before
            chain.append(i)
        return chain[::-1]

    def _is_cast(self, i: Instruction) -> bool:
        """Whether an instruction turns floating-point numbers into such."""
        return i.card.name == "cast" and all(is_float(self._body.specs[v].dtype) for v in (*i.inputs, *i.outputs))

    def _is_invariant(self, value: int) -> bool:
        return value in self._captured or value in self._arrays

    def _sums(self, i: Instruction) -> bool:
        """Whether an instruction sums over what can be one axis with the steps."""
        if any(self._is_invariant(v) for v in i.inputs):
            return False
        if i.card is CONTRACT:
            left, right, _ = i.params["subscripts"].replace("->", ",").split(",")
            return left[0] == "k" and right[0] == "k"
        return i.card.name == "conv_weight_grad" or i.card.name == "sum" and not i.params["keepdims"]

    def _sum_over_steps(self, value: int, chain: list[Instruction]) -> int:
        """Have a chain run after the loop, its first instruction on stacks; return its result."""
        if not chain:
            return self._add(self._after, CARDS["sum"], (self._stack(value),), {"axis": (0,), "keepdims": False})
        first, *rest = chain
        stacks, params = [self._stack(v) for v in first.inputs], dict(first.params)
        if first.card is CONTRACT:
            for name in ("x_shape", "y_shape"):
                params[name] = (self._length * params[name][0], *params[name][1:])
        elif first.card.name == "sum":
            params["axis"] = (0, *[a + 1 for a in params["axis"]])
        else:
            stacks = [self._joined(self._after, v) for v in stacks]
        result = self._add(self._after, first.card, tuple(stacks), params)
        for i in rest:
            inputs = (result, *[self._outside(v) for v in i.inputs[1:]])
            result = self._add(self._after, i.card, inputs, i.params)
        return result

    def _stack(self, value: int) -> int:
        """The values of all steps outside: of a slice, or a further result of the loop."""
        found = self._slices.get(value, dict(self._stacked).get(value))
        if found is None:
            spec = self._body.specs[value]
            found = self._out.value(Spec((self._length, *spec.shape), spec.dtype))
            self._stacked.append((value, found))
        return found

    def _made(self) -> dict[int, Instruction]:
        return {o: i for i in self._instructions for o in i.outputs}

    def _uses(self) -> dict[int, int]:
        uses: dict[int, int] = {}
        for value in (*[v for i in self._instructions for v in i.inputs], *[v for v, _ in self._next],
                      *[v for v, _ in self._stacked]):
            uses[value] = uses.get(value, 0) + 1
        return uses
