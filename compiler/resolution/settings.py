"""One-valued statements: params, symbols, tables, ``context``, ``mass``, ``dtype``, ``residual``, ``positions``.

In: statements, ``--set`` values and the ``Scope``.  Out: rationals, ``Symbol``, ``Table``, ``Rotary`` or ``Alibi``.
Not for: subspaces and heads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from compiler import limits
from compiler.encodings import Value
from compiler.program import Activation, Alibi, Dtype, Rotary, Symbol
from compiler.resolution.encodings import default_count
from compiler.resolution.numbers import fold, fraction, size
from compiler.resolution.scope import Scope, Table, fail, unknown
from compiler.resolution.sets import constant, resolve_set, show
from dsl.diagnostics import Note, did_you_mean
from dsl.expressions import Expr, Name, Number, SetOf
from dsl.span import Span
from dsl.tree import Option, ParamDecl, PositionsDecl, SettingDecl, SymbolDecl, TableDecl

ACTIVATIONS: tuple[Activation, ...] = ("relu", "reglu", "gelu", "silu")
DTYPES: tuple[Dtype, ...] = ("float64", "float32", "float16", "bfloat16")
Word = TypeVar("Word", bound=str)


# ------------------------------------------------------------------ params and symbols


def resolve_params(scope: Scope, decls: Sequence[ParamDecl | SymbolDecl], settings: Mapping[str, Fraction]) -> None:
    """Enter params and symbols in order (a value may use what stands before it); settings override values.

    Errors: E0206 for a setting that names neither, E0212 for a param that is not rational, E0211 for a symbol that
    must be positive and is not."""
    for decl in decls:
        with scope.attempt(decl.name):
            kind = "param" if isinstance(decl, ParamDecl) else "symbol"
            scope.declare(kind, decl.name, decl.span)
            given = Number(settings[decl.name], span=decl.span) if decl.name in settings else decl.value
            if isinstance(decl, ParamDecl):
                assert given is not None
                scope.params[decl.name] = fraction(scope, given, f"param `{decl.name}`")
            else:
                scope.symbols[decl.name] = _symbol(scope, decl, given)
    known = [decl.name for decl in decls]
    for name in settings:
        with scope.attempt():
            if name not in known:
                unknown("E0206", "param or symbol", name, None, known, "declare it in the spec: `param {} = 1`")


def _symbol(scope: Scope, decl: SymbolDecl, given: Expr | None) -> Symbol:
    value = None if given is None else fold(scope, given)
    if decl.positive and isinstance(value, Number) and value.value <= 0:
        help = "give a positive value, or remove `> 0`"
        found = f"`{decl.name}` is declared positive and is given {value.value}"
        fail("E0211", found, decl.span, label="not positive", help=help)
    return Symbol(decl.name, decl.positive, value, decl.span)


# ------------------------------------------------------------------ settings


def resolve_context(scope: Scope, decl: SettingDecl | None) -> int:
    """How many positions there are; when the spec does not say, as many as its layout has slots, or else 64."""
    return len(scope.layout) or 64 if decl is None else size(scope, decl.value, "context", limits.CONTEXT)


def resolve_mass(scope: Scope, decl: SettingDecl | None) -> Fraction:
    """The attention that the right keys must get, in (1/2, 1); 99/100 when the spec does not say."""
    if decl is None:
        return Fraction(99, 100)
    mass = fraction(scope, decl.value, "mass")
    if not Fraction(1, 2) < mass < 1:
        help = "a softmax never gives all of it: write `mass 0.99`"
        fail(
            "E0211",
            f"mass must lie strictly between 1/2 and 1, not at {mass}",
            decl.value.span,
            label="out of range",
            help=help,
        )
    return mass


def resolve_dtype(decl: SettingDecl | None) -> Dtype:
    """The float type that the claims are made for; float32 when the spec does not say."""
    if decl is None:
        return "float32"
    return _one_of(decl, DTYPES, "dtype is float64, float32, float16 or bfloat16")


def resolve_biases(decl: SettingDecl | None) -> bool:
    """Whether b_Q and b_K may be used; they may not when the spec does not say."""
    if decl is None:
        return False
    return _one_of(decl, ("allowed", "none"), "biases are allowed or none") == "allowed"


def resolve_neurons(scope: Scope, decl: SettingDecl | None) -> int:
    """The most neurons that an MLP may have; the compiler's own bound when the spec does not say."""
    return limits.NEURONS if decl is None else size(scope, decl.value, "neurons", limits.NEURONS)


def resolve_activation(decl: SettingDecl | None) -> Activation:
    """What the neurons of the MLPs are; relu when the spec does not say."""
    if decl is None:
        return "relu"
    return _one_of(decl, ACTIVATIONS, "an activation is relu, reglu, gelu or silu")


def _one_of(decl: SettingDecl, known: Sequence[Word], kind: str) -> Word:
    """The word that ``decl`` says; E0211, which begins with ``kind``, for one that is not ``known``."""
    word = decl.value.name if isinstance(decl.value, Name) else decl.value.span.text
    for one in known:
        if one == word:
            return one
    help = did_you_mean(word, known) or "write " + " or ".join(f"`{decl.setting} {k}`" for k in known)
    fail("E0211", f"{kind}, not `{word}`", decl.value.span, label="unknown", help=help)


# ------------------------------------------------------------------ positions


def resolve_positions(scope: Scope, decl: PositionsDecl | None) -> Rotary | Alibi | None:
    """The position scheme of the architecture; E0220 for one that does not exist or does not fit."""
    if decl is None:
        return None
    if decl.scheme == "alibi":
        for option in decl.options:
            fail(
                "E0220", "`alibi` takes no options", option.span, label="not an option", help="write `positions alibi`"
            )
        return Alibi()
    if decl.scheme != "rotary":
        help = (
            did_you_mean(decl.scheme, ("rotary", "alibi")) or "write `positions rotary(dims = 16)` or `positions alibi`"
        )
        fail("E0220", f"`{decl.scheme}` is no position scheme", decl.span, label="unknown", help=help)
    return _rotary(scope, decl)


def _rotary(scope: Scope, decl: PositionsDecl) -> Rotary:
    base, dims, layout = Fraction(10000), 2 * default_count(scope.context), "half"
    seen: dict[str, Option] = {}
    for option in decl.options:
        if option.name in seen:
            fail("E0220", f"`{option.name}` is given twice", option.span, label="again here", help="give it once")
        seen[option.name] = option
        match option.name:
            case "base":
                base = fraction(scope, option.value, "base")
            case "dims":
                dims = size(scope, option.value, "dims", limits.HEAD_WIDTH)
            case "layout":
                layout = option.value.name if isinstance(option.value, Name) else option.value.span.text
            case _:
                unknown("E0220", "option of rotary", option.name, option.span, ("base", "dims", "layout"), "remove it")
    if base <= 1:
        found = f"the base must be above 1, not {base}"
        fail("E0220", found, seen["base"].span, label="too small", help="write `base = 10000`")
    if dims % 2:
        found, help = f"rotary turns pairs, so dims must be even, not {dims}", f"write `dims = {dims + 1}`"
        fail("E0220", found, seen["dims"].span, label="odd", help=help)
    if layout not in ("half", "pairs"):
        help = "write `layout = half` (i with i + dims/2) or `layout = pairs` (2i with 2i + 1)"
        fail("E0220", f"`{layout}` is no layout", seen["layout"].span, label="unknown", help=help)
    return Rotary(base, dims, "half" if layout == "half" else "pairs")


# ------------------------------------------------------------------ tables


def resolve_table(scope: Scope, decl: TableDecl) -> Table:
    """A named function, or set-valued when any image is a set; E0216 for an argument given twice or a mixture."""
    arguments: dict[Value, Span] = {}
    images: list[tuple[Value, ...]] = []
    for entry in decl.entries:
        argument = constant(scope, entry.argument)
        if argument in arguments:
            note = (Note(arguments[argument], "first here"),)
            fail(
                "E0216",
                f"`{decl.name}` has two entries for {show(argument)}",
                entry.span,
                label="again here",
                help="use a set as the image: `-> {..}`",
                notes=note,
            )
        arguments[argument] = entry.span
        is_set = isinstance(entry.image, SetOf)
        images.append(tuple(resolve_set(scope, entry.image).members) if is_set else (constant(scope, entry.image),))
    for side, values in (("arguments", list(arguments)), ("images", [v for image in images for v in image])):
        if len({isinstance(v, str) for v in values}) > 1:
            found = f"the {side} of `{decl.name}` are tokens and integers"
            fail("E0216", found, decl.span, label="mixed", help="use one kind on each side of `->`")
    many = any(isinstance(entry.image, SetOf) for entry in decl.entries)
    return Table(decl.name, tuple(arguments), tuple(images), many, decl.span)
