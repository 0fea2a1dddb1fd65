"""A line that one layer of neurons cannot do, in steps: parts that one layer can do, each in a subspace of its own.

In: a ``Compute`` and the stream.  Out: its ``Split``, None where nothing helps.  Not for: in which layers the steps run
(``resolution.scheduling``).

The fewest layers win, then the fewest neurons.  A step is a number over the range that its value really has, a truth
value is 0 or 1; a one-hot only where the line cannot be done with numbers.  A part that is looked at under a condition
only, and might then have no value elsewhere, takes the condition with it: elsewhere it is a constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from compiler.circuits.stream import Stream
from compiler.computing import Choice, Compared, Compute, Fixed, LookedUp, Part, Read, Split, ValueExpr, read_subspaces
from compiler.encodings import Code, Encoding, OneHot, ScalarValue, Subspace, Value
from compiler.limits import VALUES
from compiler.mlp.activations import fits_floats
from compiler.mlp.choosing import Chooser
from compiler.mlp.domains import Domain, Group, always_shows, domain_of
from compiler.mlp.figures import figures_of
from compiler.mlp.possible import values_of
from compiler.mlp.reading import TRUTHS, Reader
from compiler.mlp.rewriting import always_needed, guards, inside, replaced, under, variants
from compiler.mlp.searches import Searches
from compiler.mlp.targets import Target
from compiler.resolution.intervals import Known, bounds

Encode = Callable[[Sequence[Value]], Encoding | None]
"""How the values of a step are held; None where they cannot be."""

STEPS, TRIED = 8, 40
"""A line is done in at most so many layers, and its last step is looked for so many times."""

CANDIDATES = 8
"""So many parts are looked at."""

KEPT = 2
"""So many unfinished ways are gone on with, a layer further."""

HOT = 256
"""A step may be a one-hot of so many values."""

ONE, ZERO = Fixed(1), Fixed(0)


@dataclass(frozen=True)
class Step:
    """A part, as the line will read it (``seen`` stands for ``said``), and its neurons."""

    said: ValueExpr
    seen: ValueExpr
    part: Part
    neurons: int


@dataclass(frozen=True)
class Way:
    """What is left of a line after ``parts``, which take ``neurons`` together."""

    rest: ValueExpr
    parts: tuple[Part, ...] = ()
    neurons: int = 0

    def after(self, steps: Sequence[Step]) -> Way:
        rest = replaced(self.rest, {step.said: step.seen for step in steps})
        return Way(rest, (*self.parts, *(s.part for s in steps)), self.neurons + sum(s.neurons for s in steps))


@dataclass
class Splitter:
    """Looks for the steps of one line; ``numbers`` count the parts of lines that write one target."""

    stream: Stream
    compute: Compute
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    hidden: dict[str, Subspace] = field(default_factory=dict)
    sure: set[str] = field(default_factory=set)
    choosers: dict[tuple[str, ...], Chooser] = field(default_factory=dict)
    known: dict[tuple[ValueExpr, Encoding], tuple[Subspace, int] | None] = field(default_factory=dict)
    tried: set[ValueExpr] = field(default_factory=set)
    searches: Searches = field(default_factory=Searches)

    def split(self) -> Split | None:
        """The way with the fewest layers, then the fewest neurons."""
        ways = [Way(value) for value in variants(self.compute.value)]
        for _ in range(1, STEPS):
            unfinished: list[Way] = []
            for encode in (_number, _one_hot):
                done, left = self._further(ways, encode)
                if done:
                    best = min(done, key=lambda way: (way.neurons, len(way.parts)))
                    return Split(self.compute.number, *self._renamed(best))
                unfinished += left
            if len(self.tried) >= TRIED:
                return None
            ways = sorted(unfinished, key=lambda way: (len(inside(way.rest)), way.neurons))[:KEPT]
        return None

    def _further(self, ways: Iterable[Way], encode: Encode) -> tuple[list[Way], list[Way]]:
        """Every way with one layer more: those that the line can then be finished from, and the others."""
        done: list[Way] = []
        left: list[Way] = []
        for way in ways:
            steps = list(self._steps(way.rest, encode))
            after = [way.after(cut) for cut in _cuts(steps)]
            fits = [one for one in (self._finished(further, done) for further in after) if one]
            if fits:
                fits += [one for step in steps if (one := self._finished(way.after([step]), [*done, *fits]))]
            done += fits
            left += after
        return done, left

    def _finished(self, way: Way, done: Sequence[Way]) -> Way | None:
        """``way`` with the last layer, if there is one and it may be better than those that are ``done``."""
        if way.neurons >= min((one.neurons for one in done), default=math.inf):
            return None
        if way.rest in self.tried or len(self.tried) >= TRIED:
            return None
        self.tried.add(way.rest)
        neurons = self._neurons(way.rest, Target(self.stream.subspaces[self.compute.target]))
        return None if neurons is None else Way(way.rest, way.parts, way.neurons + neurons)

    def _renamed(self, way: Way) -> tuple[tuple[Part, ...], ValueExpr]:
        """Parts in order, with names that no name of a spec is like: ``B.part1``."""
        target = self.compute.target
        names = {part.name: f"{target}.part{next(self.numbers)}" for part in way.parts}
        reads: dict[ValueExpr, ValueExpr] = {Read(old): Read(new) for old, new in names.items()}
        parts = tuple(Part(names[p.name], p.encoding, replaced(p.value, reads)) for p in way.parts)
        return parts, replaced(way.rest, reads)

    # ---------------------------------------------------------------- one step

    def _steps(self, value: ValueExpr, encode: Encode) -> Iterator[Step]:
        """Parts that one layer can do and the next cannot read off the stream anyway, the largest first."""
        found, subspaces = 0, self.stream.subspaces
        codes = [n for n in read_subspaces(value) if n in subspaces and isinstance(subspaces[n].encoding, Code)]
        for part in (*inside(value), *map(Read, codes)):
            if found < CANDIDATES and self._chooser(part).reader.form(part) is None:
                step = self._step(value, part, encode)
                if step is not None:
                    found += 1
                    yield step

    def _step(self, value: ValueExpr, part: ValueExpr, encode: Encode) -> Step | None:
        known = self._values(part)
        if known is None:
            return None
        values, certain = known
        encoding = encode(values)
        said: ValueExpr = Choice(part, ONE, ZERO) if isinstance(part, TRUTHS) else part
        sure = certain and set(read_subspaces(part)) <= self._sure_names(part)
        if not sure and not always_needed(value, part):
            around = set(guards(value, part))
            guard = around.pop()
            if around or guard is None:
                return None
            said = under(guard, said, Fixed(0 if 0 in values else values[0]))
        held = None if encoding is None else self._held(said, encoding)
        if held is None:
            return None
        hidden, neurons = held
        if sure:
            self.sure.add(hidden.name)
        read = Read(hidden.name)
        seen = Compared("==", read, ONE) if isinstance(part, TRUTHS) else read
        return Step(part, seen, Part(hidden.name, hidden.encoding, said), neurons)

    def _held(self, said: ValueExpr, encoding: Encoding) -> tuple[Subspace, int] | None:
        """A subspace for a step, always the same one, and the neurons that write it."""
        if (said, encoding) not in self.known:
            taken = sum(len(step.coordinates) for step in self.hidden.values())
            subspace = _subspace(f"step {len(self.hidden)}", encoding, self.stream.dimension + taken)
            neurons = self._neurons(said, Target(subspace))
            self.known[said, encoding] = None if neurons is None else (subspace, neurons)
            if neurons is not None:
                self.hidden[subspace.name] = subspace
        return self.known[said, encoding]

    def _values(self, part: ValueExpr) -> tuple[Sequence[Value], bool] | None:
        """The values that ``part`` can have (numbers: a range that holds them), and whether there always is one."""
        if isinstance(part, TRUTHS):
            return (0, 1), self._bounds(part)[1]
        text = _is_text(part, self._domain(read_subspaces(part)).subspaces)
        table = self._chooser(part).reader.reduce(part)
        interval, certain = ((0, 0), False) if text else self._bounds(part)
        if table is not None and table.table:
            values = sorted(set(table.table.values()), key=str)
            if text:
                return [str(value) for value in values], False
            interval = (min(map(int, values)), max(map(int, values)))
        elif text:
            return None
        low, high = interval
        return (range(low, high + 1), certain) if high - low < VALUES else None

    def _bounds(self, part: ValueExpr) -> tuple[tuple[int, int], bool]:
        domain, reads = self._domain(read_subspaces(part)), {}
        for name, (g, i) in domain.place.items():
            values = [row[i] for row in domain.groups[g].rows]
            numbers = [v for v in values if isinstance(v, int)]
            reads[name] = (min(numbers, default=0), max(numbers, default=0))
        found = bounds(part, Known(reads, {}))
        return (found.low, found.high), found.certain

    def _sure_names(self, part: ValueExpr) -> set[str]:
        """Those inputs that always show a value: embedded ones, for every token (or position), and sure steps."""
        return {
            name
            for name in read_subspaces(part)
            if name in self.sure or (name not in self.hidden and always_shows(self.stream, name, self.compute.layer))
        }

    # ---------------------------------------------------------------- neurons

    def _neurons(self, value: ValueExpr, target: Target) -> int | None:
        """How many neurons one layer takes for ``value``; None if it cannot do it."""
        chooser = self._chooser(value)
        found, program = chooser.smallest(value, target), self.stream.program
        if found is None or len(found.bends) > program.neurons:
            return None
        return len(found.bends) if fits_floats(program, figures_of(found, chooser.domain)) else None

    def _chooser(self, value: ValueExpr) -> Chooser:
        names = read_subspaces(value)
        if names not in self.choosers:
            program = self.stream.program
            reader = Reader(self._domain(names))
            gated_units = program.activation == "reglu"
            self.choosers[names] = Chooser(reader, program.biases, gated_units, searches=self.searches)
        return self.choosers[names]

    def _domain(self, names: Sequence[str]) -> Domain:
        own = domain_of(self.stream, [name for name in names if name not in self.hidden], self.compute.layer)
        steps = [self.hidden[name] for name in names if name in self.hidden]
        return Domain((*own.groups, *map(_alone, steps)), {**own.subspaces, **{s.name: s for s in steps}})


# -------------------------------------------------------------------- subspaces of steps


def _number(values: Sequence[Value]) -> Encoding | None:
    """One dimension, where the values are numbers."""
    if isinstance(values[0], str):
        return _one_hot(values)
    return ScalarValue(int(values[0]), int(values[-1]))


def _one_hot(values: Sequence[Value]) -> Encoding | None:
    return OneHot(tuple(values), ordered=isinstance(values[0], int)) if len(values) <= HOT else None


def _subspace(name: str, encoding: Encoding, first: int) -> Subspace:
    """In coordinates of its own, which the stream does not have yet."""
    size = len(encoding.values) if isinstance(encoding, OneHot) else 1
    return Subspace(name, encoding, tuple(range(first, first + size)), tuple(map(str, range(size))))


def _alone(step: Subspace) -> Group:
    key = step.name if isinstance(step.encoding, OneHot) else None
    return Group((step.name,), tuple((value,) for value in values_of(step.encoding)), key)


def _is_text(part: ValueExpr, subspaces: Mapping[str, Subspace]) -> bool:
    match part:
        case Read(name):
            return isinstance(values_of(subspaces[name].encoding)[0], str)
        case Fixed(value):
            return isinstance(value, str)
        case LookedUp(pairs=pairs):
            return isinstance(pairs[0][1], str)
        case Choice(then=then):
            return _is_text(then, subspaces)
        case _:
            return False


def _cuts(steps: Sequence[Step]) -> list[list[Step]]:
    """Which parts to compute first: all of the largest, or all of the smallest."""
    largest = [s for s in steps if not any(s.said in inside(other.said) for other in steps)]
    smallest = [s for s in steps if not any(other.said in inside(s.said) for other in steps)]
    return [cut for cut in (largest, smallest) if cut][: 1 + (largest != smallest)]
