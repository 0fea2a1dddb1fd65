"""``sequences``: from the syntax of a pattern to the automaton of the valid inputs.

In: a ``dsl.tree.Pattern`` and the ``Scope``.  Out: a ``SequenceLanguage``.  Not for: the automaton (``sequences``).
"""

from __future__ import annotations

from compiler import limits
from compiler.resolution.numbers import integer
from compiler.resolution.scope import Scope, fail
from compiler.resolution.sets import token_range
from compiler.sequences import Alt, Cat, Pattern, Rep, SequenceLanguage, Tok
from dsl import tree
from dsl.tree import SequencesDecl, TokenItem


def resolve_sequences(scope: Scope, decl: SequencesDecl | None) -> SequenceLanguage:
    """The valid inputs; errors E0210 (token), E0218 (repeat), E0219 (none fits the context), E0320 (size)."""
    if decl is None:
        return SequenceLanguage.everything(scope.tokens, scope.context)
    pattern = _pattern(scope, decl.pattern)
    limits.check_size(_states(pattern, scope.context), limits.PATTERN_STATES, "steps in the pattern", decl.span)
    try:
        return SequenceLanguage.from_pattern(pattern, scope.tokens, scope.context)
    except ValueError as error:
        if not str(error).startswith("no sequence"):
            help = "nest fewer counted repeats: `a{1,400}` instead of `(a{1,20}){1,20}`"
            fail("E0320", str(error), decl.pattern.span, label="too large", help=help)
        help = "enlarge `context`, or let the pattern be shorter"
        fail("E0219", str(error), decl.pattern.span, label="no valid input", help=help)


def _pattern(scope: Scope, node: tree.Pattern) -> Pattern:
    match node:
        case tree.TokenPattern(items):
            return Tok(frozenset(token for item in items for token in _tokens(scope, item)))
        case tree.ConcatPattern(parts):
            return Cat(tuple(_pattern(scope, part) for part in parts))
        case tree.ChoicePattern(options):
            return Alt(tuple(_pattern(scope, option) for option in options))
        case tree.RepeatPattern(body):
            return _repeat(scope, node, _pattern(scope, body))


def _tokens(scope: Scope, item: TokenItem) -> tuple[str, ...]:
    if item.first == "tokens" and item.last is None and "tokens" not in scope.token_ids:
        return scope.tokens
    return tuple(scope.token(token, item.span) for token in token_range(item))


def _repeat(scope: Scope, node: tree.RepeatPattern, body: Pattern) -> Pattern:
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
    return Rep(body, low, None if high is None else min(high, scope.context))


def _times(scope: Scope, node: tree.RepeatPattern, expr: tree.Expr) -> int:
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
