"""Random specs over nearly the whole language, for properties that hold of whatever compiles.

In: one source of randomness.  Out: text.  Not for: specs that must compile; ``without_refused_lines`` takes lines away
until one does.
"""

from __future__ import annotations

from random import Random

import headspec

SEQUENCES = (
    "<bos> (a|b|0|1|2){1,3}",
    "<bos>? (a|1|2){1,4}",
    "(<bos>|a|2){1,5}",
    "<bos> (a <pad> | b 1 | 2){1,2}",
    "(<bos>|<pad>) (a|b|1){1,3}",
    "<bos> <pad>? (a|b|0){1,3}",
)
BASES = ("residual 128\nbasis hadamard", "basis reflection", "basis rotation(3, 4, 5)", "residual 100")
PHASES = (
    "3",
    "frequencies = [1, 0.3]",
    "frequencies = [pi/4, pi/5]",
    "frequencies = fourier",
    "frequencies = [1, 1/3], magnitudes = [2, 1/2]",
    "frequencies = [0.05]",
)
COPIES_OF = {
    "c1": "content",
    "c2": "content",
    "p1": "where",
    "s1": "slot",
    "d1": "digit",
    "q1": "square",
    "i1": "index",
    "l1": "letter",
    "n1": "number",
    "t1": "turn",
}
BY_TOKEN = ("content", "digit", "some", "turn", "few", "number", "letter")
BY_POSITION = ("slot", "part", "where", "square", "index")
TABLES = """\
table next: "a" -> "b", "b" -> "1", "1" -> "a"
table group: "a" -> {"a", "b"}, "b" -> {"1"}, "2" -> {"2", "<pad>"}
table up: 0 -> 1, 1 -> 2
table name: 0 -> "a", 1 -> "1"
"""
FIRST = """\
key.content == query.content
key.content != query.content
key.content == next(query.content)
key.content in group(query.content)
key.letter == query.letter
key.letter == "a"
key.letter == query.content
key.content in {"a", "2"}
key.content == "b"
key.content != "<bos>"
key.digit == query.digit SHIFT
key.digit < query.digit
key.digit == up(query.digit)
key.digit <= 1
key.some == query.some
key.some == "a"
key.some != query.some
key.slot == query.slot SHIFT
key.slot < query.slot
key.slot >= query.part
key.part == query.slot SHIFT
key.part in {1, 3}
key.where == query.where SHIFT
key.where == query.slot SHIFT
key.slot == query.where SHIFT
key.where == 1
key.where == query.part SHIFT
key.turn == query.turn SHIFT
key.turn == 1
key.turn == query.digit SHIFT
key.square == query.index SHIFT
key.square == query.slot SHIFT
key.square == query.square SHIFT
key.square == 2
key.few == query.number SHIFT
key.few == query.digit SHIFT
key.few == 1
key.square == query.number SHIFT""".splitlines()
LATER = """\
key.c1 == query.content
key.content == query.c1
key.c1 == query.c1
key.c1 != query.content
key.c1 == "a"
key.c1 in {"b", "<bos>"}
key.c1 in group(query.content)
key.where == query.p1 SHIFT
key.p1 == query.where SHIFT
key.p1 == query.p1 SHIFT
key.slot == query.s1 SHIFT
key.s1 == query.slot SHIFT
key.s1 < query.s1
key.square == query.i1 SHIFT
key.q1 == query.index SHIFT
key.q1 == query.i1 SHIFT
key.d1 == query.digit SHIFT
key.digit == query.d1 SHIFT
key.l1 == query.letter
key.letter == query.l1
key.t1 == query.turn""".splitlines()
SHIFTS = ("", "", "- 1", "- 2", "+ 1", "- k", "- 3")
WHENS = (
    "query.slot == 3",
    "query.slot in {2, 4}",
    'query.content == "b"',
    'query.content in {"a", "1"}',
    "query.digit == 1",
    "query.position == 2",
)
LATER_WHENS = ('query.c1 == "a"', "query.d1 == 1", "query.s1 in {0, 1}")
RESTS = (
    *['key.content == "<bos>"'] * 6,
    'key.content in {"<bos>", "<pad>"}',
    'key.content == "a"',
    'key.some == "a"',
    "key.slot == 0",
    "key.part == 1",
    "key.digit == 1",
)
MOVES = """\
key.content -> c1
key.content through next -> c1
1/2 * key.content -> c1
2 * key.content -> c1
-1 * key.content -> c1
key.some -> c1
key.digit through name -> c1
key.content -> c2
key.where -> p1
key.where + 1 -> p1
key.slot -> p1
key.slot - 2 -> p1
key.slot -> s1
key.slot + 1 -> s1
key.part -> s1
key.digit -> d1
key.digit + 1 -> d1
key.digit through up -> d1
key.index -> i1
key.index - 1 -> i1
2 * key.index -> i1
key.square -> q1
key.square + 1 -> q1
key.slot -> q1
key.slot -> i1
key.letter -> l1
key.content -> l1
key.turn -> t1
key.turn + 1 -> t1
key.digit -> t1
key.number -> n1
key.number + 1 -> n1""".splitlines()
OUTPUTS = {
    "content": ("key.content", "key.c1", "key.some", "-1 * key.content", "key.c1 through next"),
    "some": ("key.some", "-1 * key.some"),
    "letter": ("key.letter", "key.content", "key.l1"),
    "number": ("key.number", "key.number + 1", "key.digit", "key.n1"),
    "turn": ("key.turn", "key.turn + 1", "key.digit"),
    "digit": ("key.digit", "key.d1", "key.digit + 1"),
}


def random_spec(random: Random) -> str:
    """One to three layers of one or two heads over all encodings, in one of three kinds of positions."""
    positions, output = random.choice(["", "", "", "rotary", "alibi"]), random.choice(list(OUTPUTS))
    text = _model_lines(random, positions) + _subspace_lines(random, output)
    layers = random.choice([1, 2, 2, 2, 3])
    for layer in range(layers):
        text += "layer\n"
        last = layer == layers - 1
        for index in range(random.choice([1, 1, 2])):
            moves = [] if last else random.sample(MOVES, random.choice([2, 5, 9]))
            if last or random.random() < 0.1:
                moves = [*moves, random.choice(OUTPUTS[output]) + " -> out"]
            text += f"  head h{layer}{index}\n" + _head_lines(random, positions, layer, moves)
    return text + "predict out\n"


def _model_lines(random: Random, positions: str) -> str:
    lines = ["model drawn", "tokens a, b, 0, 1, 2, <pad>, <bos>", "context 6", "param k = 2"]
    lines.append(f"sequences {random.choice(SEQUENCES)}")
    if positions == "rotary":
        base, dims = random.choice(["10000", "100", "3/2"]), random.choice([4, 8])
        lines.append(f"positions rotary(base = {base}, dims = {dims}, layout = {random.choice(['half', 'pairs'])})")
    if positions == "alibi":
        lines.append("positions alibi")
    if random.random() < 0.25:
        lines.append(f"mass {random.choice(['0.9', '0.999', '0.6'])}")
    if random.random() < 0.2:
        lines.append("biases allowed")
    if random.random() < 0.4:
        lines.append(random.choice(BASES))
    return "\n".join(lines) + "\n"


def _subspace_lines(random: Random, output: str) -> str:
    encodings = {
        "content": "onehot(tokens)",
        "digit": "onehot(0..2)",
        "some": "onehot(" + random.choice(['{"a", "b"}', '{"a", "<bos>"}']) + ")",
        "slot": "onehot(positions)",
        "part": "onehot(1..3)",
        "where": f"phase(positions, {random.choice(PHASES)})",
        "turn": f"phase(0..2, {random.choice(['2', 'frequencies = fourier', 'frequencies = [2*pi/5]'])})",
        "square": "quadratic(positions)",
        "few": f"quadratic({random.choice(['0..2', '1..2'])})",
        "index": "scalar(positions)",
        "number": "scalar(0..2)",
        "letter": f"code(tokens, {random.choice([3, 4, 8])})",
    }
    lines = [f"subspace {name} : {encoding}" for name, encoding in encodings.items()]
    if random.random() < 0.7:
        lines.append("subspace one : constant")
    lines += [f"subspace {name} like {other}" for name, other in (COPIES_OF | {"out": output}).items()]
    lines += [f"embed token -> {name}" for name in BY_TOKEN] + [f"embed position -> {name}" for name in BY_POSITION]
    return "\n".join(lines) + "\n" + TABLES


def _relation(random: Random, positions: str, layer: int) -> str:
    choices = list(FIRST)
    if layer:
        choices = LATER + (FIRST[::3] if random.random() < 0.5 else [])
    if positions == "rotary":
        choices += ["key.position == query.position SHIFT"] * 14
    return random.choice(choices).replace("SHIFT", random.choice(SHIFTS))


def _head_lines(random: Random, positions: str, layer: int, moves: list[str]) -> str:
    lines = []
    for _ in range(random.choice([1, 1, 1, 2, 2, 3])):
        line = f"{random.choice(['attend', 'attend', 'attend', 'avoid'])} {_relation(random, positions, layer)}"
        if random.random() < 0.35:
            line += f" when {random.choice(WHENS + (LATER_WHENS if layer else ()))}"
        lines.append(line + random.choice([""] * 7 + [f" strength {random.choice([8, 20, 40])}"]))
    if random.random() < 0.55:
        rests = (*RESTS, 'key.c1 == "<bos>"') if layer else RESTS
        lines += [f"rest {random.choice(rests)}" for _ in range(random.choice([1, 1, 1, 2]))]
    if random.random() < 0.25:
        features = ["index", "index", "slot", "number", "digit", "square", *(["i1", "s1"] if layer else [])]
        features += ["position"] * 6 if positions == "alibi" else []
        lines.append(f"prefer {random.choice(['latest', 'earliest'])} by {random.choice(features)}")
    lines += [f"copy {move}" for move in moves]
    return "".join(f"    {line}\n" for line in lines)


def without_refused_lines(text: str) -> headspec.Model | None:
    """The model of ``text`` less the lines of heads that are refused; None where something else is refused."""
    for _ in range(12):
        try:
            model = headspec.compile(text)
            _ = model.lowered
            return model
        except headspec.SpecError as error:
            lines = text.split("\n")
            refused = {d.span.line - 1 for d in error.diagnostics if d.span is not None}
            refused = {i for i in refused if lines[i].startswith("    ")}
            if not refused:
                return None
            text = "\n".join(line for i, line in enumerate(lines) if i not in refused)
    return None
