"""``generate``: which tokens of the valid inputs the model writes itself.

In: the statement, the ``Scope``, and the valid inputs in which these tokens are free.  Out: ``Generate``, whose prompts
have a blank for each of them.  Not for: what the model writes there (``compiler.reference.completion``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import prod

from compiler.inputs.sequences import Cat, SequenceLanguage, Tok
from compiler.program import BLANK, Generate
from compiler.resolution.patterns import blocks, resolve_sequences
from compiler.resolution.scope import AlreadyReported, Scope, fail, unknown
from compiler.resolution.slots import names_of
from dsl import token_patterns
from dsl.tree import GenerateDecl, PredictDecl, SequencesDecl


def resolve_generate(
    scope: Scope,
    decl: GenerateDecl | None,
    pattern: SequencesDecl | None,
    sequences: SequenceLanguage,
    predicts: Sequence[PredictDecl],
) -> Generate | None:
    """The prompts; E0491 for an unknown part, E0492 where no one prediction can fill it."""
    if decl is None:
        return None
    named = dict(blocks(pattern.pattern)) if pattern else {}
    slots = {name: place for name, place in scope.params.items() if scope.declared.get(name, ("",))[0] == "slot"}
    parts: set[str] = set()
    places: set[int] = set()
    for slot in decl.slots:
        for name in names_of(scope, slot):
            if name in slots:
                places.add(int(slots[name]))
            elif name in named:
                parts.add(name)
            elif name in scope.broken:
                raise AlreadyReported
            else:
                assert name is not None
                declare = "name a slot of `layout`, or a part of `sequences`: `({}: 0..9)`"
                unknown("E0491", "slot or named part", name, slot.span, [*slots, *named], declare)
    prompts = sequences
    if parts:
        assert pattern is not None
        unnamed = replace(scope, declared={})
        blanked = replace(pattern, pattern=_blanked(pattern.pattern, parts, blank=False))
        unnamed.token_ids = {**scope.token_ids, BLANK: len(scope.tokens)}
        prompts = resolve_sequences(unnamed, blanked, (BLANK,))
    if places:
        prompts = _with_blanks(scope, decl, prompts, places)
    _check(decl, prompts, predicts)
    return Generate(prompts, decl.span)


def _blanked(node: token_patterns.Pattern, parts: Collection[str], *, blank: bool) -> token_patterns.Pattern:
    """The pattern with a blank for every token of ``parts``."""
    match node:
        case token_patterns.TokenPattern():
            return (
                token_patterns.TokenPattern((token_patterns.TokenItem(BLANK, span=node.span),), span=node.span)
                if blank
                else node
            )
        case token_patterns.ConcatPattern(several):
            return replace(node, parts=tuple(_blanked(part, parts, blank=blank) for part in several))
        case token_patterns.ChoicePattern(options):
            return replace(node, options=tuple(_blanked(option, parts, blank=blank) for option in options))
        case token_patterns.RepeatPattern(body):
            return replace(node, body=_blanked(body, parts, blank=blank))
        case token_patterns.NamedPattern(name, body):
            return replace(node, body=_blanked(body, parts, blank=blank or name in parts))


def _with_blanks(scope: Scope, decl: GenerateDecl, language: SequenceLanguage, places: set[int]) -> SequenceLanguage:
    """Blanks at ``places``, where what stands at one position does not depend on the others."""
    length = language.longest
    sets = [language.tokens_at(place) for place in range(length)]
    if language.lengths() != (length,) or language.count() != prod(map(len, sets)):
        help = "name the part in `sequences` instead: `(c: 0..9){8}` and `generate c`"
        found = "what can stand in one slot depends on other slots, so it cannot be left to the model by its position"
        fail("E0492", found, decl.span, label="slots of a format that is not fixed", help=help)
    blank = frozenset({BLANK})
    pattern = Cat(tuple(Tok(blank if place in places else here) for place, here in enumerate(sets)))
    return SequenceLanguage.from_pattern(pattern, (*scope.tokens, BLANK), scope.context)


def _check(decl: GenerateDecl, prompts: SequenceLanguage, predicts: Sequence[PredictDecl]) -> None:
    if len(predicts) != 1:
        found = f"the spec predicts {len(predicts)} values after each token, and one is generated"
        help = "say where it is read: `predict SUBSPACE`" if not predicts else "predict one subspace over tokens"
        fail("E0492", found, decl.span, label="written by what?", help=help)
    if BLANK in prompts.tokens_at(0):
        help = "let a prompt begin with a token that is given, such as <bos>"
        fail("E0492", "the first token is generated from nothing", decl.span, label="no prompt", help=help)
