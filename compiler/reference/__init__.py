"""The reference meaning of a program, by an interpreter that knows no matrices.

In: a ``Program`` and token ids.  Out: ``Meaning``.  Not for: anything the compiled side knows: no code is shared with
``exact``, ``circuits``, ``factorization``, ``sharpness`` or ``mlp``, so that the two can be held against each other.

``interpretation`` runs the layers, ``completion`` goes on with prompts, ``fit`` finds the keys that fit, ``values`` are
what a subspace holds (pure, mixed, raw), ``reading`` what relations see of it, ``moving`` how it is copied, ``soft``
is the softmax of exact scores, ``compute`` is what happens between heads, ``predictions`` are the tokens that are right
in the end, ``numbers`` evaluates the arithmetic of a spec.
"""

from compiler.reference.interpretation import interpret
from compiler.reference.meaning import HeadMeaning, Meaning, Prediction, Status
from compiler.reference.numbers import evaluate_number
from compiler.reference.values import Kind, Reading

__all__ = ["HeadMeaning", "Kind", "Meaning", "Prediction", "Reading", "Status", "evaluate_number", "interpret"]
