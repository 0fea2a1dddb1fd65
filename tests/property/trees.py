"""Hypothesis strategies for syntax trees that some text says."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from dsl import expressions as E
from dsl import head_lines as L
from dsl import token_patterns as P
from dsl import tree as T
from dsl.printing.expressions import print_items
from dsl.words import KEYWORDS

plain_names = st.from_regex(r"[a-zA-Zβ_][a-z0-9_]{0,5}", fullmatch=True).filter(lambda n: n not in KEYWORDS)
texts = st.text(
    st.characters(
        exclude_categories=("Cc", "Cs"), exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
    | st.sampled_from('"\\\n\t# a'),
    max_size=6,
)
indices = st.lists(
    st.integers(0, 9).map(lambda n: E.Number(Fraction(n)))
    | plain_names.map(E.Name)
    | st.builds(E.Binary, st.just("+"), plain_names.map(E.Name), st.just(E.Number(Fraction(1)))),
    min_size=1,
    max_size=2,
).map(tuple)
labels = st.builds(lambda base, index: E.Label(base, index, print_items(index)), plain_names, indices)
names: st.SearchStrategy[str] = st.one_of(plain_names, plain_names, plain_names, labels)
integers = st.integers(0, 20).map(lambda n: E.Number(Fraction(n)))
numbers = integers | st.builds(lambda n, d: E.Number(Fraction(n, 10**d)), st.integers(0, 10**6), st.integers(0, 9))
members = st.builds(
    E.Member, st.sampled_from(("key", "query")) | names, names | st.sampled_from(("0", "layer", "<bos>"))
)
leaves: st.SearchStrategy[Any] = numbers | texts.map(E.Text) | st.booleans().map(E.Truth) | names.map(E.Name) | members


def _grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    items = st.lists(inner | st.builds(E.Range, inner, inner), max_size=3).map(tuple)
    binary = st.sampled_from(("+", "-", "*", "/", "//", "mod", "^", "and", "or"))
    comparison = st.sampled_from(("==", "!=", "<", "<=", ">", ">=", "in"))
    return st.one_of(
        st.builds(E.Unary, st.sampled_from(("-", "not")), inner),
        st.builds(E.Binary, binary, inner, inner),
        st.builds(E.Comparison, comparison, inner, inner),
        st.builds(E.Conditional, inner, inner, inner),
        st.builds(E.Summation, inner, plain_names, inner | st.builds(E.Range, inner, inner)),
        st.builds(E.Call, names, items),
        st.builds(E.TokenAt, inner),
        st.builds(E.SetOf, items),
        st.builds(E.ListOf, items),
    )


expressions: st.SearchStrategy[Any] = st.recursive(leaves, _grow, max_leaves=8)
items = expressions | st.builds(E.Range, expressions, expressions)
item_lists = st.lists(items, max_size=3).map(tuple)
some_expressions = st.lists(expressions, min_size=1, max_size=3).map(tuple)
options = st.lists(st.builds(T.Option, plain_names, items), max_size=2).map(tuple)

# ------------------------------------------------------------------ tokens and patterns

token_texts = (plain_names | st.sampled_from(("0", "<bos>", "(", "#", "a b", "<(>")) | texts).filter(
    lambda t: t != "tokens"
)
token_ends = st.one_of(
    token_texts,
    expressions,
    st.builds(E.Binary, st.sampled_from("+-*/"), plain_names.map(E.Name), integers),
    plain_names.map(E.Name),
)
token_items = st.builds(P.TokenItem, token_texts, st.none() | token_ends)
token_patterns = (token_items | st.just(P.TokenItem("tokens"))).map(lambda i: P.TokenPattern((i,)))
counts = st.sampled_from(((0, None), (1, None), (0, 1), (2, 2), (1, 5), (3, None)))


def _repeat(body: P.Pattern, count: tuple[int, int | None]) -> P.RepeatPattern:
    low, high = count
    return P.RepeatPattern(body, E.Number(Fraction(low)), None if high is None else E.Number(Fraction(high)))


def _tied(body: P.Pattern, name: str, within: E.Range) -> P.RepeatPattern:
    return P.RepeatPattern(body, E.Name(name), E.Name(name), within)


patterns: st.SearchStrategy[Any] = st.recursive(
    token_patterns,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda p: P.ConcatPattern(tuple(p))),
        st.lists(inner, min_size=2, max_size=3).map(lambda p: P.ChoicePattern(tuple(p))),
        st.builds(_repeat, inner, counts),
        st.builds(P.RepeatPattern, inner, expressions, st.none() | expressions),
        st.builds(_tied, inner, plain_names, st.builds(E.Range, expressions, expressions)),
        st.builds(P.NamedPattern, plain_names, inner),
    ),
    max_leaves=6,
)

# ------------------------------------------------------------------ heads

strengths = st.none() | expressions.filter(lambda e: e != E.Name("auto"))
plain_head_lines: st.SearchStrategy[Any] = st.one_of(
    st.builds(L.AttendLine, expressions, st.booleans(), st.none() | expressions, strengths, st.none() | expressions),
    st.builds(L.RestLine, expressions),
    st.builds(L.PreferLine, st.sampled_from(("latest", "earliest")), names | st.just("position")),
    st.builds(L.CopyLine, expressions, names, st.none() | names),
    st.builds(L.MatrixLine, st.sampled_from(("W_Q", "W_K", "W_V", "W_O")), st.just("entries"), item_lists),
    st.builds(L.MatrixLine, st.sampled_from(("W_Q", "W_O")), st.sampled_from(("rows", "columns")), some_expressions),
)


def families(body: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """``for`` with lines of ``body`` below it."""
    return st.builds(T.ForDecl, plain_names, items, st.lists(body, min_size=1, max_size=2).map(tuple))


def sometimes_families(lines: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(lines, lines, lines, families(lines), families(families(lines)))


head_lines = sometimes_families(plain_head_lines)
places = st.none() | st.tuples(st.integers(0, 12), st.integers(0, 12))
heads = st.builds(
    T.HeadDecl,
    names,
    places,
    st.none() | expressions,
    st.booleans(),
    st.none() | texts,
    st.lists(head_lines, max_size=3).map(tuple),
)

# ------------------------------------------------------------------ statements

encodings = st.builds(T.Encoding, plain_names, item_lists, options)
spots = st.none() | st.lists(items, min_size=1, max_size=3).map(tuple)
bases = st.sampled_from(("hadamard", "reflection", "rotation", "vectors"))
setting_names = st.sampled_from(("context", "mass", "dtype", "residual", "biases", "activation", "neurons"))
settings = st.builds(T.SettingDecl, setting_names, expressions)
computes = st.builds(T.ComputeDecl, names, expressions)
layers = st.lists(sometimes_families(heads | computes), min_size=1, max_size=3).map(lambda i: T.LayerDecl(tuple(i)))


def embeds_of(source: str) -> st.SearchStrategy[T.EmbedDecl]:
    """Expressions of the token or the position."""
    numbers = st.integers(0, 99).map(lambda n: E.Number(Fraction(n)))
    parts = st.recursive(
        st.just(E.Name(source)) | st.builds(E.Name, plain_names) | numbers,
        lambda parts: (
            st.builds(E.Binary, st.sampled_from(("+", "-", "*", "//", "mod", "^")), parts, parts)
            | st.builds(E.Unary, st.just("-"), parts)
        ),
        max_leaves=5,
    )
    images = st.builds(E.Binary, st.sampled_from(("+", "*", "^")), parts, st.just(E.Name(source))) | st.builds(
        E.Unary, st.just("-"), parts.map(lambda part: E.Binary("mod", E.Name(source), part))
    )
    return st.builds(T.EmbedDecl, st.just(source), names, st.none(), images)


slots = st.builds(T.Slot, names) | texts.map(lambda t: T.Slot(None, t))
may_be_in_a_family: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        T.TableDecl,
        names,
        st.lists(st.builds(T.TableEntry, expressions, expressions), min_size=1, max_size=8).map(tuple),
    ),
    st.builds(T.SubspaceDecl, names, encodings, st.none(), spots),
    st.builds(T.SubspaceDecl, names, st.none(), names, spots),
    st.builds(T.EmbedDecl, st.sampled_from(("token", "position")), names, st.none() | item_lists.map(E.ListOf)),
    embeds_of("token"),
    embeds_of("position"),
    st.builds(T.PredictDecl, names, st.booleans()),
    layers,
    heads,
    computes,
    st.builds(T.ExpectHead, names, expressions, st.none() | expressions),
    st.builds(T.ExpectOutput, texts, texts, st.booleans()),
    st.builds(T.ExpectValue, names, expressions, expressions),
)
statements: st.SearchStrategy[Any] = st.one_of(
    st.builds(T.ModelDecl, plain_names, st.none() | texts),
    st.lists(token_items, min_size=1, max_size=40).map(lambda i: T.TokensDecl(tuple(i))),
    st.builds(T.SequencesDecl, patterns),
    settings,
    st.builds(T.BasisDecl, bases, item_lists),
    st.builds(T.PositionsDecl, plain_names, options),
    st.builds(T.SymbolDecl, plain_names, st.booleans(), st.none() | expressions),
    st.builds(T.ParamDecl, plain_names, expressions),
    st.lists(slots, min_size=1, max_size=4).map(lambda s: T.LayoutDecl(tuple(s))),
    st.lists(names.map(T.Slot), min_size=1, max_size=3).map(lambda s: T.GenerateDecl(tuple(s))),
    may_be_in_a_family,
    families(may_be_in_a_family),
)
specs = st.lists(statements, max_size=6).map(lambda s: T.Spec(tuple(s)))
