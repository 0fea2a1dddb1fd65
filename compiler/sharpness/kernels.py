"""How well each line of a head tells keys apart: its kernel over all values, in numbers with bounds.

In: a ``Program``, the values of symbols, and what earlier heads leak. Out: a ``Kernel`` per line: the least
score of a key that fits, the greatest of one that does not, how equal the fitting ones are, and what
rounding may add, all per unit of strength. Not for: choosing the strengths (``sharpness``).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import assert_never

import numpy as np

from compiler.circuits.features import phase_angles
from compiler.encodings import Code, Constant, Dims, Encoding, Phase, Quadratic, ScalarValue, Subspace, Value
from compiler.heads import Among, Equal, Head, Offset, Related, Term
from compiler.limits import check_size
from compiler.program import Rotary
from compiler.sharpness.frequencies import COSINE_ERROR, margins, rotary_weights
from compiler.sharpness.integers import SPAN, Integers
from compiler.sharpness.phase_products import scaled_kernel
from compiler.sharpness.profiles import ROUNDINGS, Floats, Kernel, Profile
from compiler.sharpness.several import kernel_of_several


class KernelReader(Integers):
    """Reads kernels off a program, line by line."""

    def output_tolerance(self, head: Head) -> float:
        """How much of its attention a head may leak for every pure value that it brings to the output to be decoded."""
        reached = {c.target for c in head.copies}
        writers = 1
        for later in (h for h in self.program.heads if h.layer >= head.layer and h.name != head.name):
            moved = {c.target for c in later.copies if c.source in reached or c.target in self.program.predict}
            reached |= moved if later.layer > head.layer else set()
            writers += bool(moved)
        names = [n for n in self.program.predict if n in reached]
        return min((self.decoding(self.subspaces[n]) / (2 * writers) for n in names), default=1.0)

    def decoding(self, subspace: Subspace) -> float:
        """The share of foreign values beside a pure one that its decoding certainly survives."""
        match subspace.encoding:
            case ScalarValue() | Quadratic():
                low, high = self.values_range(subspace)
                return 0.5 / max(1.0, high - low)
            case Phase(low, high) as phase:
                weights = tuple(self.number(m) ** 2 for m in phase.magnitudes)
                profile = self._profile(phase, weights, np.zeros(1), (low, high), max(1, high - low))
                return max(1e-9, float(profile.margins[1:].min())) / (4 * sum(weights))
            case Code() as code:
                kernel = self._code(code, 0.0)
                return max(1e-9, kernel.gap) / (4 * kernel.fit_high)
            case _:
                return 0.5

    # ---------------------------------------------------------------- kernels

    def kernel(self, head: Head, term: Term) -> Kernel:
        """The kernel of one line of ``head``, by its encodings; ``avoid`` is the negated one."""
        match term.relation:
            case Equal() as relation:
                squares = self.by_squares(term)
                found = self.quadratic(head, term) if squares else self._equal(relation, gated=term.when is not None)
            case Among() as relation:
                found = self._among(relation)
            case Related(key, query, _):
                found = self._table(self.noise(key), self.noise(query))
            case Offset(shift):
                found = self._offset(shift)
            case _ as never:
                assert_never(never)
        found = self._added_up(head, term, found)
        found = self._mixed(found, head.layer) if self.program.basis.kind != "axis" else found
        found = found.negated() if term.negated else found
        return replace(found, excess=self._excess(term, found))

    def _added_up(self, head: Head, term: Term, kernel: Kernel) -> Kernel:
        """The same where an MLP added up a phase that is compared here."""
        relation = term.relation
        if kernel.phase is None or isinstance(relation, Offset):
            return kernel
        asked = relation.query if isinstance(relation, Equal) and term.when is None else None
        query = None if asked is None else self.product_of(asked)
        key = self.product_of(relation.key)
        if query is not None:
            kernel = scaled_kernel(kernel, query, at_query=key is None, rests=bool(head.rests))
        return kernel if key is None else scaled_kernel(kernel, key, at_query=False, rests=True)

    def _mixed(self, kernel: Kernel, layer: int) -> Kernel:
        """The same where every residual coordinate mixes all subspaces, so that each is rounded by what all hold.

        With |x| <= N a read is off by r N for the embeddings, their sum and the weights that read, and twice for each
        layer before; a product of two reads of size s by 2 s times that, where s^2 is the score.  Keys that show the
        same value no longer have the same score to the bit."""
        largest = max(abs(x) for x in (kernel.fit_low, kernel.fit_high, kernel.miss_low, kernel.miss_high))
        off = (3 + 2 * layer) * self.roundoff * self._norm(layer) * (2 * math.sqrt(largest) + 1)
        return replace(kernel, error=kernel.error + off, flat=False)

    def _norm(self, layer: int) -> float:
        """A bound on the length of a residual vector (of orthonormal directions; times the width for others)."""
        total = sum(self._size(subspace, layer) ** 2 for subspace in self.subspaces.values())
        return math.sqrt(total) * (self.program.width if self.program.basis.kind == "vectors" else 1)

    def _size(self, subspace: Subspace, layer: int) -> float:
        name = subspace.name
        if not (name in self.embeds or self.copies_into(name, layer) or self.computed(subspace, layer)):
            return 1.0 if isinstance(subspace.encoding, Constant | Dims) else 0.0
        match subspace.encoding:
            case ScalarValue() | Quadratic() as encoding:
                most = max(abs(end) for end in self.values_range(subspace, layer))
                return most if isinstance(encoding, ScalarValue) else most * math.hypot(1, most)
            case Phase() as phase:
                size = math.hypot(*(self.number(m) for m in phase.magnitudes))
            case Code() as code:
                size = max(math.hypot(*map(self.number, row)) for row in code.vectors)
            case _:
                size = 1.0
        return size * self._gain(name, layer)

    def _excess(self, term: Term, kernel: Kernel) -> float:
        """How far above a fitting key a combination of values that is no mean (shares 2, or -1) may score."""
        relation = term.relation
        if self.by_squares(term) and not isinstance(relation, Offset) and relation.key not in self.written:
            return 0.0  # -(u - v)^2 is largest where it fits
        names: tuple[str, ...] = () if isinstance(relation, Offset) else (relation.key,)
        names += (relation.query,) if isinstance(relation, Equal | Related) else ()
        gain = math.prod(self._gain(name) for name in names)
        largest = max(abs(x) for x in (kernel.fit_low, kernel.fit_high, kernel.miss_low, kernel.miss_high))
        return 0.0 if gain == 1 else gain * largest - kernel.fit_high

    def _gain(self, name: str, before: float = math.inf) -> float:
        """1 where the subspace holds means of values; else the greatest sum of absolute shares."""
        copies = self.copies_into(name, before)
        shares = [(self.number(c.coefficient), self._gain(c.source, h.layer)) for h, c in copies]
        own = (name in self.embeds) + self.computed(self.subspaces[name], before)
        total = sum(abs(c) * gain for c, gain in shares) + own
        return total if total > 1 or any(c < 0 for c, _ in shares) else 1.0

    def _table(self, key_noise: float, query_noise: float, *, unique: bool = False) -> Kernel:
        """0/1 tables over one-hots: with shares e, e' of junk, true >= (1 - e)(1 - e') and false <= e + e'."""
        low = (1 - min(1.0, key_noise)) * (1 - min(1.0, query_noise))
        return Kernel(low, 1.0, 0.0, key_noise + query_noise, ROUNDINGS * self.roundoff, unique=unique)

    def _equal(self, relation: Equal, *, gated: bool) -> Kernel:
        key, query = self.subspaces[relation.key], self.subspaces[relation.query]
        unique = self.positional(key)
        asked = None if gated else query.encoding  # under `when` the query shows its value through a one-hot
        match key.encoding, asked:
            case ((Phase() as phase), _):
                return self._phase(phase, self._weights(phase, asked), key, query, relation.shift)
            case _, (Phase() as phase):
                return self._phase(phase, self._weights(phase, key.encoding), key, query, relation.shift)
            case ((Code() as code), _):
                return self._code(code, self.noise(key.name) + self.noise(query.name))
            case _, (Code() as code):
                return self._code(code, self.noise(key.name) + self.noise(query.name))
            case _:
                return self._table(self.noise(key.name), self.noise(query.name), unique=unique)

    def _among(self, relation: Among) -> Kernel:
        key = self.subspaces[relation.key]
        noise = self.noise(key.name)
        unique = self.positional(key) and len(relation.values) == 1
        match key.encoding:
            case (Phase() | Code()) as encoding if len(relation.values) > 1:
                return self._several(encoding, key, relation.values)
            case Phase() as phase:
                magnitudes = tuple(self.number(m) ** 2 for m in phase.magnitudes)
                target, (low, high) = int(relation.values[0]), self.pure_range(key)
                reach = max(abs(target - low), abs(high - target))
                profile = self._profile(phase, magnitudes, np.array([float(target)]), (low, high), reach)
                full = self.always_full(key)
                return self._phase_kernel(phase, magnitudes, profile, noise, reach, unique=unique, full=(full, full))
            case Code() as code:
                return self._code(code, noise)
            case Quadratic():
                return self.squares(key, np.array([float(relation.values[0])]))
            case _:
                return self._table(noise, 0.0, unique=unique)

    def _several(self, encoding: Phase | Code, key: Subspace, values: tuple[Value, ...]) -> Kernel:
        """The kernel of ``key in {..}``.  (What an MLP added up is not exact: there no margin is promised.)"""
        shown, vectors = self._vectors(encoding, key, values)
        noise = self.noise(key.name) if self.product_of(key.name) is None else 1.0
        fits = np.isin(np.arange(len(shown)), [shown.index(value) for value in values])
        return kernel_of_several(vectors, fits, noise=noise, full=self.always_full(key), roundoff=self.roundoff)

    def _vectors(self, encoding: Phase | Code, key: Subspace, values: tuple[Value, ...]) -> tuple[list[Value], Floats]:
        """All values that a key may show, ``values`` among them, and the vector of each."""
        if isinstance(encoding, Code):
            return list(encoding.values), np.array([[self.number(x) for x in row] for row in encoding.vectors])
        ends = [*self.pure_range(key), *(int(value) for value in values)]
        low, high = min(ends), max(ends)
        check_size(high - low, SPAN, "values between what is compared here", None)
        angles = np.outer(np.arange(low, high + 1), [self.angle(a) for a in phase_angles(encoding)])
        sizes = np.array([self.number(m) for m in encoding.magnitudes])
        return list(range(low, high + 1)), np.hstack([sizes * np.cos(angles), sizes * np.sin(angles)])

    # ---------------------------------------------------------------- phases

    def _weights(self, phase: Phase, other: Encoding | None) -> tuple[float, ...]:
        own = [self.number(m) for m in phase.magnitudes]
        if isinstance(other, Phase):
            return tuple(a * self.number(m) for a, m in zip(own, other.magnitudes, strict=True))
        return tuple(a * a for a in own)

    def _phase(self, phase: Phase, weights: tuple[float, ...], key: Subspace, query: Subspace, shift: int) -> Kernel:
        (key_low, key_high), (query_low, query_high) = self.pure_range(key), self.pure_range(query)
        causal = self.positional(key) and self.positional(query)
        longest = self.program.sequences.longest - 1
        if self.positional(key):
            key_high = min(key_high, longest)
        if self.positional(query):
            query_high = min(query_high, longest)
        check_size(
            max(query_high, key_high) - min(query_low, key_low), SPAN, "values between what is compared here", None
        )
        targets = np.arange(query_low + shift, query_high + shift + 1, dtype=np.float64)
        if causal and shift < 0:
            targets = targets[targets >= key_low]
        reach = int(max(targets.max() - key_low, key_high - targets.min(), 1)) if len(targets) else 1
        profile = self._profile(phase, weights, targets, (key_low, key_high), reach, causal=causal, shift=shift)
        noise = self.noise(key.name) + self.noise(query.name)
        unique, full_keys = self.positional(key), self.always_full(key)
        full = (full_keys, full_keys and self.always_full(query))
        return self._phase_kernel(phase, weights, profile, noise, reach, unique=unique, full=full)

    def _profile(
        self,
        phase: Phase,
        weights: tuple[float, ...],
        targets: Floats,
        keys: tuple[int, int],
        reach: int,
        *,
        causal: bool = False,
        shift: int = 0,
    ) -> Profile:
        frequencies = np.array([self.angle(a) for a in phase_angles(phase)])
        found = margins(frequencies, np.array(weights), reach)
        return Profile(found, targets, keys[0], keys[1], causal, shift)

    def _phase_kernel(
        self,
        phase: Phase,
        weights: tuple[float, ...],
        profile: Profile,
        noise: float,
        reach: int,
        *,
        unique: bool,
        full: tuple[bool, bool],
    ) -> Kernel:
        """K(d) = sum w_j cos alpha_j d: the value at the right key is the total weight; junk moves it by 2 total e.

        ``full``: no key (and: and no query) is ever empty in this subspace."""
        total = float(sum(weights))
        blur = 2 * total * min(1.0, noise)
        least = float(profile.margins[1:].min()) if len(profile.margins) > 1 else total
        most = float(profile.margins[1:].max()) + 2 * COSINE_ERROR * total if len(profile.margins) > 1 else total
        if not full[1]:  # an empty key scores 0
            least, most = min(total, least), max(total, most)
        frequencies = tuple(self.angle(a) for a in phase_angles(phase))
        return Kernel(
            fit_low=total - blur,
            fit_high=total,
            miss_low=total - most - blur,
            miss_high=total - least + blur,
            error=ROUNDINGS * self.roundoff * 1.5 * total,
            unique=unique,
            flat=False,
            profile=profile,
            phase=(frequencies, weights, reach),
            full_keys=full[0],
            full=full[1],
        )

    def _offset(self, shift: int) -> Kernel:
        """Rotary: sum_p w_p cos theta_p (q + shift - k), keys k <= q."""
        rotary = self.program.positions
        assert isinstance(rotary, Rotary)
        thetas = rotary_frequencies(rotary)
        longest = self.program.sequences.longest
        weights = tuple(float(w) for w in rotary_weights(thetas, shift, longest))
        targets = np.arange(max(0, shift), longest + shift, dtype=np.float64)
        found = margins(np.array(thetas), np.array(weights), longest + abs(shift))
        profile = Profile(found, targets if len(targets) else np.array([0.0]), 0, longest - 1, True, shift)
        total = sum(weights)
        return Kernel(
            fit_low=total,
            fit_high=total,
            miss_low=-total,
            miss_high=total - float(found[1:].min()),
            error=ROUNDINGS * self.roundoff * 1.5 * total,
            unique=True,
            flat=False,
            profile=profile,
            phase=(thetas, weights, longest + abs(shift)),
            full_keys=True,
            full=True,
        )

    # ---------------------------------------------------------------- codes

    def _code(self, code: Code, noise: float) -> Kernel:
        vectors = np.array([[self.number(x) for x in row] for row in code.vectors])
        products = vectors @ vectors.T
        norm = float(np.diag(products).min())
        cross = products - np.diag(np.full(len(vectors), np.inf))
        wrong = max(0.0, float(cross.max())) if len(vectors) > 1 else 0.0
        blur = 2 * norm * min(1.0, noise)
        error = ROUNDINGS * self.roundoff * float(np.abs(vectors).sum(axis=1).max() * np.abs(vectors).max())
        return Kernel(norm - blur, norm, min(0.0, float(products.min())), wrong + blur, error)


def rotary_frequencies(rotary: Rotary) -> tuple[float, ...]:
    """theta_p = base^(-2p/dims), p = 0 .. dims/2 - 1."""
    return tuple(float(rotary.base) ** (-2 * p / rotary.dims) for p in range(rotary.dims // 2))
