"""Names with scripts, as people type them in LaTeX or plainly -> one plain name.

``W_Q``, ``W_{out}^1``, ``W^{(1)}_O``, ``\\alpha_0``, ``u^{\\cos}_0``, ``u_0^{\\text{cont}}``, ``where.cos0``,
``v_0^T``.

In: a text and where a name starts in it.  Out: ``Written``: the plain name (``W_O1``, ``u_cos_0``), its owner, and
what else the superscripts say.  Not for: what a name refers to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "ζ": "zeta",
    "η": "eta",
    "θ": "theta",
    "ι": "iota",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ν": "nu",
    "ξ": "xi",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "φ": "phi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
    "Δ": "Delta",
    "Λ": "Lambda",
    "Ω": "Omega",
}
LETTERS = frozenset((*GREEK.values(), "varepsilon", "vartheta", "varphi", "ell", "Gamma", "Theta", "Sigma", "Phi"))
"""Commands that are a letter: ``\\alpha``."""

FONTS = (
    "text",
    "textrm",
    "textbf",
    "textit",
    "textsf",
    "mathrm",
    "mathbf",
    "mathit",
    "mathsf",
    "mathcal",
    "mathbb",
    "operatorname",
    "boldsymbol",
    "bm",
    "vec",
    "rm",
    "bf",
)
"""Commands that only say how the name after them looks."""

TRANSPOSES = ("T", "⊤", "ᵀ", "top", "intercal", "transpose")
MAX_SCRIPT = 200
"""A script in braces that is longer is no part of a name."""

_FONT = r"\\(?:" + "|".join(FONTS) + r")(?![A-Za-z])\s*"
_BASE = re.compile(
    rf"(?P<font>{_FONT})?(?P<brace>\{{\s*)?(?:\\(?P<letter>[A-Za-z]+)|(?P<word>[^\W\d_ᵀ⊤][^\W_ᵀ⊤]*|(?<=\.)\d+))"
)
_SCRIPT = re.compile(r"[ \t]*(?:(?P<kind>[_^])[ \t]*|(?P<sign>ᵀ|⊤))")
_RUN = re.compile(r"[^\W_ᵀ⊤]+")
_RUN_OF_W = re.compile(r"(?:QK|OV|VO)\d*(?![A-Za-z])|[A-Z]\d*(?![a-z])|[^\W_ᵀ⊤]+")
_RUN_ABOVE = re.compile(r"\d+|T|⊤|ᵀ|[^\W\d_]+")
_COMMAND = re.compile(r"\\[A-Za-z]+(?:\s*\{\s*\w*\s*\})?")
_WORDS = re.compile(rf"{_FONT}|\\[,;:! ]|[{{}}(),\s_]|(?P<word>\\?[^\W\d_]+\d*|\d+|⊤)|(?P<other>.)")
_MEMBER = re.compile(r'\.(?!T(?!\w))(?:"(?P<text>[^"\\\n]*)"|(?=\w))')


@dataclass(frozen=True, slots=True)
class Written:
    """A name from ``start`` to ``stop``: ``owner.name`` or ``name``, transposed so many times, to a ``power``.

    ``trouble`` is where a script stands that is no part of a name."""

    name: str
    start: int
    stop: int
    owner: str = ""
    transposed: int = 0
    power: str = ""
    trouble: tuple[int, int] | None = None

    @property
    def full(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name


def read_name(text: str, start: int, formula: bool = False) -> Written | None:
    """The name that starts at ``start``, with its scripts; None if none does.

    In a ``formula`` a number above is an index (``W^1`` is W1); elsewhere it is a power, but for the matrices W."""
    written = _read_plain(text, start, formula)
    if written is None:
        return None
    member = _MEMBER.match(text, written.stop)
    if member is None or written.owner or written.transposed or written.power or written.trouble:
        return written
    if member["text"] is not None:
        return Written(member["text"], start, member.end(), written.name)
    inner = _read_plain(text, member.end(), formula)
    if inner is None or inner.owner:
        return written
    return Written(inner.name, start, inner.stop, written.name, inner.transposed, inner.power, inner.trouble)


def _read_plain(text: str, start: int, formula: bool) -> Written | None:
    match = _BASE.match(text, start)
    if match is None or match["brace"] and not match["font"]:
        return None
    base, letter = match["word"], match["letter"]
    if letter is not None:
        if letter not in LETTERS:
            return None
        base = letter
    base = GREEK.get(base[0], base[0]) + base[1:]
    scripts = _Scripts(text, match.end(), base, formula)
    scripts.read()
    if match["brace"]:
        closed = re.compile(r"\s*\}").match(text, scripts.at)
        if closed is None:
            return None
        scripts.at = closed.end()
        scripts.read()
    return scripts.written(start)


class _Scripts:
    """Reads the scripts after ``base``, in any order, up to one that is an expression (a power)."""

    def __init__(self, text: str, at: int, base: str, formula: bool) -> None:
        self.text = text
        self.at = at
        self.base = base
        self.formula = formula
        self.below: list[str] = []
        self.above: list[str] = []
        self.index = ""
        self.power = ""
        self.transposed = 0
        self.trouble: tuple[int, int] | None = None

    def read(self) -> None:
        while match := _SCRIPT.match(self.text, self.at):
            if match["sign"]:
                self.transposed += 1
                self.at = match.end()
                continue
            content, stop = self.argument(match.end(), match["kind"])
            words = _words(content) if content is not None else None
            if match["kind"] == "^":
                if words is None or not self.take_above(words, content or ""):
                    return
            elif words is None:
                self.trouble = (match.start("kind"), stop)
            else:
                self.below.append(self.join(words))
            self.at = stop

    def argument(self, at: int, kind: str) -> tuple[str | None, int]:
        """What a script says, and where it ends."""
        if self.text.startswith("{", at):
            return _braced(self.text, at)
        run = _RUN_ABOVE if kind == "^" else _RUN_OF_W if self.base == "W" else _RUN
        match = _COMMAND.match(self.text, at) or run.match(self.text, at)
        return (match.group(), match.end()) if match else (None, at)

    def take_above(self, words: list[str], content: str) -> bool:
        """Whether the superscript is part of the name; a power that is an expression is not."""
        if words[-1] in TRANSPOSES:
            self.transposed += 1
            words = words[:-1]
        if not words:
            return True
        if not all(word.isdigit() for word in words):
            if words[0].isdigit():
                return False
            self.above.append("_".join(words))
        elif self.base == "W" or self.formula:
            self.index += "".join(words)
        elif "(" in content:
            self.above.append("_".join(words))
        elif len(words) > 1 or self.power:
            return False
        else:
            self.power = words[0]
        return True

    def join(self, words: list[str]) -> str:
        if self.base == "W" or all(len(word) == 1 and word.isalpha() for word in words):
            return "".join(words)
        return "_".join(words)

    def written(self, start: int) -> Written:
        owner = ""
        if self.base == "W":
            owner, self.above = "_".join(self.above), []
            self.below[:1] = [re.sub(r"^out(?=\d*$)", "O", word) for word in self.below[:1]]
        name = "_".join([self.base, *self.above, *self.below]) + self.index
        return Written(name, start, self.at, owner, self.transposed, self.power, self.trouble)


def _braced(text: str, at: int) -> tuple[str | None, int]:
    """The inside of the braces that open at ``at``, and where they end; None if they are long or do not close."""
    depth = 0
    for index in range(at, min(len(text), at + MAX_SCRIPT)):
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0:
            return text[at + 1 : index], index + 1
    return None, at + 1


def _words(content: str) -> list[str] | None:
    """The words of a script, commands without their backslash; None if it holds anything else, or nothing."""
    words = []
    for match in _WORDS.finditer(content):
        if match["other"]:
            return None
        if match["word"]:
            words.append(match["word"].lstrip("\\"))
    return words or None
