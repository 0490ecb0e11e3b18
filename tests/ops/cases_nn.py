"""Rows of the op table: softmax, cross-entropies, normalization, attention, classes as rows."""

from itertools import product

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


def ctc_loss(target, output, target_length, output_length, mask_index=0):
    """By its definition: the probabilities of all alignments that merge to the labels."""
    losses = []
    for labels, logits, n, t in zip(target, output, target_length, output_length):
        p, total = softmax(logits), 0.0
        for path in product(range(logits.shape[-1]), repeat=int(t)):
            merged = [c for i, c in enumerate(path) if (i == 0 or c != path[i - 1]) and c != mask_index]
            if merged == labels[:n].tolist():
                total += np.prod([p[i, c] for i, c in enumerate(path)])
        losses.append(-np.log(total))
    return np.array(losses)


def ctc_decode(x, lengths, strategy="greedy", top_paths=1, merge_repeated=True, mask_index=0):
    """Greedy by its definition; the beam search by the probabilities of all alignments."""
    paths, scores = np.full((top_paths, *x.shape[:2]), -1), np.zeros((len(x), top_paths))
    for b, (logits, t) in enumerate(zip(x, lengths)):
        p, found = softmax(logits), {}
        ways = product(range(x.shape[-1]), repeat=int(t)) if strategy != "greedy" else [tuple(logits[:t].argmax(-1))]
        for path in ways:
            same = [merge_repeated and i > 0 and c == path[i - 1] for i, c in enumerate(path)]
            merged = tuple(c for c, s in zip(path, same) if not s and c != mask_index)
            found[merged] = found.get(merged, 0) + np.prod([p[i, c] for i, c in enumerate(path)])
        for k, labels in enumerate(sorted(found, key=found.get, reverse=True)[:top_paths]):
            paths[k, b, : len(labels)] = labels
            scores[b, k] = -logits[:t].max(-1).sum() if strategy == "greedy" else np.log(found[labels])
    return paths, scores


def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    (kh, kw), (dh, dw), (ph, pw), (sh, sw) = ((v, v) if isinstance(v, int) else v
                                              for v in (kernel_size, dilation, padding, stride))
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    down, across = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1, (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    windows = [x[:, :, i * sh : i * sh + dh * kh : dh, j * sw : j * sw + dw * kw : dw][:, :, :kh, :kw]
               for i in range(down) for j in range(across)]
    return np.stack([w.reshape(len(x), -1) for w in windows], axis=-1)


def fold(x, output_size, kernel_size, **steps):
    """The transpose of `unfold`, by its matrix."""
    image = (x.shape[1] // int(np.prod(kernel_size)), *output_size)
    basis = np.eye(int(np.prod(image))).reshape(-1, *image)
    matrix = unfold(basis, kernel_size, **steps).reshape(len(basis), -1)
    return (x.reshape(len(x), -1) @ matrix.T).reshape(len(x), *image)


def depth_to_space(x, block_size, data_format="channels_last"):
    b = block_size
    if data_format == "channels_first":
        n, c, h, w = x.shape
        out = np.zeros((n, c // b // b, h * b, w * b))
        for i, j in np.ndindex(b, b):
            out[:, :, i::b, j::b] = x[:, i * b + j :: b * b]
        return out
    out = np.zeros((x.shape[0], x.shape[1] * b, x.shape[2] * b, x.shape[3] // b // b))
    for i, j in np.ndindex(b, b):
        out[:, i::b, j::b] = x[..., (i * b + j) * out.shape[-1] :][..., : out.shape[-1]]
    return out


def space_to_depth(x, block_size, data_format="channels_last"):
    b = block_size
    cells = list(np.ndindex(b, b))
    if data_format == "channels_first":
        parts = np.stack([x[:, :, i::b, j::b] for i, j in cells], axis=2)
        return parts.reshape(x.shape[0], -1, *parts.shape[3:])
    return np.concatenate([x[:, i::b, j::b] for i, j in cells], axis=-1)


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
    Case("dot_product_attention", ATTENTION, {"mask": booleans(2, 2, 3, 4), "is_causal": True},
         reference=dot_product_attention, id="mask-causal"),
    Case("dot_product_attention", ATTENTION, {"mask": np.array([1, 0, 1, 0], bool)}, reference=dot_product_attention,
         id="mask-of-one-axis"),
    Case("dot_product_attention", ATTENTION, {"mask": np.array([1, 0, 1], bool)[:, None], "scale": positive()},
         reference=dot_product_attention, id="nothing-to-see", differentiable=[0, 1, 2]),
    Case("dot_product_attention", [normal(2, 3, 4, 2), normal(2, 5, 2, 2), normal(2, 5, 2, 3)],
         {"mask": booleans(1, 4, 3, 5), "is_causal": True}, reference=dot_product_attention, id="grouped-mask"),
    Case("dot_product_attention", [normal(2, 5, 4, 3), normal(2, 3, 2, 3), normal(2, 3, 2, 1)], {"is_causal": True},
         reference=dot_product_attention, id="grouped-causal"),
    Case("ctc_loss", [np.array([[1, 2], [2, 2]]), normal(2, 4, 3), np.array([2, 2]), np.array([4, 3])],
         reference=ctc_loss, dynamic=False, dtypes=("float64", "float32")),
    Case("ctc_loss", [np.array([[0, 1, 0], [1, 1, 1]]), normal(2, 4, 3), np.array([1, 0]), np.array([3, 4])],
         {"mask_index": 2}, reference=ctc_loss, dynamic=False, dtypes=("float64", "float32"), second=False),
    Case("ctc_loss", [np.array([[1]]), normal(1, 3, 3), np.array([1]), np.array([3])], reference=ctc_loss,
         dtypes=("float16",), check=lambda out, *_: np.testing.assert_equal(out.dtype.name, "float32"), id="half"),
    Case("ctc_decode", [normal(2, 6, 3), np.array([6, 4])], reference=ctc_decode, differentiable=False,
         dtypes=("float64", "float32"), dynamic=False),
    Case("ctc_decode", [normal(2, 6, 3), np.array([6, 4])], {"merge_repeated": False, "mask_index": 2},
         reference=ctc_decode, differentiable=False, dtypes=("float64", "float32"), dynamic=False),
    Case("ctc_decode", [normal(2, 5, 3), np.array([5, 4])], {"strategy": "beam_search", "top_paths": 3},
         reference=ctc_decode, differentiable=False, dtypes=("float64", "float32"), dynamic=False),
    Case("unfold", [normal(3, 2, 4, 5), 2], reference=unfold),
    Case("unfold", [normal(3, 1, 4, 5), (2, 3)], {"dilation": (2, 1), "padding": 1, "stride": 2}, reference=unfold),
    Case("fold", [normal(3, 8, 12), (4, 5), (2, 2)], reference=fold),
    Case("fold", [normal(3, 6, 6), (4, 5), (2, 3)], {"dilation": (2, 1), "padding": 1, "stride": 2}, reference=fold),
    Case("depth_to_space", [normal(3, 2, 2, 8), 2], reference=depth_to_space),
    Case("depth_to_space", [normal(3, 8, 2, 2), 2], {"data_format": "channels_first"}, reference=depth_to_space),
    Case("space_to_depth", [normal(3, 4, 2, 3), 2], reference=space_to_depth),
    Case("space_to_depth", [normal(3, 3, 2, 4), 2], {"data_format": "channels_first"}, reference=space_to_depth),
]

CARDS_ELSEWHERE = (
    "lstm", "lstm_grad", "gru", "gru_grad",  # tests/test_recurrences.py
    "attention_grad",  # tests/test_attention_kernels.py
    "check_range",  # tests/test_losses.py, tests/layers/test_core.py
    "max_pool_index", "max_pool_gather", "max_pool_scatter",  # tests/test_higher_gradients.py
)
