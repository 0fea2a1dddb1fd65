"""What could have stood here, in words: sets of Lark's terminals -> phrases.

In: the terminals a parser state accepts, and a keyword.  Out: ``a name or `:```, the form of a whole line.
Not for: deciding which mistake it was (``syntax_errors``).
"""

from __future__ import annotations

from collections.abc import Set

_EXPRESSION = {"NUMBER", "LPAR", "LSQB", "NAME"}
_STARTERS = _EXPRESSION | {"STRING", "FEATURE", "_TOKEN", "_D_HEAD", "LBRACE", "MINUS", "NOT", "TRUE", "FALSE"}
_OPERATORS = {"PLUS", "MINUS", "STAR", "SLASH", "MOD", "HAT", "COMPARE", "MORE", "IN", "AND", "OR", "DOT"}
_PATTERN = {"QMARK", "STAR", "PLUS", "LBRACE", "VBAR", "LPAR", "WORD", "SPECIAL", "STRING"}

_PHRASES = {
    "NAME": "a name",
    "WORD": "a token",
    "NUMBER": "a number",
    "SLOT": "a place `LAYER.INDEX` such as `0.3`",
    "SOURCE": "`token` or `position`",
    "POSITION": "`position`",
    "MEMBER": "a feature or component, such as `content`",
    "LSQB": "`[`",
    "STRING": "a quoted text",
    "COLON": "`:`",
    "ARROW": "`->`",
    "EQUAL": "`=`",
    "COMMA": "`,`",
    "DOTS": "`..`",
    "DOT": "`.`",
    "LPAR": "`(`",
    "LBRACE": "`{`",
    "RPAR": "`)`",
    "RSQB": "`]`",
    "RBRACE": "`}`",
    "MORE": "`>`",
    "_HEAD": "`head`",
    "_LIKE": "`like`",
    "_BY": "`by`",
    "_ROWS": "`rows`",
    "_COLUMNS": "`columns`",
    "_WHEN": "`when`",
    "_STRENGTH": "`strength`",
    "_SHARE": "`share`",
    "_THROUGH": "`through`",
    "_OTHERWISE": "`otherwise`",
    "_AT": "`at`",
    "_AS": "`as`",
    "_AFTER": "`after`",
    "_FOR": "`for`",
    "IN": "`in`",
    "_THEN": "`then`",
    "_ELSE": "`else`",
    "_D_HEAD": "`d_head`",
    "SOFT": "`soft`",
    "$END": "the end of the line",
}

FORMS = {
    "model": "model NAME",
    "tokens": 'tokens a..z, 0..9, <bos>, "("',
    "context": "context 64",
    "sequences": "sequences <bos> (a..z){1,63}",
    "generate": "generate SLOT, SLOT",
    "mass": "mass 0.99",
    "dtype": "dtype float32",
    "residual": "residual 16",
    "basis": "basis hadamard",
    "biases": "biases allowed",
    "positions": "positions rotary(base = 10000, dims = 16, layout = half)",
    "symbol": "symbol NAME [> 0] [= VALUE]",
    "param": "param NAME = VALUE",
    "table": 'table NAME: "a" -> "b", "c" -> {"d", "e"}',
    "layout": 'layout a0 a1 "+" b0 b1 "=" c0 c1',
    "subspace": "subspace NAME : ENCODING [at 0..3]",
    "embed": "embed token -> SUBSPACE",
    "activation": "activation relu",
    "neurons": "neurons 512",
    "for": "for NAME in 0..3",
    "layer": "layer",
    "predict": "predict SUBSPACE [as tokens]",
    "expect": 'expect head NAME: PREDICATE [otherwise PREDICATE]`, `expect "TOKENS" -> "TOKEN"`, `.. ->* "TOKENS"`, or '
    "`expect SUBSPACE after POSITION == VALUE",
    "head": "head NAME [at LAYER.INDEX] [d_head N] [soft]",
    "compute": "compute SUBSPACE = EXPRESSION",
    "attend": "attend key.A == query.B [when query.C == VALUE] [strength S] [share 1/2]",
    "avoid": "avoid key.A == query.B [when query.C == VALUE] [strength S]",
    "rest": 'rest key.A == "TOKEN"',
    "prefer": "prefer latest by SUBSPACE",
    "copy": "copy key.A [through TABLE] -> B",
    "W_Q": "W_Q = [[..], ..]`, or `W_Q = rows V, ..",
    "W_K": "W_K = [[..], ..]`, or `W_K = rows V, ..",
    "W_V": "W_V = [[..], ..]`, or `W_V = rows V, ..",
    "W_O": "W_O = [[..], ..]`, or `W_O = columns V, ..",
}
"""The form of each line, by its first word (two forms are joined so that they read well between backquotes)."""


def phrase(accepted: Set[str]) -> str:
    """``an expression``, ``a name or `->```, ... for a set of terminals; empty when nothing fits."""
    phrases = []
    left = set(accepted)
    if left >= _EXPRESSION:
        phrases.append("an expression")
        left -= _STARTERS
    elif "SOURCE" in left:
        left &= {"SOURCE"}  # an expression of it is possible, and begins with it all the same
    elif "WORD" in left and "VBAR" in left:
        left -= _PATTERN | {"DOTS", "MINUS"}
        phrases += ["a token", "`|`", "a count such as `{1,8}`"]
    elif "WORD" in left:
        left -= {"SPECIAL", "STRING"} | ({"LPAR", "MINUS"} if "MINUS" in left else set())
    elif "SLASH" in left and "MOD" not in left:
        left -= _OPERATORS | {"DOTS"}  # between tokens: possible, and rarely what is missing
    elif left & _OPERATORS > {"PLUS"}:
        left -= _OPERATORS
        phrases.append("an operator")
    if left - {"LSQB", "NAME", "_ROWS", "_COLUMNS"}:
        left -= {"LSQB"}  # an index is possible after every name, and rarely what is missing
    phrases += [words for terminal, words in _PHRASES.items() if terminal in left]
    return join(phrases)


def join(phrases: list[str]) -> str:
    """``a, b or c``."""
    return " or ".join([", ".join(phrases[:-1]), phrases[-1]]) if len(phrases) > 1 else "".join(phrases)


def keywords(accepted: Set[str]) -> tuple[str, ...]:
    """The words of the language among the accepted terminals, for a did-you-mean."""
    words = [_PHRASES[t].strip("`") for t in accepted if _PHRASES.get(t, "").startswith("`")]
    words += [t.lower() for t in accepted if t in ("AND", "OR", "NOT", "MOD")]
    words += ["token", "position"] if "SOURCE" in accepted else []
    return tuple(sorted(w for w in words if w.isidentifier()))


def form(keyword: str) -> str | None:
    """``the form is `predict SUBSPACE```, for the help of an error in a line that starts so."""
    return f"the form is `{FORMS[keyword]}`" if keyword in FORMS else None
