"""Catalogue entries for the MLPs that realise compute lines (E0520-E0539).

In: nothing (pure data).  Out: ``ENTRIES``.  Not for: merging (``dsl.catalogue``).
"""

from __future__ import annotations

from dsl.catalogue.entry import Entry

_TOP = """\
model example
tokens 0..9, "a"
context 8
subspace one : constant
subspace digit : scalar(0..9)
subspace left : scalar(0..250)
subspace right : scalar(0..250)
subspace half : scalar(0..62500)
subspace where : phase(positions, frequencies = [1, 1/3])
subspace other : phase(0..21, frequencies = [1, 1/3])
subspace result : scalar(0..62500)
embed token -> digit
embed position -> where
"""


def _entry(code: str, title: str, explanation: str, wrong: str, right: str) -> Entry:
    return Entry(code, title, explanation, _TOP + wrong, _TOP + right, phase="compile")


_PRODUCT = """\
layer
  compute left = digit
  compute right = digit
layer
"""

ENTRIES: tuple[Entry, ...] = (
    _entry(
        "E0520",
        "more than one layer of neurons can do",
        "The computes of a layer are one layer of neurons: sums of functions of one integer combination of what "
        "is read, products of two numbers, and either of these under a condition. What is a function of such a "
        "result needs another layer. The compiler does such a line in steps: it gives an inner part a subspace of its "
        "own (`result.part1`), one layer earlier, and says so. It cannot where no part fits into a layer, or where the "
        "line stands in a `layer` block before which no layer has all that the part reads: blocks stay as they are "
        "written. Where few combinations of values exist, any function of them fits into one layer.",
        _PRODUCT + "  compute result = (left * right) mod 7\n",
        _PRODUCT + "layer\n  compute result = (left * right) mod 7\n",
    ),
    _entry(
        "E0521",
        "too many neurons",
        "An MLP may have as many neurons as the spec says (`neurons 512`), and at most 16,384. A function of a number "
        "takes about one neuron for every value at which its slope changes; AND gates take one for every class of "
        "combinations. Numbers (scalar) and tables over one one-hot are read by a linear map and take none.",
        "subspace n : scalar(0..40000)\nsubspace m : scalar(0..1)\nlayer\n  compute n = 1000 * digit\n"
        "layer\n  compute m = n mod 2\n",
        "subspace n : scalar(0..40000)\nsubspace m : scalar(0..4)\nlayer\n  compute n = 1000 * digit\n"
        "layer\n  compute m = n // 10000\n",
    ),
    _entry(
        "E0522",
        "a phase shows no value to an MLP, and some codes show none",
        "A neuron sees a linear map of the stream. A scalar is its value, a one-hot shows any function of its "
        "value, but no linear map of a phase is its value. Two phases can be added and subtracted, "
        "and the result is a phase again; of a pair of phases only the sum shows. For anything else hold the value in "
        "a second subspace. The values of a code "
        "lie apart on some direction, and are read by steps along it, unless symbols stand in its vectors, two pairs "
        "of them add up to the same, or they are too many.",
        "subspace place : onehot(0..7)\nlayer\n  compute place = where\n",
        "subspace place : onehot(0..7)\nembed position -> place\nlayer\n  compute other = where + 1\n",
    ),
    _entry(
        "E0523",
        "phases that do not add up",
        "The sum or difference of two phases is made frequency by frequency, so all of them need the same frequencies. "
        "Each frequency comes out scaled by |cos| of half a difference of the two; where too many of these are "
        "small at once, values cannot be told apart, and more frequencies are needed. A layer adds two phases, "
        "not three.",
        "layer\n  compute other = where + where + where\n",
        "layer\n  compute other = where + 2\n",
    ),
    _entry(
        "E0524",
        "rounding could change a computed value",
        "Integers are exact in floats up to 2^24 in float32, 2^11 in float16 and 2^8 in bfloat16. Where neurons "
        "see larger numbers than that, or parts that are no multiples of a power of two, rounding may move the "
        "result; beyond an eighth of the step between two values the line is refused. So are steep lines of the mean "
        "that a head brings from several keys: a third is rounded. This is what roundings are expected "
        "to do; `headspec compile` says of every line whether the worst order of its sums, with what earlier lines "
        "pass on, is proved to lose no value.",
        "dtype bfloat16\nsubspace n : scalar(-9..900)\nsubspace m : scalar(0..9)\nlayer\n  compute n = 101 * "
        "digit - 9\nlayer\n  compute m = n mod 10\n",
        "dtype float32\nsubspace n : scalar(-9..900)\nsubspace m : scalar(0..9)\nlayer\n  compute n = 101 * digit - 9\n"
        "layer\n  compute m = n mod 10\n",
    ),
    Entry(
        "E0525",
        "gelu or silu is not near enough to relu",
        "gelu and silu stand for relu at a power-of-two scale K up to 4096: act(K z)/K. Away from z = 0 they "
        "differ from relu by very little; where a line has so steep slopes that even this could change a value, "
        "it is refused.",
    ),
)
