"""Mathematics as people type it, in LaTeX or plainly -> tokens with their places.

In: a source (comments and fences already blank).  Out: Lark tokens: names made plain (``math_names``), numbers, signs,
environments; spacing, fonts and the ``$`` around formulas are dropped.  What is no mathematics goes to the collector
and leaves a BAD token, or BAD_END for an environment.  Not for: what the tokens say together (``latex``, ``formulas``).
"""

from __future__ import annotations

import re

from lark import Token

from dsl.answers.math_names import FONTS, LETTERS, read_name
from dsl.diagnostics import Collector, did_you_mean
from dsl.layout import MAX_ERRORS
from dsl.span import Source, Span

MATRICES = ("matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array")
SURROUNDINGS = (
    "align",
    "aligned",
    "equation",
    "gather",
    "gathered",
    "split",
    "eqnarray",
    "displaymath",
    "math",
    "flalign",
    "multline",
)
DOTS = ("ldots", "cdots", "dots", "vdots", "ddots", "dotsc", "dotsb")
_FUNCTIONS = {"cos": "FUNCTION", "sin": "FUNCTION", "sqrt": "ROOT"}
_SIGNS = {
    "+": "PLUS",
    "-": "MINUS",
    "−": "MINUS",
    "–": "MINUS",
    "*": "STAR",
    "·": "STAR",
    "⋅": "STAR",
    "×": "STAR",
    "∗": "STAR",
    "@": "STAR",
    "/": "SLASH",
    "^": "HAT",
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    "{": "LBRACE",
    "}": "RBRACE",
    ",": "COMMA",
    ";": "SEMICOLON",
    ".": "FULLSTOP",
    "&": "AMP",
    "=": "EQUAL",
    "'": "TRANSPOSE",
    "ᵀ": "TRANSPOSE",
    "⊤": "TRANSPOSE",
}
_COMMANDS = {"cdot": "STAR", "times": "STAR", "ast": "STAR", "coloneqq": "EQUAL", "cr": "NEWROW", "top": "TRANSPOSE"}
_DROPPED = (
    "quad",
    "qquad",
    "displaystyle",
    "textstyle",
    "limits",
    "nonumber",
    "notag",
    "hline",
    "left",
    "right",
    "big",
    "Big",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "bigg",
    "Bigg",
    "mathstrut",
    "noindent",
    "centering",
    "par",
    "enspace",
    "thinspace",
)
_WITH_ARGUMENT = ("hspace", "vspace", "label", "tag")
_NO_FUNCTION = "the functions are `\\cos`, `\\sin` and `\\sqrt`"
_NO_PRODUCT = "products are written side by side, or with `\\cdot`"
_NOT_HERE = {
    **dict.fromkeys(("tan", "cot", "exp", "log", "ln", "arctan", "arccos", "arcsin", "sum", "prod"), _NO_FUNCTION),
    **dict.fromkeys(("otimes", "oplus", "circ", "odot", "bullet"), _NO_PRODUCT),
}
_FRACTIONS = ("frac", "dfrac", "tfrac", "cfrac")
_ASIDES = ("and", "where", "with", "for")
_PIECE = re.compile(
    r"""(?P<blank>[ \t\n~]+ | \\[,;:!>\ \n] | \$\$? | \\[\[\]()])
      | (?P<newrow>\\\\(?:\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm|in)\s*\])?)
      | (?P<environment>\\(?P<which>begin|end)\s*\{\s*(?P<name>[A-Za-z]*)\*?\s*\})
      | (?P<command>\\[A-Za-z]+)
      | (?P<number>\d+(?:\.\d+)?|\.\d+)
      | (?P<word>[^\W\d_ᵀ⊤])
      | (?P<transposed>\.T(?!\w) | \^\s*(?:T(?![a-z])|⊤|\\top(?![A-Za-z])|\{\s*(?:T|\\top|\\intercal|⊤)\s*\}))
      | (?P<ellipsis>\.\.+|…)
      | (?P<assign>:=)
      | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_HEAD = re.compile(r"head[ \t]+(\w+)[ \t]*:?[ \t]*(?=\n|\Z)")
_TEXT = re.compile(r"\\(?:text|mathrm|textrm|mbox)\s*\{([^{}]{0,200})\}")
_AFTER_BEGIN = {"array": re.compile(r"\s*\{[lcr|\s]*\}"), "aligned": re.compile(r"\s*\[[tbc]\]")}
_ARGUMENT = re.compile(r"\*?\s*\{[^{}]{0,200}\}")
_BRACKET = r"(?=\s*(?:\\left\s*)?\()"
_CALLED = re.compile(rf"(cos|sin|sqrt){_BRACKET}")
_FORMULA_CALLED = re.compile(
    r"(?:(softmax|transpose)|\\(softmax)|\\(?:operatorname|text|mathrm)\s*\{\s*(softmax)\s*\})" + _BRACKET
)
_SUM = re.compile(r"(?:\\sum(?:\\limits)?|sum|∑)(?![^\W\d_])")
_LIMITS = re.compile(r"\s*[_^]\s*(?:\{([^{}]{1,100})\}|(\\?\w))")


def tokenize(source: Source, text: str, collector: Collector, formula: bool = False) -> list[Token]:
    """The tokens of ``text``, which stands where ``source.text`` does.  ``formula``: names are matrices and vectors."""
    tokenizer = _Tokenizer(source, text, collector, formula)
    tokenizer.run()
    return tokenizer.tokens


def span_of(source: Source, first: Token, last: Token | None = None) -> Span:
    """From the first character of ``first`` to the last of ``last``."""
    start, stop = first.start_pos, (last or first).end_pos
    assert start is not None and stop is not None
    return Span(start, max(stop, start + 1), source)


class _Tokenizer:
    def __init__(self, source: Source, text: str, collector: Collector, formula: bool) -> None:
        self.source = source
        self.text = text
        self.collector = collector
        self.formula = formula
        self.tokens: list[Token] = []
        self.digits = 0  # so many arguments of a fraction are still single digits if they are digits: \frac12

    def run(self) -> None:
        at = 0
        while at < len(self.text):
            at = self.special(at) or self.piece(at)

    def emit(self, terminal: str, value: str, start: int, stop: int) -> int:
        if terminal != "NUMBER":
            self.digits = 0
        self.tokens.append(Token(terminal, value, start_pos=start, end_pos=stop))
        return stop

    def refuse(self, code: str, message: str, start: int, stop: int, label: str, help: str | None) -> int:
        if len(self.collector.found) < MAX_ERRORS:
            self.collector.add(code, message, Span(start, stop, self.source), label=label, help=help)
        return self.emit("BAD", self.text[start:stop], start, stop)

    def piece(self, at: int) -> int:
        match = _PIECE.match(self.text, at)
        assert match is not None
        kind, stop = match.lastgroup, match.end()
        match kind:
            case "blank":
                return stop
            case "newrow":
                return self.emit("NEWROW", match.group(), at, stop)
            case "command":
                return self.command(match.group()[1:], at, stop)
            case "number":
                return self.number(match.group(), at)
            case "word":
                return self.name(at) or self.sign(match.group(), at)
            case "transposed":
                return self.emit("TRANSPOSE", match.group(), at, stop)
            case "ellipsis":
                return self.ellipsis(at, stop)
            case "assign":
                return self.emit("EQUAL", match.group(), at, stop)
            case "sign":
                return self.sign(match.group(), at)
        return self.environment(match["which"], match["name"], at, stop)

    # ------------------------------------------------------------------ what is more than one piece

    def special(self, at: int) -> int | None:
        """Heads on a line of their own, functions with their bracket, sums."""
        first = self.text[at]
        if first == "h" and (match := _HEAD.match(self.text, at)) and self.begins_line(at):
            self.emit("HEAD", match.group(1), at, match.end(1))
            return match.end()
        if match := _CALLED.match(self.text, at) if first in "cs" else None:
            return self.emit(_FUNCTIONS[match.group(1)], match.group(1), at, match.end(1))
        if not self.formula or first not in "st∑\\":
            return None
        if match := _FORMULA_CALLED.match(self.text, at):
            return self.emit("FUNCTION", next(word for word in match.groups() if word), at, match.end())
        match = _SUM.match(self.text, at)
        return self.sum(at, match.end()) if match else None

    def begins_line(self, at: int) -> bool:
        return not self.text[self.text.rfind("\n", 0, at) + 1 : at].strip()

    def sum(self, at: int, stop: int) -> int:
        """``\\sum_{k=0}^{q}`` is the sum over k: the bounds are those of the attention, whatever they are called."""
        index = ""
        for _ in range(2):
            if limits := _LIMITS.match(self.text, stop):
                below = "_" in limits.group()[: len(limits.group()) - len(limits.group().lstrip()) + 1]
                word = re.search(r"[^\W\d_]+", limits[1] or limits[2])
                index = word.group() if below and word else index
                stop = limits.end()
        return self.emit("SUM", f"sum_{index}" if index else "sum", at, stop)

    def name(self, at: int) -> int | None:
        written = read_name(self.text, at, self.formula)
        if written is None:
            return None
        if written.trouble is not None:
            start, stop = written.trouble
            help = "write one word or number below, such as `x_q` or `u_{10}`"
            self.refuse("E0710", "this script is no part of a name", start, max(stop, start + 1), "not a name", help)
            return max(written.stop, at + 1)
        if not written.owner and written.name in _ASIDES:
            return self.emit("ASIDE", written.name, at, written.stop)
        terminal = "MEMBER" if written.owner else "NAME"
        self.emit(terminal, f"{written.owner}\n{written.name}" if written.owner else written.name, at, written.stop)
        for _ in range(written.transposed):
            self.emit("TRANSPOSE", "^T", written.stop - 1, written.stop)
        if written.power:
            self.emit("HAT", "^", written.stop - 1, written.stop)
            self.emit("NUMBER", written.power, written.stop - 1, written.stop)
        return written.stop

    def number(self, digits: str, at: int) -> int:
        if self.digits and digits[0] != ".":
            self.digits -= 1
            digits = digits[0]
        return self.emit("NUMBER", digits, at, at + len(digits))

    def ellipsis(self, at: int, stop: int) -> int:
        help = "write every entry: what goes on is not guessed"
        return self.refuse("E0711", "dots leave something out", at, stop, "what stands here?", help)

    def sign(self, sign: str, at: int) -> int:
        if sign in _SIGNS:
            return self.emit(_SIGNS[sign], sign, at, at + 1)
        shown = f"`{sign}`" if sign.isprintable() else f"U+{ord(sign):04X}"
        return self.refuse("E0710", f"{shown} means nothing in an answer", at, at + 1, "not known here", "delete it")

    # ------------------------------------------------------------------ commands

    def command(self, name: str, at: int, stop: int) -> int:
        if name in LETTERS or name in FONTS:
            return self.name(at) or self.font(at, stop)
        if name in _DROPPED:
            return stop + 1 if name in ("left", "right") and self.text[stop : stop + 1] == "." else stop
        if name in DOTS:
            return self.ellipsis(at, stop)
        if name in _FRACTIONS:
            self.emit("FRACTION", name, at, stop)
            self.digits = 2
            return stop
        if name in _FUNCTIONS:
            return self.emit(_FUNCTIONS[name], name, at, stop)
        if name in _COMMANDS:
            return self.emit(_COMMANDS[name], f"\\{name}", at, stop)
        if name in _WITH_ARGUMENT and (match := _ARGUMENT.match(self.text, stop)):
            return match.end()
        return self.unknown(name, at, stop)

    def font(self, at: int, stop: int) -> int:
        """Words among the formulas (``\\text{and}``), or a font for what is no single name."""
        if match := _TEXT.match(self.text, at):
            return self.emit("ASIDE", match.group(1), at, match.end())
        return stop

    def unknown(self, name: str, at: int, stop: int) -> int:
        if len(self.collector.found) >= MAX_ERRORS:
            return self.emit("BAD", name, at, stop)
        if name in _NOT_HERE:
            return self.refuse("E0707", f"`\\{name}` is not known here", at, stop, "not known", _NOT_HERE[name])
        known = (*LETTERS, *_FUNCTIONS, *_FRACTIONS, *_COMMANDS, "begin", "end")
        help = did_you_mean(name, known)
        near = re.search(r"`(.*)`", help) if help else None
        help = (
            f"did you mean `\\{near[1]}`?" if near else "known are Greek letters, `\\frac`, `\\sqrt`, `\\cos`, `\\sin`"
        )
        return self.refuse("E0707", f"the command `\\{name}` is not known here", at, stop, "not known", help)

    def environment(self, which: str, name: str, at: int, stop: int) -> int:
        if name in SURROUNDINGS:
            after = _AFTER_BEGIN["aligned"].match(self.text, stop) if which == "begin" else None
            return after.end() if after else stop
        if name not in MATRICES:
            if which == "end":
                return self.emit("BAD_END", name, at, stop)
            known = did_you_mean(name, (*MATRICES, *SURROUNDINGS)) or "write a matrix as `bmatrix` or `pmatrix`"
            return self.refuse("E0707", f"the environment `{name}` is not known here", at, stop, "not known", known)
        after = _AFTER_BEGIN["array"].match(self.text, stop) if which == "begin" and name == "array" else None
        return self.emit(which.upper(), name, at, after.end() if after else stop)
