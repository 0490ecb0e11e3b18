"""Kernels by hand, and in which file an op's lowering is: a program reads the files of its own ops."""

import importlib

from kerasish.backend.native.jobs import LOWERINGS, Lowering

FILES = {
    "attention": ("attention",),
    "attention_grad": ("attention_grad",),
    "conv": ("conv", "conv_input_grad"),
    "conv_weights": ("conv_weight_grad",),
    "folds": ("all", "any", "max", "mean", "min", "sum"),
    "linear_crossentropy": ("linear_crossentropy",),
    "moments": ("moments", "var"),
    "movers": ("broadcast_to", "concatenate", "copy", "diagonal", "flip", "full", "get_item", "pad", "put_diagonal",
               "put_item", "repeat", "roll", "scatter_item", "split", "tile", "transpose"),
    "pooling": ("avg_pool", "avg_pool_grad", "max_pool", "max_pool_grad"),
    "products": ("matmul",),
    "random": ("random_bernoulli", "random_randint", "random_uniform"),
    "recurrent": ("gru", "gru_grad", "lstm", "lstm_grad"),
    "rows": ("add_along_axis", "number_rows", "take", "take_along_axis"),
    "scans": ("argmax", "argmin", "cumsum"),
    "softmax": ("log_softmax", "logsumexp", "softmax", "softmax_grad", "sparse_softmax_crossentropy",
                "sparse_softmax_crossentropy_grad"),
}
_FILE_OF = {name: file for file, names in FILES.items() for name in names}


def lowering_of(name: str) -> Lowering | None:
    """Return an op's lowering, None if it has none."""
    if name not in LOWERINGS and name in _FILE_OF:
        importlib.import_module(f"{__name__}.{_FILE_OF[name]}")
    return LOWERINGS.get(name)
