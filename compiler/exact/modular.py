"""Arithmetic modulo a prime: proved primes, square roots, Gaussian elimination.

In: integers; sparse rows of residues.  Out: whether a number is prime, a root, the pivots of a matrix.  Not for: where
residues come from (``specialisation``).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

from compiler.exact.roots import factor

EXACT_BELOW = 3_317_044_064_679_887_385_961_981
"""Below this the first thirteen bases of Miller and Rabin decide primality (Sorenson and Webster 2015)."""
Row = dict[int, int]


def is_prime(number: int) -> bool:
    """Miller-Rabin with the first thirteen primes: exact below ``EXACT_BELOW``, a strong hint above."""
    bases = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
    if number < 2 or any(number % b == 0 for b in bases):
        return number in bases
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_strong_probable(number, base, odd, twos) for base in bases)


def is_proved_prime(number: int, order: int, zeta: int) -> bool:
    """``is_prime`` where that decides; above, Pocklington's theorem: zeta has the order ``order`` > sqrt(number) modulo
    every prime factor, so each of them is 1 modulo ``order``, larger than the square root, and there is but one."""
    if number < EXACT_BELOW:
        return is_prime(number)
    return (
        order * order > number
        and pow(zeta, order, number) == 1
        and all(gcd(pow(zeta, order // q, number) - 1, number) == 1 for q, _ in factor(order))
    )


def _strong_probable(number: int, base: int, odd: int, twos: int) -> bool:
    value = pow(base, odd, number)
    if value in (1, number - 1):
        return True
    for _ in range(twos - 1):
        value = value * value % number
        if value == number - 1:
            return True
    return False


def square_root(value: int, prime: int) -> int:
    """A square root of a square modulo a prime (Tonelli and Shanks)."""
    odd, twos = prime - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    nonsquare = next(z for z in range(2, prime) if pow(z, (prime - 1) // 2, prime) == prime - 1)
    step, root, rest = pow(nonsquare, odd, prime), pow(value, (odd + 1) // 2, prime), pow(value, odd, prime)
    while rest != 1:
        depth, square = 0, rest
        while square != 1:
            square, depth = square * square % prime, depth + 1
        power = pow(step, 1 << (twos - depth - 1), prime)
        twos, step = depth, power * power % prime
        root, rest = root * power % prime, rest * step % prime
    return root


def eliminate(rows: Mapping[int, Row], prime: int, most: int | None = None) -> list[tuple[int, int]]:
    """Pivots (row, column) of a sparse matrix modulo ``prime``; stops at ``most`` of them."""
    pivots: dict[int, Row] = {}
    chosen: list[tuple[int, int]] = []
    for index in sorted(rows, key=lambda i: (len(rows[i]), i)):
        if len(chosen) == most:
            break
        row = _reduced(rows[index], pivots, prime)
        if row:
            column = min(row)
            scale = pow(row[column], -1, prime)
            pivots[column] = {c: v * scale % prime for c, v in row.items()}
            chosen.append((index, column))
    return chosen


def _reduced(row: Row, pivots: Mapping[int, Row], prime: int) -> Row:
    """``row`` with every pivot column cleared, from left to right."""
    row = {c: v % prime for c, v in row.items() if v % prime}
    while True:
        column = min((c for c in row if c in pivots), default=None)
        if column is None:
            return row
        factor_ = row[column]
        for c, v in pivots[column].items():
            value = (row.get(c, 0) - factor_ * v) % prime
            if value:
                row[c] = value
            else:
                row.pop(c, None)
