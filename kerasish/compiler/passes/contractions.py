"""Matrix products, contractions and the plainest convolutions become products that BLAS takes as they lie.

See `compiler.contract`. A convolution is one if its window is a single place, or covers the whole image.
"""

import math
from typing import Any

from kerasish.compiler.contract import CONTRACT
from kerasish.compiler.ir import Instruction, Program
from kerasish.compiler.passes.rewriter import Rewriter
from kerasish.core.spec import Spec


def unify_products(program: Program) -> Program:
    """Return the program with `contract` in the place of products for which nothing need be copied."""
    return Rewriter(program).sweep(_unified, _PRODUCTS)


def _unified(rewriter: Rewriter, i: Instruction) -> int | None:
    product = _PRODUCTS[i.card.name](*[rewriter.specs[v] for v in i.inputs], **i.params)
    return None if product is None else emit(rewriter, product, i.inputs, rewriter.specs[i.outputs[0]].shape)


class Product:
    """A contraction while passes rewrite it.

    Attributes:
        terms: the letters (numbers here) of x, y and the result.
        length: of each letter.
    """

    __slots__ = ("terms", "length")

    def __init__(self, terms: list[list[int]], length: dict[int, int]):
        self.length = length
        self.terms = [[c for c in term if length[c] != 1] for term in terms]

    def copy(self) -> "Product":
        """Return a product that can be rewritten for itself."""
        return Product(self.terms, dict(self.length))

    def groups(self, which: int, shape: tuple[int, ...]) -> list[list[int]] | None:
        """Return the letters of each axis of a term seen in a shape; a letter that spans axes is split in all terms.

        None if the letters cannot be divided so.
        """
        waiting = self.terms[which][::-1]
        groups = []
        for n in shape:
            group = []
            while n > 1:
                letter = waiting.pop()
                if n % self.length[letter]:
                    if self.length[letter] % n:
                        return None
                    letter, rest = self._split(letter, n)
                    waiting.append(rest)
                group.append(letter)
                n //= self.length[letter]
            groups.append(group)
        return groups

    def _split(self, letter: int, n: int) -> tuple[int, int]:
        """Divide a letter into one of length n and one of the rest."""
        outer, inner = len(self.length), len(self.length) + 1
        self.length[outer], self.length[inner] = n, self.length[letter] // n
        for term in self.terms:
            if letter in term:
                at = term.index(letter)
                term[at : at + 1] = [outer, inner]
        return outer, inner

    def merge(self) -> None:
        """Make one letter of those that follow each other in all their terms."""
        after = [dict(zip(term, term[1:], strict=False)) for term in self.terms]
        joined = {}
        for a, b in (after[0] | after[1] | after[2]).items():
            if all(f.get(a) == b or (a not in t and b not in t) for f, t in zip(after, self.terms, strict=True)):
                joined[a] = b
        if not joined:
            return
        gone = set(joined.values())
        for first in joined.keys() - gone:
            letter = first
            while letter in joined:
                letter = joined[letter]
                self.length[first] *= self.length[letter]
        self.terms = [[c for c in term if c not in gone] for term in self.terms]

    def params(self, shape: tuple[int, ...]) -> tuple[dict[str, Any], bool] | None:
        """Return the parameters of a contract, and whether its operands change places; None if BLAS cannot take it."""
        self.merge()
        x, y, out = self.terms
        roles: dict[str, list[int]] = {
            "k": [c for c in x if c not in out], "m": [c for c in x if c not in y], "n": [c for c in y if c not in x]}
        if any(len(letters) > 1 for letters in roles.values()):
            return None
        name = {letters[0]: role for role, letters in roles.items() if letters}
        spare = iter("abcdefghijlopqrstuvwxyz")
        name.update({c: next(spare) for c in out if c not in name})
        left, right, result = ("".join([name[c] for c in term]) for term in (x, y, out))
        length = dict.fromkeys("kmn", 1) | {role: self.length[c] for c, role in name.items()}
        if not roles["k"]:
            left, right = left + "k", _before_last(right, "k")
        if not roles["m"]:
            left, result = _before_last(left, "m"), _before_last(result, "m")
        if not roles["n"]:
            right, result = right + "n", result + "n"
        swap = result[-1] == "m"
        if swap:
            left, right, result = (t.translate(_EXCHANGED) for t in (right, left, result))
            length["m"], length["n"] = length["n"], length["m"]
        if left[-1] not in "mk" or right[-1] not in "kn" or result[-1] != "n":
            return None
        return {"subscripts": f"{left},{right}->{result}", "x_shape": tuple([length[c] for c in left]),
                "y_shape": tuple([length[c] for c in right]), "shape": shape}, swap


_EXCHANGED = str.maketrans("mn", "nm")


def _before_last(term: str, letter: str) -> str:
    return term[:-1] + letter + term[-1:]


def of_subscripts(x: Any, y: Any, subscripts: str) -> Product:
    """Return the contraction that einsum subscripts, or those of a contract, name."""
    terms = subscripts.replace("->", ",").split(",")
    number = {c: n for n, c in enumerate(dict.fromkeys("".join(terms)))}
    length = {number[c]: n for term, shape in zip(terms, (x.shape, y.shape), strict=False)
              for c, n in zip(term, shape, strict=True)}
    return Product([[number[c] for c in term] for term in terms], length)


def of_contract(i: Instruction) -> Product:
    """Return the contraction of a `contract` instruction."""
    params = i.params
    return of_subscripts(Spec(params["x_shape"], "bool"), Spec(params["y_shape"], "bool"), params["subscripts"])


def of_matmul(x: Any, y: Any) -> Product:
    """Return the contraction of a matrix product; an axis that one operand lacks or has once counts to the other."""
    k, m, n = 0, 1, 2
    length = {k: x.shape[-1], m: 1, n: 1}
    left, right, result = [k], [k], []
    ends = []
    if len(x.shape) > 1:
        length[m], left = x.shape[-2], [m, k]
        ends.append(m)
    if len(y.shape) > 1:
        length[n], right = y.shape[-1], [k, n]
        ends.append(n)
    lead_x, lead_y = x.shape[:-2], y.shape[:-2]
    before_x: list[int] = []
    before_y: list[int] = []
    for back in range(max(len(lead_x), len(lead_y)), 0, -1):
        letter = len(length)
        has = [(lead, before) for lead, before in ((lead_x, before_x), (lead_y, before_y))
               if len(lead) >= back and lead[-back] != 1]
        length[letter] = has[0][0][-back] if has else 1
        for _, before in has:
            before.append(letter)
        result.append(letter)
    return Product([before_x + left, before_y + right, result + ends], length)


def of_conv(x: Any, w: Any, *, strides: Any, padding: Any, dilation: Any, groups: int) -> Product | None:
    """Return the product that a convolution is, if its window is a single place or all of the image."""
    return _of_plain_conv("mk,kn->mn", x.shape, w.shape, strides, padding, groups)


def of_conv_input_grad(y: Any, w: Any, *, input_shape: Any, strides: Any, padding: Any, dilation: Any,
                       groups: int) -> Product | None:
    """Return the product that gives the gradient of such a convolution for its input."""
    return _of_plain_conv("mn,kn->mk", input_shape, w.shape, strides, padding, groups)


def of_conv_weight_grad(x: Any, y: Any, *, weight_shape: Any, strides: Any, padding: Any, dilation: Any,
                        groups: int) -> Product | None:
    """Return the product that gives the gradient of such a convolution for its weights."""
    return _of_plain_conv("mk,mn->kn", x.shape, weight_shape, strides, padding, groups)


def _of_plain_conv(subscripts: str, x: Any, w: Any, strides: Any, padding: Any, groups: int) -> Product | None:
    """The product of images (m, k) and weights (k, n); the subscripts say which of them, and the results, it is of."""
    window = tuple(w[:-2])
    single = math.prod(window) == 1 and all(s == 1 for s in strides)
    if groups != 1 or any(map(any, padding)) or not (single or window == tuple(x[1:-1])):
        return None
    k, n = math.prod(w[:-1]), w[-1]
    length = {"m": math.prod(x) // max(k, 1), "k": k, "n": n}
    left, right = (Spec([length[c] for c in term], "bool") for term in subscripts[:5].split(","))
    return of_subscripts(left, right, subscripts)


_PRODUCTS: dict[str, Any] = {
    "matmul": of_matmul, "einsum": of_subscripts, "conv": of_conv, "conv_input_grad": of_conv_input_grad,
    "conv_weight_grad": of_conv_weight_grad}


def emit(rewriter: Rewriter, product: Product, inputs: tuple[int, ...], shape: tuple[int, ...]) -> int | None:
    """Add a contract; None if BLAS cannot take it."""
    found = None if 0 in product.length.values() else product.params(shape)
    return None if found is None else emit_found(rewriter, found, inputs)


def emit_found(rewriter: Rewriter, found: tuple[dict[str, Any], bool], inputs: tuple[int, ...]) -> int:
    """Add a contract of which `Product.params` has told the parameters, and whether its operands change places."""
    params, swap = found
    return rewriter.emit(CONTRACT, inputs[::-1] if swap else inputs, params)
