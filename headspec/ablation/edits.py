"""What an ablation changes: lines of text -> ``Edit``s on the heads of a program.

In: ``fetch: token[key.position] == "<eoi>" at {5..8}`` and the like, and the ``Program`` whose heads, tokens and params
they speak of.  Out: frozen edits; SpecError E0606 (no such head), E0640 (not of the form), E0641 (no such site), E0642
(no pattern to put in), and the codes of ``expect`` lines for predicates.  Not for: running them (``ablating``).

    zero, pattern      HEAD: KEYS [otherwise KEYS] [at QUERIES]
    ideal, expected    HEAD [at QUERIES]
    patch              SITE [at QUERIES]      SITE: HEAD, `stream L`, or a hook such as `blocks.0.hook_mlp_out`

KEYS and QUERIES are predicates of ``expect`` lines, or short for one: a position, a token, or a set of them,
`{3..5, "a"}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from compiler.claims import HeadExpectation
from compiler.program import Program
from compiler.resolution.claims import resolve_head_expectation
from dsl.diagnostics import Diagnostic, SpecError, did_you_mean
from dsl.expressions import Binary, Comparison, Expr, Member, Name, Number, Range, SetOf, Text, TokenAt, Truth, Unary
from dsl.parser import parse_expression
from dsl.span import Source, Span
from dsl.tree import ExpectHead
from headspec.scope import scope_of

FORMS = {
    "zero": 'HEAD: KEYS [at QUERIES]`, such as `fetch: "<eoi>"` or `fetch: key.position < 3 at {5..8}',
    "pattern": "HEAD: KEYS [otherwise KEYS] [at QUERIES]`, such as `fetch: key.position == query.position - 1",
    "ideal": "HEAD [at QUERIES]`, such as `fetch` or `fetch at {5..8}",
    "expected": "HEAD [at QUERIES]`, such as `fetch` or `fetch at {5..8}",
    "patch": "SITE [at QUERIES]`, where SITE is a head, `stream LAYER` or a hook such as `blocks.0.hook_mlp_out",
}

HOOK = re.compile(r"blocks\.(\d{1,4})\.hook_(resid_pre|resid_mid|resid_post|attn_out|mlp_out)\Z")
STREAM = re.compile(r"stream\s+(\d{1,4})\Z")
LABEL = re.compile(r"L(\d{1,4})H(\d{1,4})\Z")
_WORDS = re.compile(r'"(?:\\.|[^"\\\n])*"|(?<![\w.])(at|otherwise)(?!\w)|(:)')

MOST_EDITS = 64


@dataclass(frozen=True, slots=True)
class Place:
    """A head: ``name`` (``L1H0`` for one that the spec does not name), where it is."""

    name: str
    layer: int
    index: int

    @property
    def place(self) -> str:
        """``L0H1``."""
        return f"L{self.layer}H{self.index}"

    @property
    def label(self) -> str:
        return self.place if self.name == self.place else f"{self.place} {self.name}"

    def is_called(self, word: str) -> bool:
        """True of its name and of its place."""
        return word in (self.name, self.place)


@dataclass(frozen=True, slots=True)
class Zero:
    """The edges from the queries to the keys that ``keys`` is true of carry nothing."""

    text: str
    head: Place
    keys: Expr
    queries: Expr | None
    kind: Literal["zero"] = "zero"


@dataclass(frozen=True, slots=True)
class Pattern:
    """At every query the keys that ``keys`` names (else ``otherwise``) take all the attention, in equal shares."""

    text: str
    head: Place
    keys: Expr
    otherwise: Expr | None
    queries: Expr | None
    kind: Literal["pattern"] = "pattern"


@dataclass(frozen=True, slots=True)
class Ideal:
    """The pattern that the reference meaning gives the head (``ideal``), or its ``expect`` lines (``expected``)."""

    text: str
    head: Place
    queries: Expr | None
    kind: Literal["ideal", "expected"]


@dataclass(frozen=True, slots=True)
class Patch:
    """The activation ``hook`` is that of another text, at the same positions; of one ``head`` alone if given."""

    text: str
    hook: str
    head: Place | None
    queries: Expr | None
    kind: Literal["patch"] = "patch"


Edit = Zero | Pattern | Ideal | Patch


# ------------------------------------------------------------------ reading


class EditReader:
    """Reads edits of one program, for a model of ``layers`` layers with ``heads`` heads each (None: any number)."""

    def __init__(
        self, program: Program, settings: Mapping[str, Fraction], layers: int, heads: int | None = None
    ) -> None:
        self.program = program
        self.layers, self.heads = layers, heads
        self.scope = scope_of(program, settings)

    def read(self, kind: str, lines: str | Sequence[str]) -> tuple[Edit, ...]:
        """One edit per line, of the kind ``zero``, ``pattern``, ``ideal``, ``expected`` or ``patch``."""
        texts = [lines] if isinstance(lines, str) else list(lines)
        if len(texts) > MOST_EDITS:
            raise SpecError(Diagnostic("E0640", f"{len(texts)} edits of one kind, and the most is {MOST_EDITS}"))
        return tuple(self._edit(kind, text) for text in texts)

    def queries(self, text: str, option: str) -> Expr:
        """A set of queries: a predicate, or short for one."""
        return self._predicate(option, Span(0, len(text), Source(f"--{option}", text)), "query")

    def _edit(self, kind: str, text: str) -> Edit:
        parts = _split(kind, text)
        first = parts["head"].text.strip()
        queries = self._part(kind, parts, "at", "query")
        match kind:
            case "zero" | "pattern":
                head = self._head(kind, first, parts["head"])
                keys = self._part(kind, parts, ":", "key") or _everything(kind, parts["head"])
                otherwise = self._part(kind, parts, "otherwise", "key")
                if kind == "pattern":
                    return Pattern(text, head, keys, otherwise, queries)
                return Zero(text, head, keys, queries)
            case "ideal":
                return Ideal(text, self._claiming(kind, first, parts["head"]), queries, "ideal")
            case "expected":
                return Ideal(text, self._claiming(kind, first, parts["head"]), queries, "expected")
            case "patch":
                hook, place = self._site(first, parts["head"])
                return Patch(text, hook, place, queries)
        raise AssertionError(kind)

    # -------------------------------------------------------------- heads and sites

    def _head(self, kind: str, name: str, span: Span) -> Place:
        for head in self.program.heads:
            if head.is_called(name):
                return Place(head.name, head.layer, head.index)
        if label := LABEL.match(name):
            layer, index = int(label[1]), int(label[2])
            if layer < self.layers and (self.heads is None or index < self.heads):
                return Place(name, layer, index)
        if not name:
            raise SpecError(_misread(kind, "an edit begins with a head", span))
        known = [head.name for head in self.program.heads]
        help = did_you_mean(name, known) or f"there is {', '.join(f'`{n}`' for n in known)}"
        raise SpecError(Diagnostic("E0606", f"there is no head called `{name}`", span, "no such head", help))

    def _claiming(self, kind: str, name: str, span: Span) -> Place:
        """A head of the spec; for ``expected`` one with ``expect`` lines."""
        place = self._head(kind, name, span)
        lines = [e for e in self.program.expectations if isinstance(e, HeadExpectation) and e.head == place.name]
        if place.name not in [head.name for head in self.program.heads]:
            message, help = f"the spec says nothing about {name}", "name a head of the spec"
        elif kind == "expected" and not lines:
            message, help = f"no `expect` line speaks of `{name}`", "use --ideal for its reference meaning"
        else:
            return place
        raise SpecError(Diagnostic("E0642", message, span, "no pattern to put in", help))

    def _site(self, name: str, span: Span) -> tuple[str, Place | None]:
        if stream := STREAM.match(name):
            layer = int(stream[1])
            if layer <= self.layers:
                last = layer == self.layers
                return f"blocks.{layer - last}.hook_resid_{'post' if last else 'pre'}", None
            help = f"`stream 0` is the embedding, `stream {self.layers}` what is read out"
            raise SpecError(Diagnostic("E0641", f"there are {self.layers} layers", span, "no such stream", help))
        if hook := HOOK.match(name):
            if int(hook[1]) < self.layers:
                return name, None
            help = f"the last layer is blocks.{self.layers - 1}"
            raise SpecError(Diagnostic("E0641", f"there are {self.layers} layers", span, "no such hook", help))
        known = [head.name for head in self.program.heads]
        if name not in known and not LABEL.match(name):
            near = did_you_mean(name, known)
            help = f"{near + ' ' if near else ''}a site is a head, `stream LAYER`, or `blocks.LAYER.hook_..`"
            raise SpecError(Diagnostic("E0641", f"there is no site called `{name}`", span, "no such site", help))
        head = self._head("patch", name, span)
        return f"blocks.{head.layer}.attn.hook_z", head

    # -------------------------------------------------------------- predicates

    def _part(self, kind: str, parts: Mapping[str, Span], part: str, side: Literal["key", "query"]) -> Expr | None:
        if part not in parts:
            return None
        return self._predicate(kind, parts[part], side)

    def _predicate(self, kind: str, span: Span, side: Literal["key", "query"]) -> Expr:
        if not span.text.strip():
            raise SpecError(_misread(kind, "something is missing here", span))
        whole = _spelled_out(parse_expression(span.text, span.source.name), side)
        return resolve_head_expectation(self.scope, ExpectHead("", whole, None, span=span)).predicate


def _spelled_out(expr: Expr, side: Literal["key", "query"]) -> Expr:
    """``3``, ``"a"``, ``{3..5}``, ``{3, "a"}`` as predicates over the position and the token of ``side``."""
    position = Member(side, "position", span=expr.span)
    token = TokenAt(position, span=expr.span)
    match expr:
        case Number() | Name() | Unary("-", _) | Binary("+" | "-" | "*" | "//" | "mod", _, _):
            return Comparison("==", position, expr, span=expr.span)
        case Text():
            return Comparison("==", token, expr, span=expr.span)
        case Range(Text(), _) | Range(_, Text()):
            return Comparison("in", token, expr, span=expr.span)
        case Range():
            return Comparison("in", position, expr, span=expr.span)
        case SetOf(members) if members:
            tests = [_spelled_out(member, side) for member in members]
            whole = tests[0]
            for test in tests[1:]:
                whole = Binary("or", whole, test, span=expr.span)
            return whole
    return expr


def _everything(kind: str, span: Span) -> Expr:
    """Without KEYS all edges of a head are meant; but a pattern has to say what it is."""
    if kind == "pattern":
        raise SpecError(_misread(kind, "a pattern names the keys that take the attention", span))
    return Truth(True)


def _split(kind: str, text: str) -> dict[str, Span]:
    """The parts of an edit: ``head``, and what follows ``:``, ``otherwise`` and ``at`` outside of quotes."""
    source = Source(f"--{kind}", text)
    allowed = {"zero": (":", "at"), "pattern": (":", "otherwise", "at")}.get(kind, ("at",))
    parts: dict[str, Span] = {}
    current, start = "head", 0
    for match in _WORDS.finditer(text):
        word = match[1] or match[2]
        if word is None:
            continue
        here = Span(match.start(), match.end(), source)
        parts[current] = _trimmed(Span(start, match.start(), source))
        if word not in allowed or word in parts or word == current:
            raise SpecError(_misread(kind, f"`{word}` does not fit here", here))
        current, start = word, match.end()
    parts[current] = _trimmed(Span(start, len(text), source))
    return parts


def _trimmed(span: Span) -> Span:
    text = span.text
    lead = len(text) - len(text.lstrip())
    stop = max(span.start + lead, span.stop - (len(text) - len(text.rstrip())))
    return Span(min(span.start + lead, stop), stop, span.source)


def _misread(kind: str, message: str, span: Span) -> Diagnostic:
    form = FORMS.get(kind)
    return Diagnostic("E0640", message, span, "here", f"the form is `{form}`" if form else None)
