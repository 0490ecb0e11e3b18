"""A layer of many classes and its cross-entropy run some rows at a time, unless somebody else reads a part of it."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.backend.native.language import kind_of
from kerasish.compiler.codegen import pieces
from kerasish.compiler.codegen.draw import machine_code
from kerasish.compiler.codegen.drawing import prepare
from kerasish.compiler.passes import optimize
from kerasish.compiler.trace import trace
from kerasish.compiler.verify import verify
from kerasish.core.op import CARDS


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    for name, value in (("LARGE", 1), ("_ROWS", 8), ("_ROWS_A_TERM", 1)):
        monkeypatch.setattr(pieces, name, value)


def losses(logits, target):
    return ops.sparse_categorical_crossentropy(target, logits, from_logits=True)


def mean_loss(x, w, b, logits, target):
    return [ops.mean(losses(logits, target))]


def held_to_eager(use=mean_loss, lead=(37,), length=6, classes=53, biased=True, spoil=None, dtype="int32"):
    """Hold loss and gradients, compiled, to those of eager; tell whether they were made in pieces."""
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s).astype("float32") for s in ((*lead, length), (length, classes), (classes,))]
    target = rng.integers(0, classes, lead).astype(dtype)
    if spoil is not None:
        spoil(*arrays, target)
    arguments = [ops.convert_to_tensor(a) for a in (*arrays, target)]

    def run(x, w, b, target):
        with GradientTape() as tape:
            tape.watch([x, w, b])
            logits = ops.matmul(x, w)
            out = use(x, w, b, logits + b if biased else logits, target)
        return *out, *tape.gradient(out[0], [x, w, b] if biased else [x, w])

    program = optimize(trace(run, tuple(arguments), {})[0])
    ready = prepare(program)
    verify(ready)
    code, want = machine_code(program), run(*arguments)
    for _ in range(2):
        for got, right in zip(code([a.data for a in arguments]), want, strict=True):
            right = np.asarray(right)
            finite = np.abs(right[np.isfinite(right)])
            np.testing.assert_allclose(got, right, rtol=1e-5, atol=1e-5 * finite.max(initial=1e-3))
    return any(i.card.name == "linear_crossentropy" for i in ready.instructions)


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("lead, length, classes", [((37,), 6, 53), ((4, 16), 8, 16), ((3, 7), 2, 5), ((40,), 12, 2)])
def test_in_pieces(lead, length, classes, biased):
    assert held_to_eager(lead=lead, length=length, classes=classes, biased=biased)


def test_rows_without_a_class_and_numbers_that_are_none():
    def spoil(x, w, b, target):
        target[::5] = -1
        target[3] = 99
        x[11] = np.nan
        x[20, 0] = np.inf

    assert held_to_eager(spoil=spoil)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "int16", "uint32"])
@pytest.mark.parametrize("biased", [True, False])
def test_targets_of_other_kinds(dtype, biased):
    def use(x, w, b, logits, target):
        return [ops.mean(CARDS["sparse_softmax_crossentropy"](logits, target))]

    assert held_to_eager(use, dtype=dtype, biased=biased) == (kind_of(np.dtype(dtype)) is not None)


def test_weights_that_are_made_after_the_loss():
    def weighted(x, w, b, logits, target):
        loss = losses(logits, target)
        return [ops.sum(loss * ops.sigmoid(ops.sum(ops.stop_gradient(x) * 0.1, axis=-1)))]

    assert held_to_eager(weighted)


@pytest.mark.parametrize("use", [
    lambda x, w, b, logits, target: [ops.sum(ops.square(losses(logits, target)))],  # the weight is made of the loss
    lambda x, w, b, logits, target: [ops.mean(losses(logits, target)), ops.argmin(logits, axis=-1)],
    lambda x, w, b, logits, target: [ops.mean(losses(logits, target)), ops.argmax(logits, axis=0)],
    lambda x, w, b, logits, target: [ops.mean(losses(logits, target)), ops.argmax(logits, axis=-1, keepdims=True)],
    lambda x, w, b, logits, target: [ops.mean(losses(logits, target)), ops.argmax(logits, axis=-1),
                                     ops.argmax(ops.abs(logits), axis=-1)],
    lambda x, w, b, logits, target: [ops.mean(losses(logits, target)) + ops.mean(ops.square(logits))],
    lambda x, w, b, logits, target: [ops.mean(losses(logits, target)) + ops.mean(losses(logits, target[::-1]))],
    lambda x, w, b, logits, target: [ops.mean(losses(ops.reshape(logits, (-1, 1, 53)), target[:, None]))],
])
def test_what_stays_whole_gives_the_same(use):
    assert not held_to_eager(use)


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("lead, classes", [((37,), 300), ((4, 16), 700)])
def test_an_accuracy_is_had_on_the_way(lead, classes, biased):
    def use(x, w, b, logits, target):
        best = ops.argmax(logits, axis=-1)
        return [ops.mean(losses(logits, target)), best, ops.mean(ops.cast(ops.equal(best, target), "float32"))]

    def spoil(x, w, b, target):
        w[:, 7], b[7] = w[:, 3], b[3]  # a tie: the first counts
        x[..., 2, :] *= 50
        x[(0,) * (x.ndim - 1)] = np.nan

    assert held_to_eager(use, lead=lead, classes=classes, biased=biased)
    assert held_to_eager(use, lead=lead, classes=classes, biased=biased, spoil=spoil)


def test_others_may_read_what_goes_in_and_what_comes_out():
    def use(x, w, b, logits, target):
        loss = losses(logits, target)
        return [ops.mean(loss) + ops.mean(ops.square(x)) + ops.sum(ops.tanh(w)), loss]

    assert held_to_eager(use)


def test_few_rows_or_classes_stay_whole(monkeypatch):
    assert not held_to_eager(lead=(12,))  # less than two pieces
    monkeypatch.setattr(pieces, "LARGE", 37 * 53 + 1)
    assert not held_to_eager()
    monkeypatch.setattr(pieces, "LARGE", 37 * 53)
    assert held_to_eager()


def test_it_takes_the_memory_of_a_piece():
    def nbytes(rows):
        x, w, t = ops.ones((rows, 4)), ops.ones((4, 1000)), ops.zeros((rows,), dtype="int32")

        def run(x, w, t):
            with GradientTape() as tape:
                tape.watch([x, w])
                loss = ops.mean(losses(ops.matmul(x, w), t))
            return loss, *tape.gradient(loss, [x, w])

        return machine_code(optimize(trace(run, (x, w, t), {})[0])).machine.arena.memory.nbytes

    assert nbytes(512) < 512 * 1000 * 4 / 8


def test_two_layers_of_one_program():
    rng = np.random.default_rng(0)
    x, v, w = (ops.convert_to_tensor(rng.normal(size=s).astype("float32")) for s in ((33, 6), (6, 20), (6, 31)))
    a, b = (ops.convert_to_tensor(rng.integers(0, n, 33).astype("int32")) for n in (20, 31))

    def run(x, v, w, a, b):
        with GradientTape() as tape:
            tape.watch([x, v, w])
            loss = ops.mean(losses(ops.matmul(x, v), a)) + 2.0 * ops.sum(losses(ops.matmul(x, w), b))
        return loss, *tape.gradient(loss, [x, v, w])

    arguments = (x, v, w, a, b)
    program = optimize(trace(run, arguments, {})[0])
    ready = prepare(program)
    verify(ready)
    assert [i.card.name for i in ready.instructions].count("linear_crossentropy") == 2
    for got, right in zip(machine_code(program)([t.data for t in arguments]), run(*arguments), strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-5, atol=1e-5)
