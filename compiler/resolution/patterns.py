"""``sequences``: from the syntax of a pattern to the automaton of the valid inputs.

In: the syntax of a pattern and the ``Scope``.  Out: a ``SequenceLanguage``.  Not for: the automaton (``sequences``).

A count that nothing declares, as in ``a{L} b{L}``, is a *free length*: the pattern is written out once for each of its
values, and the valid inputs are the union (``repeats``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod

from compiler import limits
from compiler.inputs.automaton_language import AutomatonLanguage
from compiler.inputs.patterns import min_length, most_tokens
from compiler.inputs.repeats import is_rigid, repeated_language
from compiler.inputs.sequences import Alt, Cat, Pattern, Rep, SequenceLanguage, Tok
from compiler.resolution.numbers import integer
from compiler.resolution.scope import Scope, fail
from compiler.resolution.sets import resolve_range, token_range
from dsl import expressions, token_patterns
from dsl.diagnostics import Note, did_you_mean
from dsl.expressions import Name
from dsl.token_patterns import TokenItem
from dsl.tree import SequencesDecl


def resolve_sequences(scope: Scope, decl: SequencesDecl | None, extra: tuple[str, ...] = ()) -> SequenceLanguage:
    """The valid inputs, over the tokens and ``extra`` ones.

    Errors E0210 (token), E0218 (repeat), E0219 (none fits the context), E0320 (size)."""
    if decl is None:
        return SequenceLanguage.everything(scope.tokens, scope.context)
    for name, block in blocks(decl.pattern):
        scope.declare("block", name, block.span)
    free = free_lengths(scope, decl.pattern)
    try:
        if free:
            return repeated_language(_shapes(scope, decl, free), (*scope.tokens, *extra), scope.context)
        pattern = _pattern(scope, decl.pattern, {})
        limits.check_size(_states(pattern, scope.context), limits.PATTERN_STATES, "steps in the pattern", decl.span)
        return SequenceLanguage.from_pattern(pattern, (*scope.tokens, *extra), scope.context)
    except ValueError as error:
        if not str(error).startswith("no sequence"):
            help = "nest fewer counted repeats: `a{1,400}` instead of `(a{1,20}){1,20}`"
            fail("E0320", str(error), decl.pattern.span, label="too large", help=help)
        help = "enlarge `context`, or let the pattern be shorter"
        fail("E0219", str(error), decl.pattern.span, label="no valid input", help=help)


def beyond_context(sequences: SequenceLanguage) -> tuple[str, ...]:
    """A remark where the line speaks of texts that no position is left for."""
    most = most_tokens(sequences.pattern) if isinstance(sequences, AutomatonLanguage) else None
    if most is None or most <= sequences.context:
        return ()
    said = f"`sequences` speaks of more tokens than the context of {sequences.context:,} holds"
    return (f"{said}: longer texts are no valid inputs",)


# ------------------------------------------------------------------ free lengths


def _shapes(scope: Scope, decl: SequencesDecl, free: dict[str, range]) -> Iterator[Pattern]:
    """The pattern for every value of its free lengths; those that cannot fit are left out early."""
    limits.check_size(prod(map(len, free.values())), limits.SHAPES, "values of free lengths", decl.span)
    steps = 0
    for values in product(*free.values()):
        pattern = _pattern(scope, decl.pattern, dict(zip(free, values, strict=True)))
        if min_length(pattern) <= scope.context:
            for option in _options(pattern):
                if not is_rigid(option):
                    steps += _states(option, scope.context)
                    what = "steps in the pattern, all lengths together"
                    limits.check_size(steps, limits.PATTERN_STATES, what, decl.span)
                yield option
        elif len(free) == 1:
            return


def _options(pattern: Pattern) -> Iterator[Pattern]:
    """The alternatives of a pattern that consists of them, one by one: each may be rigid where the whole is not."""
    if isinstance(pattern, Alt) and not is_rigid(pattern):
        for option in pattern.options:
            yield from _options(option)
    else:
        yield pattern


def free_lengths(scope: Scope, pattern: token_patterns.Pattern) -> dict[str, range]:
    """Every count that nothing declares, with its range; E0488 where it ties nothing or has two ranges."""
    places: dict[str, list[token_patterns.RepeatPattern]] = {}
    for node in _repeats(pattern):
        name = _free_name(scope, node)
        if name is not None:
            places.setdefault(name, []).append(node)
    return {name: _range(scope, name, nodes) for name, nodes in places.items()}


def _free_name(scope: Scope, node: token_patterns.RepeatPattern) -> str | None:
    """The free length that a repeat says; None where its bounds are numbers."""
    if not isinstance(node.low, Name) or node.low != node.high:
        return None
    name = node.low.name
    known = name in scope.params or name in scope.symbols or name == "pi" or name in scope.broken
    if known and node.within is not None:
        help = "choose another letter for the free length, or leave the range out"
        fail("E0488", f"`{name}` has a value already", node.low.span, label="not free", help=help)
    return None if known else name


def _range(scope: Scope, name: str, nodes: Sequence[token_patterns.RepeatPattern]) -> range:
    bounded = [node for node in nodes if node.within is not None]
    scope.declare("length", name, nodes[0].low.span)
    if len(bounded) > 1:
        help = f"give its range once: `{{{name}: 1..8}}` at the first place, `{{{name}}}` at the others"
        note = (Note(bounded[0].low.span, "first here"),)
        fail("E0488", f"`{name}` is given two ranges", bounded[1].low.span, label="again here", help=help, notes=note)
    if len(nodes) == 1 and not bounded:
        known = [*scope.params, *scope.symbols]
        near = did_you_mean(name, known)
        help = near or f"say how often, `{{1,8}}`, or tie another repeat to it: `a{{{name}}} b{{{name}}}`"
        fail("E0488", f"the length `{name}` ties nothing together", nodes[0].low.span, label="said once", help=help)
    if not bounded:
        return range(1, scope.context + 1)
    within = bounded[0].within
    assert within is not None
    values = resolve_range(scope, within).members
    assert isinstance(values, range)
    if values.start < 0:
        fail("E0218", f"a length cannot be negative: {values.start}", within.span, label="negative", help="write 0..")
    return values


def _repeats(pattern: token_patterns.Pattern) -> Iterator[token_patterns.RepeatPattern]:
    if isinstance(pattern, token_patterns.RepeatPattern):
        yield pattern
    for part in _parts(pattern):
        yield from _repeats(part)


def blocks(pattern: token_patterns.Pattern) -> Iterator[tuple[str, token_patterns.NamedPattern]]:
    """Every named part, with its name."""
    if isinstance(pattern, token_patterns.NamedPattern):
        yield pattern.name, pattern
    for part in _parts(pattern):
        yield from blocks(part)


def _parts(pattern: token_patterns.Pattern) -> tuple[token_patterns.Pattern, ...]:
    match pattern:
        case token_patterns.ConcatPattern(parts) | token_patterns.ChoicePattern(parts):
            return parts
        case token_patterns.RepeatPattern(body) | token_patterns.NamedPattern(_, body):
            return (body,)
        case _:
            return ()


# ------------------------------------------------------------------ one pattern


def _pattern(scope: Scope, node: token_patterns.Pattern, lengths: Mapping[str, int]) -> Pattern:
    match node:
        case token_patterns.TokenPattern(items):
            return Tok(frozenset(token for item in items for token in _tokens(scope, item)))
        case token_patterns.ConcatPattern(parts):
            return Cat(tuple(_pattern(scope, part, lengths) for part in parts))
        case token_patterns.ChoicePattern(options):
            return Alt(tuple(_pattern(scope, option, lengths) for option in options))
        case token_patterns.NamedPattern(_, body):
            return _pattern(scope, body, lengths)
        case token_patterns.RepeatPattern(body):
            inner = _pattern(scope, body, lengths)
            if isinstance(node.low, Name) and node.low == node.high and node.low.name in lengths:
                times = lengths[node.low.name]
                return Rep(inner, times, times)
            return _repeat(scope, node, inner)


def _tokens(scope: Scope, item: TokenItem) -> tuple[str, ...]:
    if item.first == "tokens" and item.last is None and "tokens" not in scope.token_ids:
        return scope.tokens
    return tuple(scope.token(token, item.span) for token in token_range(scope, item))


def _repeat(scope: Scope, node: token_patterns.RepeatPattern, body: Pattern) -> Pattern:
    low = _times(scope, node, node.low)
    high = None if node.high is None else _times(scope, node, node.high)
    if high is not None and high < low:
        help = f"the smaller comes first: `{{{high},{low}}}`"
        fail(
            "E0218",
            f"`{{{low},{high}}}` asks for at least {low} and at most {high}",
            node.span,
            label="no number fits",
            help=help,
        )
    if low > scope.context:
        help = "enlarge `context`, or repeat less"
        fail(
            "E0219",
            f"{low} repeats do not fit into the context of {scope.context}",
            node.span,
            label="too many",
            help=help,
        )
    return Rep(body, low, None if high is None else min(high, scope.context + 1))  # one beyond, to be remarked


def _times(scope: Scope, node: token_patterns.RepeatPattern, expr: expressions.Expr) -> int:
    value = integer(scope, expr, "a number of repeats")
    if value < 0:
        fail(
            "E0218",
            f"a number of repeats cannot be negative: {value}",
            node.span,
            label="negative",
            help="write 0 or more",
        )
    return value


def _states(pattern: Pattern, context: int) -> int:
    """How many tokens the pattern writes out, an upper bound."""
    match pattern:
        case Tok():
            return 1
        case Cat(parts) | Alt(parts):
            return sum(_states(part, context) for part in parts)
        case Rep(body, low, high):
            return _states(body, context) * max(1, low + 1 if high is None else high)
