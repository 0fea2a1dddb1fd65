"""What was found for parts of lines, so that nothing is searched for twice.

In: a part, its target, and where its inputs come from.  Out: ``Fewest``, as another chooser found it.  Not for: the
search (``choosing``).

Splitting a line asks for the same parts again and again, beside other parts, and written into other subspaces.  Neither
changes what is found, as long as the inputs stand in the same groups and the target holds every value.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from compiler.computing import ValueExpr, parts, read_subspaces
from compiler.encodings import ScalarValue, Subspace
from compiler.mlp.domains import Group
from compiler.mlp.pieces import Fewest
from compiler.mlp.reading import COMBINATIONS, Reader
from compiler.mlp.targets import ANY_NUMBER, Target

Sources = tuple[tuple[int, ...], bool, bool]
"""The groups that a part reads, by number, in order; whether all inputs of the line have too many combinations to go
through; and whether some group is empty."""

Key = tuple[ValueExpr, Target, Sources]


@dataclass
class Searches:
    """Of the lines of one program and one layer."""

    found: dict[Key, Fewest] = field(default_factory=dict)
    groups: dict[Group, int] = field(default_factory=dict)

    def key(self, reader: Reader, value: ValueExpr, target: Target) -> Key:
        groups = reader.domain.groups
        numbers = tuple(self._number(groups[g]) for g in sorted({reader.place[n][0] for n in read_subspaces(value)}))
        many = reader.domain.combinations() > COMBINATIONS
        return value, usual(reader, value, target), (numbers, many, not all(group.rows for group in groups))

    def _number(self, group: Group) -> int:
        return self.groups.setdefault(group, len(self.groups))


def usual(reader: Reader, value: ValueExpr, target: Target) -> Target:
    """A target where ``value`` is the same: of numbers only the range matters, and that only if ``value`` leaves it."""
    encoding = target.subspace.encoding
    if not isinstance(encoding, ScalarValue):
        return target
    if reader.form(value) is not None:
        return ANY_NUMBER
    reduced = reader.reduce(value)
    if reduced is not None and all(target.vector(answer) is not None for answer in set(reduced.table.values())):
        return ANY_NUMBER
    return Target(Subspace("part", encoding, (0,), ("value",)))


def height(value: ValueExpr) -> int:
    """How deep its parts are nested."""
    return 1 + max(map(height, parts(value)), default=0)
