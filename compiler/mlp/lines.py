"""One ``compute`` line as neurons: its method, what it does to errors of its inputs, and a check on its values.

In: a ``Compute`` and the stream.  Out: ``Line``.  Raises SpecError (E0520 to E0523) where one layer cannot do it.  Not
for: the matrices of a layer (``building``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from compiler.circuits.features import Feature, phase_angles
from compiler.circuits.stream import Stream
from compiler.computing import Compute, Read, read_subspaces
from compiler.encodings import Code, OneHot, Phase, PhasePairs, Subspace
from compiler.exact import Scalar
from compiler.mlp import refusals
from compiler.mlp.affine import Finished
from compiler.mlp.checking import check
from compiler.mlp.choosing import Chooser
from compiler.mlp.domains import domain_of
from compiler.mlp.figures import Figures, figures_of
from compiler.mlp.forms import Form
from compiler.mlp.neurons import Neuron
from compiler.mlp.phases import (
    COUNTS,
    SIGNIFICAND,
    PhaseProduct,
    Source,
    aliasing,
    angles_of,
    blur_of,
    halves,
    multiplied,
    passed_on,
    phase_of,
)
from compiler.mlp.reading import Reader
from compiler.mlp.targets import Target
from compiler.mlp.vectors import Bend, Vector
from compiler.mlp.wording import shown
from dsl.diagnostics import SpecError

ROUNDING = 1e-9
"""Above the error of a margin worked out in float64; what is smaller may be 0."""


@dataclass(frozen=True)
class Line:
    """A line as neurons.  ``constant`` goes to b_out; ``gains[name]`` bounds how far an entry of the target moves for
    each unit of a foreign share in ``name``; ``product`` is there for sums of phases, which are not exact, and
    ``figures`` for numbers."""

    compute: Compute
    method: str
    neurons: tuple[Neuron, ...]
    constant: Feature
    gains: Mapping[str, float]
    product: PhaseProduct | None = None
    figures: Figures | None = None

    @property
    def note(self) -> str:
        count = len(self.neurons)
        line = f"{self.compute.target} = {shown(self.compute.value)}"
        return f"{line}: {self.method}, {count} neuron{'s' * (count != 1)}"


class Unfit(Exception):
    """One layer of neurons cannot do ``compute``; ``refusal()`` says why."""

    def __init__(self, compute: Compute, refusal: Callable[[], SpecError]) -> None:
        super().__init__(compute.target)
        self.compute = compute
        self.refusal = refusal


def realise(stream: Stream, compute: Compute) -> Line:
    """The fewest neurons that the methods find for ``compute``.  Raises Unfit where one layer has too few."""
    names = read_subspaces(compute.value)
    phases = [name for name in names if isinstance(stream.subspaces[name].encoding, Phase | PhasePairs)]
    if phases:
        return _of_phases(stream, compute, phases)
    return _of_numbers(stream, compute, names)


# -------------------------------------------------------------------- numbers and one-hots


def _of_numbers(stream: Stream, compute: Compute, names: tuple[str, ...]) -> Line:
    target = Target(stream.subspaces[compute.target])
    reader = Reader(domain_of(stream, names, compute.layer))
    program = stream.program
    chooser = Chooser(reader, biases=program.biases, gated_units=program.activation == "reglu")
    found = chooser.smallest(compute.value, target)
    if found is None and not chooser.beyond:
        codes = [s for s in map(stream.subspaces.__getitem__, names) if isinstance(s.encoding, Code)]
        for code in codes:
            if not chooser.can(Read(code.name)):
                raise refusals.unreadable(compute, code)
        raise Unfit(compute, lambda: refusals.another_layer(chooser, compute))
    count = min(chooser.beyond) if found is None else len(found.bends)
    if found is None or count > program.neurons:
        raise Unfit(compute, lambda: refusals.too_many(compute, count, program.neurons))
    check(reader.domain, compute.value, target, found)
    neurons = tuple(_neuron(stream, reader, bend, target.subspace) for bend in found.bends)
    gains = {name: _gain(reader, found, name) for name in names}
    constant = _written(found.constant, target.subspace)
    return Line(compute, found.sum.method, neurons, constant, gains, figures=figures_of(found, reader.domain))


def _gain(reader: Reader, found: Finished, name: str) -> float:
    moved = sum(slope * float(reader.domain.spread(form, [name])) for form, slope in found.sum.slopes)
    return moved + sum(shift for names, shift in found.sum.shifts if name in names)


def _neuron(stream: Stream, reader: Reader, bend: Bend, target: Subspace) -> Neuron:
    form = _without_constant(reader, bend.form) if stream.constant is None else bend.form
    factor = Form.fixed(1) if bend.factor is None else bend.factor
    return Neuron(
        reads=_exact(form),
        writes=_written(bend.out, target),
        label=f"{target.name}: {bend.label}",
        constant=Scalar.rational(form.constant),
        factor=_exact(factor),
        factor_constant=Scalar.rational(factor.constant),
    )


def _without_constant(reader: Reader, form: Form) -> Form:
    """The constant spread over a one-hot that is read, whose entries add up to 1 wherever the line has a value."""
    if not form.constant:
        return form
    read = {c for c, _ in form.weights}
    hot = [s for s in map(reader.domain.subspaces.get, reader.place) if s and isinstance(s.encoding, OneHot)]
    for subspace in sorted(hot, key=lambda s: not read & set(s.coordinates)):
        return form.plus(-form.constant) + Form.of(dict.fromkeys(subspace.coordinates, form.constant))
    return form


def _exact(form: Form) -> Feature:
    return {c: Scalar.rational(w) for c, w in form.weights}


def _written(vector: Vector, target: Subspace) -> Feature:
    place = target.coordinates
    return {place[i]: entry if isinstance(entry, Scalar) else Scalar.rational(entry) for i, entry in vector.items()}


# -------------------------------------------------------------------- phases


def _of_phases(stream: Stream, compute: Compute, phases: list[str]) -> Line:
    target = stream.subspaces[compute.target]
    angles = angles_of(compute.value)
    if not isinstance(target.encoding, Phase) or angles is None:
        raise refusals.unreadable(compute, stream.subspaces[phases[0]])
    if angles.sources is None:
        raise refusals.one_side(compute, stream.subspaces[phases[0]])
    sources = [(stream.subspaces[name], sign) for name, sign in angles.sources]
    others = [s for s, _ in sources if not isinstance(s.encoding, Phase | PhasePairs)]
    if others:
        raise refusals.mixed(compute, others[0], target)
    if any(phase_angles(phase_of(s)) != phase_angles(target.encoding) for s, _ in sources):
        raise refusals.other_frequencies(compute, [s.name for s, _ in sources])
    added = sum(2 if isinstance(s.encoding, PhasePairs) else 1 for s, _ in sources)
    if added > 2:
        raise refusals.three_phases(compute)
    if added == 1:
        [(source, sign)] = sources
        neurons = passed_on(source, sign, angles.shift, target)
        return Line(compute, "turned", tuple(neurons), {}, {source.name: 2.0})
    return _product(stream, compute, sources, angles.shift, target)


def _product(stream: Stream, compute: Compute, sources: list[Source], shift: int, target: Subspace) -> Line:
    """Of two phases, or of one pair of them."""
    low, high = _difference(sources)
    for count in COUNTS:
        found = PhaseProduct((low, high), aliasing(count), blur_of(stream.program.activation), halves(target))
        if _separates(stream, found, target):
            neurons = multiplied(sources, shift, target, count)
            gains = dict.fromkeys([source.name for source, _ in sources], 0.0)
            for source, _ in sources:
                gains[source.name] += 4.0
            turning = len(target.coordinates) // 2 - len(found.exact)
            parts = [f"{count} neurons for each of {turning} frequencies"] * (turning > 0)
            signs = [f"{2 + len(sources)} for a sign"] * len(found.exact)
            method = "phase product, " + " and ".join(parts + signs)
            return Line(compute, method, tuple(neurons), {}, gains, found)
    raise refusals.no_margin(compute, target)


def _difference(sources: list[Source]) -> tuple[int, int]:
    """The range of s a - t b; of a pair that of b - a, a <= b."""
    ends = [(sign * phase_of(source).low, sign * phase_of(source).high) for source, sign in sources]
    if len(sources) == 1:
        return 0, abs(ends[0][1] - ends[0][0])
    one, other = sorted(ends[0]), sorted(-end for end in ends[1])
    return one[0] + other[0], one[1] + other[1]


def _separates(stream: Stream, found: PhaseProduct, target: Subspace) -> bool:
    """Does the product tell any two values of the target apart, for all inputs?  Symbols are left to later.

    What is predicted is read as it comes out, each entry rounded twice or so; a head that compares it counts its own
    rounding (``sharpness``)."""
    encoding = target.encoding
    assert isinstance(encoding, Phase)
    angles = phase_angles(encoding)
    if any(angle.symbols for angle in angles):
        return True
    frequencies = np.array([float(a.turns) * 2 * np.pi + float(a.radians) for a in angles])
    reach = max(1, encoding.high - encoding.low)
    margins = found.margins(frequencies, np.ones(len(angles)), reach)[1:]
    rounding = (
        2.0 ** (1 - SIGNIFICAND[stream.program.dtype]) * len(angles) if target.name in stream.program.predict else 0.0
    )
    return float(margins.min()) > max(ROUNDING, rounding)
