"""Rows for shapes, order of axes, joining, splitting, repeating, padding, patterns."""

import numpy as np

from tests.ops.case import Case, booleans, integers, normal

X = normal(2, 3, 4)


def padded(x, pad_width, mode="constant", constant_values=None):
    kwargs = {} if constant_values is None else {"constant_values": constant_values}
    return np.pad(x, pad_width, mode=mode, **kwargs)


CASES = [
    Case("reshape", [X, (4, 6)], dynamic=False),
    Case("reshape", [X, (-1, 4)], id="rest"),
    Case("reshape", [X, (2, None, 2)], reference=lambda x, s: x.reshape(2, 6, 2), id="none", dynamic=False),
    Case("reshape", [X, (None, -1)], reference=lambda x, s: x.reshape(2, 12), id="none-and-rest"),
    Case("reshape", [X, 24], id="int", dynamic=False),
    Case("ravel", [X]),
    Case("transpose", [X]),
    Case("transpose", [X, (0, -1, 1)], id="axes"),
    Case("moveaxis", [X, 0, -1]),
    Case("moveaxis", [X, (0, 2), (1, 0)], id="several"),
    Case("swapaxes", [X, -1, 0]),
    Case("expand_dims", [X, 1]),
    Case("expand_dims", [X, (0, -1)], id="several"),
    Case("squeeze", [normal(1, 3, 1)], dynamic=False),
    Case("squeeze", [normal(2, 3, 1), -1], id="axis"),
    Case("squeeze", [normal(2, 1, 1), (1, 2)], id="axes"),
    Case("broadcast_to", [normal(3, 1), (2, 3, 4)], dynamic=False),
    Case("broadcast_to", [normal(3), (2, 3)], id="leading", dynamic=False),
    Case("concatenate", [[normal(2, 3), normal(4, 3), normal(1, 3)]]),
    Case("concatenate", [[normal(2, 3), normal(2, 1)]], {"axis": -1}),
    Case("concatenate", [[normal(2, 3), normal(4)]], {"axis": None}, dynamic=False),
    Case("concatenate", [[normal(2, 3)]], id="single"),
    Case("concatenate", [[integers(2, 3), normal(2, 3)]], id="mixed", dtypes=("float64", "float32")),
    Case("stack", [[normal(2, 3), normal(2, 3)]]),
    Case("stack", [[normal(2, 3), normal(2, 3), normal(2, 3)]], {"axis": -1}),
    Case("hstack", [[normal(2, 3), normal(2, 1)]]),
    Case("hstack", [[normal(2), normal(3)]], id="vectors"),
    Case("vstack", [[normal(2, 3), normal(1, 3)]]),
    Case("vstack", [[normal(3), normal(3)]], id="vectors", dynamic=False),
    Case("dstack", [[normal(2, 3), normal(2, 3)]]),
    Case("dstack", [[normal(3), normal(3)]], id="vectors"),
    Case("append", [normal(2, 3), normal(2, 2)], {"axis": 1}),
    Case("append", [normal(2, 3), normal(2)], id="flat", dynamic=False),
    Case("split", [normal(4, 6), 3], {"axis": 1}),
    Case("split", [normal(4, 6), [1, 4]], {"axis": -1}, id="indices"),
    Case("split", [normal(4, 6), [1, 3, 3]], id="empty", dynamic=False),
    Case("split", [normal(4, 6), 1], id="one"),
    Case("array_split", [normal(2, 7), 3], {"axis": 1}),
    Case("hsplit", [normal(2, 4), 2]),
    Case("hsplit", [normal(4), [1]], id="vector", dynamic=False),
    Case("vsplit", [normal(4, 2), 2], dynamic=False),
    Case("dsplit", [normal(2, 2, 4), 2]),
    Case("unstack", [X], {"axis": 1}, reference=lambda x, axis: list(np.moveaxis(x, axis, 0))),
    Case("unstack", [X, 2], reference=lambda x, num: list(x), id="num", dynamic=False),
    Case("tile", [normal(2, 3), (2, 1)]),
    Case("tile", [normal(2, 3), (2, 1, 3)], id="new"),
    Case("tile", [normal(2, 3), 2], id="int"),
    Case("repeat", [normal(2, 3), 2], {"axis": 1}),
    Case("repeat", [normal(2, 3), 2], id="flat"),
    Case("repeat", [normal(2, 3), [1, 0, 2]], {"axis": 1}, id="counts"),
    Case("roll", [normal(3, 4), 1], {"axis": -1}),
    Case("roll", [normal(3, 4), -2], id="flat"),
    Case("roll", [normal(3, 4), (1, -1), (0, 1)], id="several"),
    Case("flip", [X]),
    Case("flip", [X], {"axis": 1}),
    Case("flip", [X], {"axis": (0, -1)}),
    Case("fliplr", [X]),
    Case("flipud", [X]),
    *[Case("rot90", [normal(2, 3)], {"k": k}) for k in (-1, 0, 1, 2)],
    Case("rot90", [X], {"axes": (2, 0)}),
    Case("pad", [normal(2, 3), ((1, 2), (0, 3))], reference=padded),
    Case("pad", [normal(2, 3), 1], {"constant_values": 2.5}, reference=padded),
    Case("pad", [normal(2, 3), (1, 2)], {"constant_values": 0}, reference=padded, id="pair"),
    *[Case("pad", [normal(2, 4), ((0, 0), (3, 2))], {"mode": m}, reference=padded)
      for m in ("reflect", "symmetric", "edge", "wrap")],
    Case("diff", [normal(3, 5)]),
    Case("diff", [normal(3, 5)], {"n": 2, "axis": 1}),
    Case("diff", [booleans(6)], id="bool"),
    Case("rearrange", [X, "a b c -> c (a b)"], reference=lambda x, p: x.transpose(2, 0, 1).reshape(4, 6)),
    Case("rearrange", [X, "a b (c d) -> d a (b c)"], {"c": 2}, id="apart",
         reference=lambda x, p, c: x.reshape(2, 3, 2, 2).transpose(3, 0, 1, 2).reshape(2, 2, 6)),
    Case("rearrange", [X, "... c -> c ..."], reference=lambda x, p: np.moveaxis(x, -1, 0), id="rest"),
    Case("rearrange", [normal(2, 1, 3), "a 1 b -> b 1 a"], reference=lambda x, p: x.transpose(2, 1, 0), id="one"),
]
