"""Whole numbers as products of pairwise coprime ones, found by greatest common divisors alone.

In: positive integers.  Out: a coprime base: integers > 1, no two with a common divisor, of which every number given is
a product; the exponents of such a product.  Not for: primes (``roots.factor``): no element need be one.

Bach, Driscoll and Shallit, "Factor refinement", J. Algorithms 15 (1993).  While two elements a, b have a common divisor
g > 1 they are replaced by g, a/g, b/g: the numbers stay products of the elements, and the product of all elements
falls, by the factor g, so it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd


def coprime_base(numbers: Iterable[int]) -> tuple[int, ...]:
    """In ascending order; 1 has no part in it."""
    base: list[int] = []
    pending = sorted({number for number in numbers if number > 1}, reverse=True)
    while pending:
        number = pending.pop()
        place, common = next(((i, g) for i, e in enumerate(base) if (g := gcd(e, number)) > 1), (-1, 1))
        if common == 1:
            base.append(number)
        else:
            pending += [n for n in (common, base.pop(place) // common, number // common) if n > 1]
    return tuple(sorted(base))


def are_coprime(numbers: Iterable[int]) -> bool:
    """Has no pair of these a common divisor > 1?"""
    product = 1
    for number in numbers:
        if gcd(product, number) > 1:
            return False
        product *= number
    return True


def powers_over(base: Sequence[int], number: int) -> dict[int, int]:
    """number = product of element^power; ``ValueError`` where ``base`` has no such product."""
    found: dict[int, int] = {}
    for element in base:
        while number % element == 0:
            number //= element
            found[element] = found.get(element, 0) + 1
    if number != 1:
        raise ValueError("the number is no product of elements of this base")
    return found
