"""Products modulo a prime as sums: discrete logarithms.

In: an expression that multiplies two numbers, each decided by a one-hot, and takes a remainder.  Out: candidate codes:
a form s (the sum of the two logarithms; zero has a logarithm above all sums) and the value at every s.  Not for:
proving that a code is the smallest.
"""

from __future__ import annotations

from collections.abc import Iterator

from compiler.computing import Arithmetic, Fixed, ValueExpr, parts, read_subspaces
from compiler.mlp.domains import combinations, values_over
from compiler.mlp.evaluating import Answer
from compiler.mlp.forms import Form
from compiler.mlp.reading import COMBINATIONS, Reader

LARGEST = 257
ROOTS = 8


def log_codes(reader: Reader, expression: ValueExpr) -> Iterator[tuple[Form, dict[int, Answer]]]:
    """Codes for every product below a remainder by a prime that is their value's modulus."""
    nodes = list(_all(expression))
    primes = sorted({p for node in nodes for p in _modulus(node) if p <= LARGEST and _is_prime(p)})
    for node in nodes:
        if isinstance(node, Arithmetic) and node.operator == "*":
            for prime in primes:
                for root in _roots(prime)[:ROOTS]:
                    found = _code(reader, expression, node, prime, root)
                    if found is None:
                        break
                    yield found


def _all(expression: ValueExpr) -> Iterator[ValueExpr]:
    yield expression
    for part in parts(expression):
        yield from _all(part)


def _modulus(node: ValueExpr) -> Iterator[int]:
    match node:
        case Arithmetic("mod", _, Fixed(int(modulus))):
            yield modulus


def _is_prime(n: int) -> bool:
    return n > 2 and all(n % d for d in range(2, int(n**0.5) + 1))


def _roots(prime: int) -> list[int]:
    """Generators of the multiplicative group."""
    return [g for g in range(2, prime) if len({pow(g, k, prime) for k in range(prime - 1)}) == prime - 1]


def _code(
    reader: Reader, expression: ValueExpr, node: Arithmetic, prime: int, root: int
) -> tuple[Form, dict[int, Answer]] | None:
    tables = reader.table(node.left), reader.table(node.right)
    if tables[0] is None or tables[1] is None:
        return None
    logs = {pow(root, k, prime): k for k in range(prime - 1)} | {0: 2 * prime - 3}
    form = Form()
    for table in tables:
        if any(isinstance(value, str) for value in table.values()):  # type: ignore[union-attr]
            return None
        form = form + Form.of({c: logs[int(v) % prime] for c, v in table.items()})  # type: ignore[union-attr]
    points = _points(reader, expression, form)
    return None if points is None else (form, points)


def _points(reader: Reader, expression: ValueExpr, form: Form) -> dict[int, Answer] | None:
    """The value at every value of ``form``; None if that does not decide it."""
    domain = reader.domain
    wanted = set(read_subspaces(expression))
    chosen = [g for g, group in enumerate(domain.groups) if wanted & set(group.names)]
    groups = [domain.groups[g] for g in chosen]
    if combinations(groups) > COMBINATIONS:
        return None
    shares = [domain.contributions(form)[g] for g in chosen]
    points: dict[int, Answer] = {}
    for place, value in values_over(groups, expression):
        s = int(form.constant + sum(share[r] for share, r in zip(shares, place, strict=True)))
        if points.setdefault(s, value) != value:
            return None
    return points
