"""An expansion as plain text.

In: ``Expansion``.  Out: one block of lines for each kind of product.  Not for: other formats (``Expansion.to_json``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from compiler.composition.expansion import Expansion
from compiler.composition.measures import SingularValues
from compiler.composition.products import Product
from compiler.composition.scores import CompositionScore
from compiler.exact import Matrix, Scalar, render_matrix

MOST_LINES = 20  # of a drawn product
Drawing = Callable[[Matrix], str]


def render_expansion(expansion: Expansion, draw: Drawing | None = None) -> str:
    """Plain text: scores as a table, products with rank, norm and singular values.  Net heads, virtual heads and what
    moves through one, two, ... heads are drawn in full by ``draw`` (default: ``exact.render_matrix``) where that is
    short."""
    draw = draw or render_matrix
    moved = expansion.moved if len(expansion.net_heads) > 1 else ()
    blocks = [
        _block("Net heads (OV = W_O W_V)", [_with_matrix(p, draw) for p in expansion.net_heads]),
        _block("Score circuits", [_line(p) for p in expansion.score_circuits]),
        _block("Composition scores", [_score_line(s) for s in expansion.scores]),
        _block("V-composition", [_line(p) for p in expansion.value_compositions]),
        _block("Virtual heads", [_with_matrix(p, draw) for p in expansion.virtual_heads]),
        _block("Moved through exactly so many heads (sum over all chains)", [_with_matrix(p, draw) for p in moved]),
        _block("Paths from tokens to logits", [_line(p) for p in expansion.paths]),
    ]
    blocks.append(f"{expansion.zero} further product{' is' if expansion.zero == 1 else 's are'} zero.")
    return "\n\n".join(block for block in blocks if block)


def _block(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)]) if lines else ""


def _line(product: Product) -> str:
    text = f"{product.label}: rank {product.rank}, squared norm {product.squared_norm}"
    return text if product.singular is None else f"{text}, singular values {_spectrum(product.singular)}"


def _spectrum(singular: SingularValues) -> str:
    """``1 (26 times), 1/2``; numeric values are marked with ``~``."""
    if singular.squares is not None:
        names = [_root_text(square) for square in singular.squares]
    elif singular.values is not None:
        names = [f"~{value:.6g}" for value in singular.values]
    else:
        return "unknown until every symbol has a value"
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    return ", ".join(name if count == 1 else f"{name} ({count} times)" for name, count in counts.items()) or "none"


def _root_text(square: Scalar) -> str:
    try:
        return str(Scalar.sqrt(square.as_fraction()))
    except ValueError:
        return f"sqrt({square})"


def _score_line(score: CompositionScore) -> str:
    value = "unknown until every symbol has a value" if score.value is None else f"{score.value:.6g}"
    exact = "" if score.squared is None or score.squared.is_zero() else f" = {_root_text(score.squared)}"
    return f"{score.kind}: {score.earlier} -> {score.later}  {value}{exact}"


def _with_matrix(product: Product, draw: Drawing) -> str:
    if product.matrix.is_zero():
        return _line(product)
    drawn = draw(product.matrix).splitlines()
    return "\n    ".join([_line(product), *(drawn if len(drawn) <= MOST_LINES else [])])
