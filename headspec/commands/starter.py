"""The spec that ``headspec new`` writes.

In: a name, and a spec to copy if any.  Out: a commented spec that compiles and holds as it is, or the copy renamed.
"""

from __future__ import annotations

import re

from dsl.diagnostics import Diagnostic, SpecError

_TEMPLATE = """\
# What it does: says which token followed the previous copy of the current token.
# Try:  headspec run @NAME@.head "<bos> a b c a"      headspec verify @NAME@.head

model @NAME@
  "An induction head in two layers."

tokens a..z, <bos>
context 32
sequences <bos> (a..z){1,31}  # the valid inputs: every claim is about these

# Directions of the residual stream.
subspace content : onehot(tokens)    # which token stands here
subspace where   : phase(positions)  # at which position, as points on circles
subspace before  : onehot(tokens)    # workspace: the token before this one
subspace guess   : onehot(tokens)    # workspace: the answer

embed token    -> content
embed position -> where

layer
  head previous
    attend key.where == query.where - 1
    rest   key.content == "<bos>"  # where attention goes when nothing fits
    copy   key.content -> before

layer
  head induction
    attend key.before == query.content
    rest   key.content == "<bos>"
    copy   key.content -> guess

predict guess

# What should be true, said without matrices; `headspec verify` checks it.
expect head previous:  key.position == query.position - 1 otherwise key.position == 0
expect head induction: token[key.position - 1] == token[query.position]
expect "<bos> a b c a" -> "b"
"""


def starter_spec(name: str) -> str:
    """The text of a new spec; SpecError E0608 when ``name`` cannot be a model's name."""
    return _TEMPLATE.replace("@NAME@", _checked(name))


def copied_spec(source: str, name: str) -> str:
    """The text of the spec that ``source`` means, its model called ``name``.  SpecError as ``find_spec``, or E0608."""
    from headspec.files import read_text
    from headspec.specs_path import find_spec

    line = f"model {_checked(name)}"
    return re.sub(r"^model\s+\w+", line, read_text(find_spec(source)), count=1, flags=re.MULTILINE)


def _checked(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
        raise SpecError(
            Diagnostic("E0608", f"`{name}` cannot be a model's name", help="letters, digits and `_`, a letter first")
        )
    return name
