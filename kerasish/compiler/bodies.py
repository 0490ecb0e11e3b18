"""Writing down loops and branches: functions are traced once, into programs inside an instruction.

What a body reads from outside becomes an input of the instruction, and a variable that it assigns to is carried through
the loop. Gradients are instructions of the same kind: that of a scan is a scan in the other direction. It needs values
from inside the body, a residual of each step, which the first scan then puts out as well.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from kerasish.backend import device
from kerasish.compiler.control import SCAN, SWITCH, WHILE, runner
from kerasish.compiler.ir import Instruction, Program, has_effect
from kerasish.core.dispatch import scope, state, to_tensor
from kerasish.core.dtypes import COMPLEX, is_float
from kerasish.core.op import Card
from kerasish.core.spec import Spec
from kerasish.core.tensor import OPS, Tensor


class Body:
    """A function traced inside a trace.

    Args:
        around: the trace around it.
        function: takes a list of tensors and returns one.
        specs: of its arguments.

    Attributes:
        trace: what was written down.
        arguments: the tensors without values that it was called with.
        results: what it returned.
        length: how many instructions that took.
    """

    def __init__(self, around: Any, function: Callable[[list[Tensor]], list[Any]], specs: list[Any]):
        self.trace = around.inside()
        self.arguments = [self.trace.placeholder(s) for s in specs]
        tape = self.trace.tape
        with scope(interpreter=self.trace, variables=self.trace, tapes=() if tape is None else (tape,)):
            self.results = [to_tensor(x) for x in function(self.arguments)]
        for x in (*self.results, *[t for _, t in self.trace.assigned()]):
            self.trace.number(x)  # now, so that all that comes from around is known to be captured
        self.length = len(self.trace.instructions)

    def outer_reads(self) -> list[tuple[Any, Tensor, Tensor]]:
        """Return triples (key, tensor outside, the same inside) of what is read from outside and never assigned."""
        assigned = {id(v) for v, _ in self.trace.assigned()}
        return [*[(x.uid, x, x) for x in self.trace.captures],
                *[((id(v),), _read(v), t) for v, t in self.trace.first_read() if id(v) not in assigned]]

    def backward(self, targets: list[Tensor], sources: list[Tensor]) -> "Backward":
        """Return the instructions that lead from gradients of results to gradients by what is inside."""
        start = len(self.trace.instructions)
        with scope(interpreter=self.trace, variables=self.trace, tapes=()):
            given = [self.trace.placeholder(t) for t in targets]
            found = self.trace.tape.gradient(targets, sources, given)
        return Backward(self.trace, start, given, found)


class Backward(NamedTuple):
    """A gradient written down in the trace of a body.

    Attributes:
        trace: where.
        start: number of its first instruction.
        given: the gradients of results that it starts from.
        found: the gradients that it leads to; None where no result depends on what they are by.
    """

    trace: Any
    start: int
    given: list[Tensor]
    found: list[Tensor | None]

    def instructions(self, start: int) -> tuple[list[Instruction], list[int]]:
        """Return those instructions from `start` on that are needed, and what they read that none of them makes."""
        wanted = dict.fromkeys(self.trace.number(t) for t in self.found if t is not None)
        kept: list[Instruction] = []
        for i in reversed(self.trace.instructions[start:]):
            if not wanted.keys().isdisjoint(i.outputs):
                kept.append(i)
                wanted.update(dict.fromkeys(i.inputs))
        made = {o for i in kept for o in i.outputs}
        return kept[::-1], [v for v in wanted if v not in made]

    def run(self, kept: list[Instruction], values: dict[int, Tensor]) -> list[Tensor | None]:
        """Write the instructions down again, on other values; return the gradients."""
        env = {value: Tensor(array) for array, value in self.trace.constants}
        env.update((self.trace.number(x), x) for x in self.trace.captures)
        env.update((self.trace.number(t), _read(v)) for v, t in self.trace.first_read()
                   if self.trace.number(t) not in values)
        env.update(values)
        _replay(kept, env)
        return [None if t is None else env[self.trace.number(t)] for t in self.found]


def _read(variable: Any) -> Tensor:
    """The value of a variable as it is stored, recorded by tapes."""
    with scope(autocast=None):
        return variable.read_tensor()


def _smooth(x: Any) -> bool:
    return is_float(x.dtype) or x.dtype.name in COMPLEX


def inline(program: Program, inputs: list[Tensor]) -> list[Tensor]:
    """Write down the instructions of a body, on other tensors; return its results."""
    env = dict(zip(program.inputs, inputs, strict=True))
    env.update((value, Tensor(array)) for array, value in program.constants)
    _replay(program.instructions, env)
    return [env[v] for v in program.outputs]


def _replay(instructions: Any, env: dict[int, Tensor]) -> None:
    for i in instructions:
        env.update(zip(i.outputs, _again(i, [env[v] for v in i.inputs]), strict=True))


def _again(i: Instruction, inputs: list[Tensor]) -> Any:
    """Write down an instruction again; tapes are told how to differentiate it."""
    params, trace = i.params, state.interpreter
    if i.card is SCAN:
        n, end = params["carries"], params["carries"] + params["slices"]

        def step(carry: list[Tensor], x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            out = inline(params["body"], [*carry, *x, *inputs[end:]])
            return out[:n], out[n:]

        carry, ys = scan(trace, step, inputs[:n], inputs[n:end], params["length"], params["reverse"],
                         parallel=params["parallel"])
        return [*carry, *ys]
    if i.card is WHILE:
        n = params["carries"]
        return while_loop(trace, inputs[0], lambda carry: inline(params["body"], [*carry, *inputs[n + 1:]]),
                          inputs[1: n + 1], params["limit"])
    if i.card is SWITCH:
        return switch(trace, inputs[0], [functools.partial(inline, b) for b in params["branches"]], inputs[1:])
    out = trace.apply(i.card, inputs, params)
    for tape in state.tapes:
        tape.record(i.card, inputs, params, out)
    return out if type(out) is tuple else (out,)


class _Call(Card):
    """What tapes are told of one instruction: how to differentiate it. It is in no table."""

    def __init__(self, name: str, rule: Callable[[list[Tensor], list[bool]], list[Tensor | None]]):
        self.name, self.inputs, self.variadic = name, ("*xs",), "xs"
        self.rules, self.promote, self.broadcasts, self.effect = None, None, False, False
        self.set_vjp(lambda g, needs: rule(list(g) if isinstance(g, tuple) else [g], needs))


def _write(around: Any, card: Card, inputs: list[Tensor], params: dict[str, Any], rule: Any) -> tuple[Tensor, ...]:
    """Write an instruction down, and tell tapes its rule: function of (gradients, results, what is needed)."""
    specs = card.spec(*[x.data for x in inputs], **params)
    instruction = Instruction(card, (), params, ())
    if around.can_fold(inputs, specs) and not has_effect(instruction):
        arrays = state.quiet.run(runner(instruction, device.current()), *[x.data for x in inputs])
        return tuple([Tensor(device.current().asarray(array)) for array in arrays])
    out = around.write(card, inputs, params, specs)
    for tape in state.tapes if out else ():
        tape.record(_Call(card.name, lambda g, needs: rule(g, out, needs)), inputs, {}, out)
    return out


def _require_same(results: list[Tensor], expected: list[Any], what: str) -> None:
    found, wanted = ([Spec(x.shape, x.dtype) for x in xs] for xs in (results, expected))
    if found != wanted:
        raise ValueError(f"{what} in a compiled function must agree in number, shapes and dtypes, got {wanted} and "
                         f"then {found}")


def _without_losses(body: Body, what: str) -> None:
    if body.trace.losses:
        raise ValueError(f"add_loss() was called in {what}: in a compiled function only the body of a scan, fori_loop, "
                         "map or recurrence can add losses; return the loss instead")


# ---- scan -----------------------------------------------------------------------------------------


def scan(around: Any, f: Callable[[list[Tensor], list[Tensor]], tuple[list[Any], list[Any]]], init: list[Tensor],
         xs: list[Tensor], length: int, reverse: bool = False, last: bool = False,
         parallel: bool = False) -> tuple[list[Tensor], list[Tensor]]:
    """Write down a loop over slices.

    Args:
        around: the trace.
        f: function of (carry, slices) that returns the next carry and results of the step.
        init: the first carry.
        xs: what is sliced along the first axis.
        length: how many steps.
        reverse: whether the last slice goes first.
        last: whether only the results of the last step are wanted, not all of them, stacked.
        parallel: whether the steps may as well be done at once.

    Returns:
        The last carry, and the results.
    """
    n, counted = len(init), []

    def flat(arguments: list[Tensor]) -> list[Any]:
        carry, ys = f(arguments[:n], arguments[n:])
        counted.append(len(ys))
        losses = [OPS["sum"](x) for x in state.variables.losses]
        return [*carry, *ys, *losses]

    body = Body(around, flat, [*init, *[Spec(x.shape[1:], x.dtype) for x in xs]])
    carry, (ny,) = body.results[:n], counted
    ys, losses = body.results[n: n + ny], body.results[n + ny:]
    _require_same(carry, init, "what a loop carries")
    ins, variables = list(body.arguments[:n]), body.trace.assigned()
    init = [*init, *[_read(v) for v, _ in variables]]
    ins += [_first(body.trace, v) for v, _ in variables]
    carry = [*carry, *[t for _, t in variables]]
    given = ys
    if last:  # carried, and never read inside; what is carried anyway is no further result
        ys = [y for y in ys if not any(y is c for c in carry)]
        init += [OPS["zeros"](y.shape, dtype=y.dtype.name) for y in ys]
        ins += [body.trace.placeholder(y) for y in ys]
        carry, ys = [*carry, *ys], []
    call = _ScanCall(around, body, length, reverse, parallel, ins, body.arguments[n:], carry, [*ys, *losses],
                     body.outer_reads(), [*init, *xs])
    out = list(call.write())
    for k, (v, _) in enumerate(variables):
        v.assign(out[n + k])
    for x in out[len(out) - len(losses):]:
        state.variables.add_loss(OPS["sum"](x))
    if last:
        return out[:n], [next(x for c, x in zip(carry, out) if c is y) for y in given]
    return out[:n], out[len(carry): len(carry) + ny]


def _first(trace: Any, variable: Any) -> Tensor:
    """What a variable held when a body began."""
    for v, t in trace.first_read():
        if v is variable:
            return t
    return trace.placeholder(Spec(variable.shape, variable.handle.dtype))


class _ScanCall:
    """One scan, and what its gradient is made from; arguments as they are inside the body."""

    def __init__(self, around: Any, body: Body, length: int, reverse: bool, parallel: bool, ins: list[Tensor],
                 slices: list[Tensor], carry: list[Tensor], ys: list[Tensor], reads: list[tuple[Any, Tensor, Tensor]],
                 outside: list[Tensor]):
        self._around, self._body = around, body
        self._steps: dict[str, Any] = {"length": length, "reverse": reverse, "parallel": parallel}
        self._ins, self._slices, self._carry, self._ys = ins, slices, carry, ys
        self._reads = reads
        self._inputs = [*outside, *[x for _, x, _ in reads]]
        self._inside = [*ins, *slices, *[t for _, _, t in reads]]
        self._stacks: dict[int, Tensor] = {}  # value of the body -> its values at all steps, where gradients asked

    def write(self) -> tuple[Tensor, ...]:
        """Write the instruction down."""
        return _write(self._around, SCAN, self._inputs, self._params([]), self._gradient)

    def _params(self, residuals: list[Tensor]) -> dict[str, Any]:
        body = self._body.trace.program(self._inside, [*self._carry, *self._ys, *residuals], self._body.length)
        return {"body": body, "carries": len(self._ins), "slices": len(self._slices), **self._steps}

    def _gradient(self, g: list[Tensor], out: tuple[Tensor, ...], needs: list[bool]) -> list[Tensor | None]:
        n, m = len(self._ins), len(self._ins) + len(self._slices)
        results = [*self._carry, *self._ys]
        smooth = [k for k, x in enumerate(results) if _smooth(x)]
        sources = [k for k, x in enumerate(self._inside) if _smooth(x) and (k < n or needs[k])]
        back = self._body.backward([results[k] for k in smooth], [self._inside[k] for k in sources])
        found = [k for k, t in zip(sources, back.found) if t is not None or k < n]
        carried, sliced, read = ([k for k in found if k in ks]
                                 for ks in (range(n), range(n, m), range(m, len(needs))))
        step, xs = self._backward_step(back, out, [smooth.index(k) for k in carried])
        init = [*[g[k] for k in carried],
                *[OPS["zeros"](self._inside[k].shape, dtype=self._inside[k].dtype.name) for k in read]]
        carry, ys = scan(state.interpreter, step, init, [*xs, *[g[k] for k in smooth if k >= n]],
                         self._steps["length"], not self._steps["reverse"], parallel=self._steps["parallel"])
        gradients = dict(zip([*carried, *read, *sliced], [*carry, *ys]))
        return [gradients.get(k) for k in range(len(needs))]

    def _backward_step(self, back: "Backward", out: tuple[Tensor, ...], carried: list[int]) -> Any:
        """The body of the gradient, and what it takes slices of before the gradients of stacked results.

        Its carry is the gradients of the carry (those of `back.given` numbered by `carried`), then the sums of those
        of what is read from outside.
        """
        trace, n, m = self._body.trace, len(self._ins), len(self._ins) + len(self._slices)
        kept, free = back.instructions(back.start)
        given = [trace.number(t) for t in back.given]
        outside = {trace.number(t): x for t, x in zip(self._inside[m:], self._inputs[m:])}
        slices = {trace.number(t): x for t, x in zip(self._slices, self._inputs[n:]) if trace.number(t) in free}
        known = {*given, *outside, *slices, *[v for _, v in trace.constants], *map(trace.number, trace.captures)}
        again = self._invariants({v for v in free if v not in known}, {*outside, *known} - {*given, *slices})
        kept, made = [*again, *kept], {o for i in again for o in i.outputs}
        saved = [v for v in free if v not in known and v not in made]
        stacks = self._residuals(out, saved)
        start = [given[k] for k in carried]
        numbers = [*saved, *slices, *[v for v in given if v not in start]]

        def step(carry: list[Tensor], x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            found = back.run(kept, {**outside, **dict(zip(numbers, x)), **dict(zip(start, carry))})
            first = [OPS["zeros_like"](c) if t is None else t for c, t in zip(carry, found[: len(start)])]
            rest = [t for t in found[len(start):] if t is not None]
            reads = len(rest) - (len(carry) - len(start))
            sums = [OPS["add"](c, t) for c, t in zip(carry[len(start):], rest[reads:])]
            return [*first, *sums], rest[:reads]

        return step, [*stacks, *slices.values()]

    def _invariants(self, wanted: set[int], same: set[int]) -> list[Instruction]:
        """The instructions that make those of the wanted values that are the same at all steps, as `same` is."""
        found: list[Instruction] = []
        for i in self._body.trace.instructions[: self._body.length]:
            if i.inputs and same.issuperset(i.inputs) and not has_effect(i):
                found.append(i)
                same = same.union(i.outputs)
        kept: list[Instruction] = []
        for i in reversed(found):
            if not wanted.isdisjoint(i.outputs):
                kept.append(i)
                wanted = wanted.union(i.inputs)
        return kept[::-1]

    def _residuals(self, out: tuple[Tensor, ...], saved: list[int]) -> list[Tensor]:
        """Values of the body at all steps, stacked: further results of the instruction that is there, if it can be."""
        trace = self._body.trace
        if state.tapes and saved:  # which must know of what these are made
            params = self._params([trace.tensor(v) for v in saved])
            return list(_again(Instruction(SCAN, (), params, ()), self._inputs))[len(out):]
        new = [v for v in saved if v not in self._stacks]
        if new:
            params = self._params([trace.tensor(v) for v in (*self._stacks, *new)])
            specs = SCAN.spec(*[x.data for x in self._inputs], **params)
            more = self._around.extend((*out, *self._stacks.values()), params, specs)
            self._stacks.update(zip(new, more, strict=True))
        return [self._stacks[v] for v in saved]


# ---- while ----------------------------------------------------------------------------------------


def while_loop(around: Any, condition: Tensor, f: Callable[[list[Tensor]], list[Any]], init: list[Tensor],
               limit: int | None = None) -> list[Tensor]:
    """Write down a loop that goes on as long as a condition holds.

    Args:
        around: the trace.
        condition: whether to begin.
        f: function of the carry that returns whether to go on and the next carry.
        init: the first carry.
        limit: the most steps; with it the loop has gradients (all these steps are then counted, if not taken).

    Returns:
        The last carry.
    """
    if state.tapes and limit is not None:
        return _bounded(around, condition, f, init, limit)
    body = Body(around, f, init)
    _without_losses(body, "the body of a while_loop")
    _require_same(body.results, [condition, *init], "the condition and variables of a while_loop")
    variables = body.trace.assigned()
    outer = [*init, *[_read(v) for v, _ in variables]]
    ins = [*body.arguments, *[_first(body.trace, v) for v, _ in variables]]
    reads = body.outer_reads()
    program = body.trace.program([*ins, *[t for _, _, t in reads]], [*body.results, *[t for _, t in variables]])
    out = _write(around, WHILE, [condition, *outer, *[x for _, x, _ in reads]],
                 {"body": program, "carries": len(outer), "limit": limit}, _refuse_gradient)
    for k, (v, _) in enumerate(variables):
        v.assign(out[len(init) + k])
    return list(out[: len(init)])


def _refuse_gradient(*_: Any) -> Any:
    raise ValueError("the gradient of a loop whose number of steps depends on values was asked for in a compiled "
                     "function: give while_loop `maximum_iterations`, or use scan or fori_loop with fixed bounds")


def _bounded(around: Any, condition: Tensor, f: Callable[[list[Tensor]], list[Any]], init: list[Tensor],
             limit: int) -> list[Tensor]:
    def step(carry: list[Tensor], _: Any) -> tuple[list[Any], list[Any]]:
        trace = state.interpreter
        return switch(trace, carry[0], [lambda xs: xs, lambda xs: f(xs[1:])], carry), []

    return scan(around, step, [condition, *init], [], limit)[0][1:]


# ---- switch ---------------------------------------------------------------------------------------


def switch(around: Any, index: Tensor, branches: list[Callable[[list[Tensor]], list[Any]]],
           operands: list[Tensor]) -> list[Tensor]:
    """Write down a choice: `branches[clip(index)](operands)`; the other branches are not run.

    Args:
        around: the trace.
        index: an integer, or a truth value (False first).
        branches: functions of a list of tensors that return lists of tensors, alike in shapes and dtypes.
        operands: their arguments.
    """
    traced = [Body(around, f, operands) for f in branches]
    for body in traced:
        _without_losses(body, "a branch of `cond` or `switch`")
        _require_same(body.results, traced[0].results, "the results of branches")
    variables = list({id(v): v for body in traced for v, _ in body.trace.assigned()}.values())
    for body in traced:
        now = {id(v): t for v, t in body.trace.assigned()}
        body.results += [now[id(v)] if id(v) in now else body.trace.read(v) for v in variables]
    reads = {key: x for body in traced for key, x, _ in body.outer_reads()}
    for v in variables:  # one branch may assign what another only reads, or both
        reads.setdefault((id(v),), _read(v))
    inside = []
    for body in traced:
        own = {(id(v),): t for v, t in body.trace.first_read()} | {x.uid: x for x in body.trace.captures}
        inside.append([*body.arguments, *[own[k] if k in own else body.trace.placeholder(x)
                                          for k, x in reads.items()]])
    inputs = [index, *operands, *reads.values()]
    programs = tuple([body.trace.program(ins, body.results) for body, ins in zip(traced, inside)])

    def gradient(g: list[Tensor], _: Any, needs: list[bool]) -> list[Tensor | None]:
        return _switch_gradient(traced, inside, inputs, g, needs)

    out = _write(around, SWITCH, inputs, {"branches": programs}, gradient)
    end = len(out) - len(variables)
    for v, x in zip(variables, out[end:]):
        v.assign(x)
    return list(out[:end])


def _switch_gradient(traced: list[Body], inside: list[list[Tensor]], inputs: list[Tensor], g: list[Tensor],
                     needs: list[bool]) -> list[Tensor | None]:
    """The gradient of the branch that was taken, which runs again for it."""
    smooth = [k for k, x in enumerate(traced[0].results) if _smooth(x)]
    wanted = [k for k in range(1, len(inputs)) if needs[k] and _smooth(inputs[k])]

    def branch(body: Body, ins: list[Tensor]) -> Callable[[list[Tensor]], list[Tensor]]:
        def run(xs: list[Tensor]) -> list[Tensor]:
            back = body.backward([body.results[k] for k in smooth], [ins[k - 1] for k in wanted])
            kept, _ = back.instructions(0)
            numbers = [body.trace.number(t) for t in (*ins, *back.given)]
            found = back.run(kept, dict(zip(numbers, xs, strict=True)))
            return [OPS["zeros_like"](inputs[k]) if t is None else t for k, t in zip(wanted, found)]

        return run

    found = switch(state.interpreter, inputs[0], [branch(b, ins) for b, ins in zip(traced, inside)],
                   [*inputs[1:], *[g[k] for k in smooth]])
    gradients = dict(zip(wanted, found))
    return [gradients.get(k) for k in range(len(inputs))]
