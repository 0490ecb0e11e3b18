"""Rows of the op table: softmax, cross-entropies, normalization, attention, classes as rows."""

import numpy as np

from tests.ops.case import Case, booleans, integers, normal, positive, uniform

EPSILON = 1e-7


def softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    return np.log(softmax(x, axis))


def _probabilities(x, axis, from_logits):
    return softmax(x, axis) if from_logits else np.clip(x / x.sum(axis, keepdims=True), EPSILON, 1 - EPSILON)


def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    return -(target * np.log(_probabilities(output, axis, from_logits))).sum(axis)


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    p = np.moveaxis(_probabilities(output, axis, from_logits), axis, -1)
    target = target.reshape(p.shape[:-1])
    return -(one_hot(target, p.shape[-1]) * np.log(p)).sum(-1)


def binary_crossentropy(target, output, from_logits=False):
    p = 1 / (1 + np.exp(-output)) if from_logits else output
    return -(target * np.log(p) + (1 - target) * np.log(1 - p))


def one_hot(x, num_classes, axis=-1, dtype=None):
    rows = np.zeros((*x.shape, num_classes))
    for at in np.ndindex(x.shape):
        if 0 <= x[at] < num_classes:
            rows[(*at, x[at])] = 1
    return np.moveaxis(rows, -1, axis).astype(dtype or "float32")


def multi_hot(x, num_classes, axis=-1):
    return one_hot(x, num_classes, axis).max(axis=1 if x.ndim > 1 else 0)


def in_top_k(targets, predictions, k):
    places = np.argsort(np.argsort(-predictions, axis=-1), axis=-1)
    return np.take_along_axis(places, targets[:, None], -1)[:, 0] < k


def moments(x, axes, keepdims=False):
    axes = tuple(axes) if isinstance(axes, (list, tuple)) else axes
    return x.mean(axes, keepdims=keepdims), x.var(axes, keepdims=keepdims)


def _on_axes(v, x, axes):
    return v.reshape([n if i in axes else 1 for i, n in enumerate(x.shape)])


def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    mean, variance, offset, scale = (
        None if v is None else _on_axes(v, x, [axis % x.ndim]) for v in (mean, variance, offset, scale))
    out = (x - mean) / np.sqrt(variance + epsilon)
    out = out if scale is None else out * scale
    return out if offset is None else out + offset


def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=EPSILON, rms_scaling=False):
    axes = tuple(a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,)))
    deviation = np.sqrt(x.var(axes, keepdims=True) + epsilon)
    out = x / deviation if rms_scaling else (x - x.mean(axes, keepdims=True)) / deviation
    out = out if gamma is None else out * _on_axes(gamma, x, axes)
    return out if beta is None else out + _on_axes(beta, x, axes)


def rms_normalization(x, scale=1.0, axis=-1, epsilon=EPSILON):
    return x / np.sqrt((x * x).mean(axis, keepdims=True) + epsilon) * scale


def normalize(x, axis=-1, order=2):
    return x / np.maximum((np.abs(x) ** order).sum(axis, keepdims=True) ** (1 / order), EPSILON)


def psnr(x1, x2, max_val):
    return 10 * np.log10(max_val**2 / np.mean((x1 - x2) ** 2))


def dot_product_attention(q, k, v, bias=0.0, mask=True, scale=None, is_causal=False):
    k, v = (np.repeat(x, q.shape[2] // x.shape[2], axis=2) for x in (k, v))
    logits = np.einsum("bthd,bshd->bhts", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale) + bias
    if is_causal:
        mask = np.logical_and(mask, np.tri(*logits.shape[-2:], dtype=bool))
    return np.einsum("bhts,bshd->bthd", softmax(np.where(mask, logits, -1e30)), v)


ATTENTION = [normal(2, 3, 2, 2), normal(2, 4, 2, 2), normal(2, 4, 2, 3)]

CASES = [
    Case("softmax", [normal(3, 4)], reference=softmax),
    Case("softmax", [normal(3, 4, scale=30)], reference=softmax, id="steep"),
    Case("softmax", [normal(3, 4, 2)], {"axis": 1}, reference=softmax),
    Case("softmax", [normal(2, 3, 2)], {"axis": (0, -1)}, reference=softmax),
    Case("softmax", [normal(0, 4)], reference=softmax, id="empty", differentiable=False, dynamic=False),
    Case("log_softmax", [normal(3, 4)], reference=log_softmax),
    Case("log_softmax", [normal(3, 4, 2)], {"axis": 0}, reference=log_softmax),
    Case("categorical_crossentropy", [positive(3, 4), positive(3, 4)], reference=categorical_crossentropy),
    Case("categorical_crossentropy", [positive(3, 4), normal(3, 4)], {"from_logits": True},
         reference=categorical_crossentropy),
    Case("categorical_crossentropy", [positive(3, 4, 2), positive(3, 4, 2)], {"axis": 1},
         reference=categorical_crossentropy),
    Case("sparse_categorical_crossentropy", [integers(3, high=4), positive(3, 4)], dynamic=False,
         reference=sparse_categorical_crossentropy),
    Case("sparse_categorical_crossentropy", [np.array([-1, 2, 4, 0]), positive(4, 4)], id="no-class", dynamic=False,
         reference=sparse_categorical_crossentropy),
    Case("sparse_categorical_crossentropy", [integers(3, 1, high=4), normal(3, 4)], {"from_logits": True},
         reference=sparse_categorical_crossentropy),
    Case("sparse_categorical_crossentropy", [np.array([-1, 2, 4, 0]), normal(4, 4)], {"from_logits": True},
         reference=sparse_categorical_crossentropy, id="logits-no-class", dynamic=False),
    Case("sparse_categorical_crossentropy", [integers(2, 3, high=4), normal(2, 4, 3)],
         {"from_logits": True, "axis": 1}, reference=sparse_categorical_crossentropy, dynamic=False),
    Case("binary_crossentropy", [uniform(3, 4, low=0, high=1), uniform(3, 4, low=0.1, high=0.9)],
         reference=binary_crossentropy),
    Case("binary_crossentropy", [uniform(3, 4, low=0, high=1), normal(3, 4)], {"from_logits": True},
         reference=binary_crossentropy),
    Case("one_hot", [integers(3, low=-1, high=6), 5], reference=one_hot),
    Case("one_hot", [integers(2, 3, high=4), 4], {"axis": 1, "dtype": "int32"}, reference=one_hot),
    Case("multi_hot", [integers(3, 2, high=5), 5], reference=multi_hot),
    Case("multi_hot", [integers(3, high=5), 5], reference=multi_hot, dynamic=False),
    Case("in_top_k", [integers(6, high=5), normal(6, 5), 2], reference=in_top_k, differentiable=False, dynamic=False),
    Case("moments", [normal(3, 4, 2), (0, 2)], reference=moments),
    Case("moments", [normal(3, 4), 1], {"keepdims": True}, reference=moments),
    Case("batch_normalization", [normal(3, 4), normal(4), positive(4), -1], reference=batch_normalization),
    Case("batch_normalization", [normal(3, 2, 4), normal(2), positive(2), 1],
         {"offset": normal(2), "scale": positive(2), "epsilon": 0.1}, reference=batch_normalization),
    Case("layer_normalization", [normal(3, 4)], reference=layer_normalization, rtol=1e-4),
    Case("layer_normalization", [normal(3, 4), normal(4), normal(4)], {"epsilon": 0.1},
         reference=layer_normalization),
    Case("layer_normalization", [normal(3, 2, 4), normal(2), normal(2)], {"axis": 1, "epsilon": 0.1},
         reference=layer_normalization),
    Case("layer_normalization", [normal(3, 2, 4), normal(2, 4), normal(2, 4)], {"axis": (1, 2)},
         reference=layer_normalization),
    Case("layer_normalization", [normal(3, 4), normal(4)], {"rms_scaling": True}, reference=layer_normalization),
    Case("rms_normalization", [normal(3, 4)], reference=rms_normalization),
    Case("rms_normalization", [normal(3, 4, 2), normal(2)], {"axis": (1, 2), "epsilon": 0.1},
         reference=rms_normalization),
    Case("normalize", [normal(3, 4)], reference=normalize),
    Case("normalize", [normal(3, 4)], {"axis": 0, "order": 1}, reference=normalize),
    Case("normalize", [normal(3, 4)], {"order": 3}, reference=normalize),
    Case("normalize", [np.zeros((2, 3))], reference=normalize, id="zeros", differentiable=False),
    Case("psnr", [normal(3, 4), normal(3, 4), 2.0], reference=psnr),
    Case("dot_product_attention", ATTENTION, reference=dot_product_attention),
    Case("dot_product_attention", ATTENTION, {"is_causal": True, "scale": 0.3}, reference=dot_product_attention),
    Case("dot_product_attention", ATTENTION, {"bias": normal(2, 2, 3, 4)}, reference=dot_product_attention),
    Case("dot_product_attention", [normal(2, 3, 4, 2), normal(2, 4, 2, 2), normal(2, 4, 2, 3)],
         {"mask": booleans(2, 1, 3, 4), "bias": normal(4, 3, 4)}, reference=dot_product_attention, id="grouped"),
]

CARDS_ELSEWHERE = ("lstm", "lstm_grad", "gru", "gru_grad")  # tests/test_recurrences.py
