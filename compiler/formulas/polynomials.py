"""Products of matrices and vectors, letter by letter: the free algebra that formulas are compared in.

In: letters with symbolic shapes.  Out: ``Polynomial``: rational coefficients times monomials, each in one form only.
Not for: how a formula is written (``dsl.answers.formulas``), nor for numbers in the matrices.

A word A B^T C is a product that fits.  Where the size between two letters is 1 the word falls into pieces: a 1 x 1
piece is a number, so it commutes and equals its transpose; what is left is a column times a row, or one piece.  A
monomial is its numbers, sorted, times what is left (its core).  Sizes that are different words count as different, and
none but ``1`` counts as one, so two polynomials are the same exactly when they agree for all matrices of large sizes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

MOST_MONOMIALS = 2_000
MOST_LETTERS = 64
LONGEST_NAME = 20_000
BRIEF = 200

Shape = tuple[str, str]
"""(rows, columns) as words: ``("d_head", "d_model")``; a column is (.., "1")."""
NUMBER: Shape = ("1", "1")


class TooLarge(ValueError):
    """A product of sums that would have too many or too long monomials."""


@dataclass(frozen=True, slots=True, order=True)
class Letter:
    """A matrix or its transpose; ``rows`` and ``columns`` are those of the letter as it stands here."""

    name: str
    transposed: bool
    rows: str
    columns: str

    @property
    def T(self) -> Letter:
        return Letter(self.name, not self.transposed, self.columns, self.rows)

    def __str__(self) -> str:
        return f"{self.name}^T" if self.transposed else self.name


Word = tuple[Letter, ...]


@dataclass(frozen=True, slots=True, order=True)
class Monomial:
    """``numbers``: 1 x 1 words, sorted; ``core``: the rest, empty for the identity (of size 1: a plain number)."""

    numbers: tuple[Word, ...] = ()
    core: Word = ()

    def __str__(self) -> str:
        texts = [f"({spell(word)})" for word in self.numbers]
        if not self.core and len(texts) == 1:
            return spell(self.numbers[0])
        return " ".join([*texts, spell(self.core)] if self.core else texts) or "Id"

    def brief(self) -> str:
        letters = [*(x for word in self.numbers for x in word), *self.core]
        return str(self) if sum(len(x.name) + 3 for x in letters) <= BRIEF else f"a product of {len(letters)} factors"


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A sum of monomials of one shape; ``shape`` is None where there are only identities of no stated size.

    ``terms`` are sorted and without zeros: equal polynomials have equal terms."""

    shape: Shape | None
    terms: tuple[tuple[Monomial, Fraction], ...]

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        text = " + ".join(_term(monomial, factor, self.shape) for monomial, factor in self.terms)
        return text.replace("+ -", "- ")

    @property
    def length(self) -> int:
        """About as many characters as its text has."""
        words = (word for monomial, _ in self.terms for word in (*monomial.numbers, monomial.core))
        return sum(len(x.name) + 3 for word in words for x in word) + 8 * len(self.terms)

    def brief(self) -> str:
        """Its text, or what can be said of a long one."""
        return str(self) if self.length <= BRIEF else f"a sum of {len(self.terms)} terms, {self.terms[0][0].brief()} .."

    @property
    def T(self) -> Polynomial:
        shape = (self.shape[1], self.shape[0]) if self.shape else None
        return collect(shape, ((Monomial(m.numbers, reverse(m.core)), factor) for m, factor in self.terms))

    def scale(self, factor: Fraction) -> Polynomial:
        return collect(self.shape, ((monomial, factor * c) for monomial, c in self.terms))


# -------------------------------------------------------------------- words


def spell(word: Word) -> str:
    """``W_Q^T W_K``."""
    return " ".join(map(str, word)) or "1"


def reverse(word: Word) -> Word:
    """The transpose of a product: its letters transposed, from the last to the first."""
    return tuple(letter.T for letter in reversed(word))


def monomial_of(word: Word, numbers: Iterable[Word] = ()) -> Monomial:
    """The one form of ``word`` times ``numbers`` (1 x 1 words that are in their form already)."""
    found = list(numbers)
    rest: list[Letter] = []
    for piece in _pieces(word):
        if piece[0].rows == piece[-1].columns == "1":
            found.append(min(piece, reverse(piece)))
        else:
            rest += piece
    return Monomial(tuple(sorted(found)), tuple(rest))


def _pieces(word: Word) -> list[Word]:
    """``word`` cut where the size between two letters is 1."""
    pieces: list[Word] = []
    start = 0
    for place, letter in enumerate(word):
        if letter.columns == "1" or place == len(word) - 1:
            pieces.append(word[start : place + 1])
            start = place + 1
    return pieces


# -------------------------------------------------------------------- sums and products


def collect(shape: Shape | None, terms: Iterable[tuple[Monomial, Fraction]]) -> Polynomial:
    """The sum of ``terms``, equal monomials together."""
    sums: dict[Monomial, Fraction] = {}
    for monomial, factor in terms:
        sums[monomial] = sums.get(monomial, Fraction(0)) + factor
        if len(sums) > MOST_MONOMIALS:
            raise TooLarge(f"written out, this has more than {MOST_MONOMIALS} terms")
    return Polynomial(shape, tuple(sorted((m, c) for m, c in sums.items() if c)))


def letter(name: str, shape: Shape) -> Polynomial:
    """The polynomial that is one matrix."""
    word = (Letter(name, False, *shape),)
    return Polynomial(shape, ((monomial_of(word), Fraction(1)),))


def constant(value: Fraction, shape: Shape | None) -> Polynomial:
    """``value`` times the identity of ``shape`` (None: of whatever size fits)."""
    return collect(shape, [(Monomial(), value)])


def product_shape(left: Shape | None, right: Shape | None) -> Shape | None | str:
    """The shape of a product; a text that says what does not fit.  A 1 x 1 factor scales the other."""
    if left is None or right is None:
        known = left if right is None else right
        return None if known == NUMBER else known
    if left[1] == right[0]:
        return left[0], right[1]
    if left == NUMBER:
        return right
    if right == NUMBER:
        return left
    return f"{show(left)} by {show(right)}"


def sum_shape(left: Shape | None, right: Shape | None) -> Shape | None | str:
    """The shape of a sum; a text that says what does not fit.

    An identity of no stated size is square, and so is a number beside a matrix: that multiple of the identity."""
    if left == right:
        return left
    for one, other in ((left, right), (right, left)):
        if other is not None and one in (None, NUMBER) and other[0] == other[1]:
            return other
    return " and ".join("a square matrix" if shape is None else show(shape) for shape in (left, right))


def named(function: str, argument: Polynomial | Monomial) -> str:
    """``softmax(X^T X)``: a name that stands for a function of its argument, the same for equal arguments."""
    polynomial = argument if isinstance(argument, Polynomial) else Polynomial(None, ((argument, Fraction(1)),))
    if polynomial.length > LONGEST_NAME:
        raise TooLarge(f"the argument of {function} is too long when it is multiplied out")
    return f"{function}({argument})"


def multiply(left: Polynomial, right: Polynomial, shape: Shape | None) -> Polynomial:
    """The product, of ``shape`` (see ``product_shape``), multiplied out."""
    if len(left.terms) * len(right.terms) > 4 * MOST_MONOMIALS:
        raise TooLarge(f"multiplied out, this has more than {4 * MOST_MONOMIALS} terms")
    return collect(shape, ((_times(a, b), p * q) for a, p in left.terms for b, q in right.terms))


def _times(a: Monomial, b: Monomial) -> Monomial:
    word = a.core + b.core
    if len(word) + sum(map(len, a.numbers + b.numbers)) > MOST_LETTERS:
        raise TooLarge(f"multiplied out, this has a term of more than {MOST_LETTERS} factors")
    return monomial_of(word, a.numbers + b.numbers)


# -------------------------------------------------------------------- words for people


def show(shape: Shape) -> str:
    """``(d_head, d_model)``."""
    return f"({shape[0]}, {shape[1]})"


def _term(monomial: Monomial, factor: Fraction, shape: Shape | None) -> str:
    name = "" if monomial == Monomial() else str(monomial)
    if not monomial.core and shape != NUMBER:
        name = f"{name} Id".lstrip()
    if factor == 1 or factor == -1:
        return ("-" if factor < 0 else "") + (name or "1")
    return f"{factor} {name}".rstrip()
