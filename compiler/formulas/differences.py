"""What differs between two formulas, in words that name what is wrong and not what is right.

In: two ``Polynomial``s.  Out: None where they are the same, else a phrase.  Not for: shapes within one formula.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

from compiler.formulas.polynomials import (
    NUMBER,
    Letter,
    Monomial,
    Polynomial,
    Shape,
    Word,
    collect,
    monomial_of,
    reverse,
    show,
    sum_shape,
)


def difference(given: Polynomial, right: Polynomial) -> str | None:
    """None where the two agree for all matrices; else what is wrong with ``given``."""
    if same_polynomial(given, right):
        return None
    if same_polynomial(given.T, right):
        return f"`{given.brief()}` is the transpose of what is right"
    if sum_shape(given.shape, right.shape) != right.shape or given.shape == NUMBER != right.shape:
        return f"it is {_kind(given.shape)}, and {_kind(right.shape)} is asked for"
    if not given.terms:
        return "everything in it cancels"
    given = replace(given, shape=right.shape)
    return _factor(given, right) or _exchange(given, right) or _terms(given, right)


def same_polynomial(one: Polynomial, other: Polynomial) -> bool:
    """Whether the two agree for all matrices.  Identities of no stated size, and numbers, take the other's size; 0 is
    of every shape."""
    shape = sum_shape(one.shape, other.shape)
    nothing = not one.terms and None in (one.shape, other.shape)
    return one.terms == other.terms and (nothing or not isinstance(shape, str))


def _kind(shape: Shape | None) -> str:
    if shape is None:
        return "a multiple of the identity"
    if shape == NUMBER:
        return "a number"
    if shape[1] == "1":
        return f"a column of {shape[0]} numbers"
    if shape[0] == "1":
        return f"a row of {shape[1]} numbers"
    return f"a matrix of the shape {show(shape)}"


# -------------------------------------------------------------------- one factor, two names


def _factor(given: Polynomial, right: Polynomial) -> str | None:
    """Where ``given`` is a number times ``right``."""
    ours = dict(right.terms)
    if [m for m, _ in given.terms] != [m for m, _ in right.terms]:
        return None
    ratios = {factor / ours[monomial] for monomial, factor in given.terms}
    if len(ratios) > 1:
        return None
    ratio = ratios.pop()
    return "its sign is wrong" if ratio == -1 else f"it is {ratio} times what is right"


def _exchange(given: Polynomial, right: Polynomial) -> str | None:
    """Where two names of one shape have changed places."""
    shapes = {(x.name, (x.columns, x.rows) if x.transposed else (x.rows, x.columns)) for x in _all_letters(given)}
    for (a, shape), (b, other) in combinations(sorted(shapes), 2):
        if shape == other and _renamed(given, {a: b, b: a}) == right:
            return f"`{a}` and `{b}` have changed places"
    return None


def _renamed(polynomial: Polynomial, names: dict[str, str]) -> Polynomial:
    def rename(word: Word) -> Word:
        return tuple(replace(x, name=names.get(x.name, x.name)) for x in word)

    def term(monomial: Monomial) -> Monomial:
        numbers = [min(w, reverse(w)) for w in map(rename, monomial.numbers)]
        return monomial_of(rename(monomial.core), numbers)

    return collect(polynomial.shape, ((term(m), factor) for m, factor in polynomial.terms))


# -------------------------------------------------------------------- terms


def _terms(given: Polynomial, right: Polynomial) -> str:
    if len(given.terms) == len(right.terms) == 1 and given.terms[0][1] == right.terms[0][1]:
        return _letters(given.terms[0][0], right.terms[0][0])
    ours, theirs = dict(right.terms), dict(given.terms)
    wrong = [m for m in theirs if m not in ours]
    lacking = sum(m not in theirs for m in ours)
    scaled = [m for m in theirs if m in ours and theirs[m] != ours[m]]
    parts = []
    if wrong:
        names = [f"`{_alone(m, given.shape)}`" for m in wrong]
        parts.append(_counted(names, "the term", "does not belong there", "the terms", "do not belong there"))
    if lacking:
        parts.append("a term is missing" if lacking == 1 else f"{lacking} terms are missing")
    parts += [f"`{_alone(m, given.shape)}` is taken {theirs[m]} times" for m in scaled[:2]]
    return "; ".join(parts)


def _alone(monomial: Monomial, shape: Shape | None) -> str:
    return Polynomial(shape, ((monomial, Fraction(1)),)).brief()


def _letters(given: Monomial, right: Monomial) -> str:
    """One product against another: the names that are too many, too few, elsewhere or transposed."""
    mine, ours = list(_letters_of(given)), list(_letters_of(right))
    have, want = Counter(x.name for x in mine), Counter(x.name for x in ours)
    if have == want:
        if [x.name for x in mine] in ([x.name for x in ours], [x.name for x in reversed(ours)]):
            return "the factors are right, but not which of them are transposed"
        turned = Counter(map(str, mine)) != Counter(map(str, ours))
        return "the factors are right, but not their order" + ", nor which of them are transposed" * turned
    extra, lacking = sorted((have - want).elements()), (want - have).total()
    names = [f"`{name}`" for name in dict.fromkeys(extra)]
    if not lacking:
        words = "is one factor too many" if len(extra) == 1 else "are factors too many"
        return _counted(names, "", words, "", "are factors too many")
    if not extra:
        return "a factor is missing" if lacking == 1 else f"{lacking} factors are missing"
    if want.keys() >= set(extra):
        return _counted(names, "", "stands there too often", "", "stand there too often")
    return _counted(names, "", "does not belong there", "", "do not belong there")


def _counted(names: list[str], one: str, singular: str, many: str, plural: str) -> str:
    if len(names) == 1:
        return f"{one} {names[0]} {singular}".strip()
    shown = names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} more"]
    return f"{many} {', '.join(shown[:-1])} and {shown[-1]} {plural}".strip()


def _letters_of(monomial: Monomial) -> Iterable[Letter]:
    for word in (*monomial.numbers, monomial.core):
        yield from word


def _all_letters(polynomial: Polynomial) -> Iterable[Letter]:
    for monomial, _ in polynomial.terms:
        yield from _letters_of(monomial)
