"""Drawn specs of fixed formats: shares, families, claims, generation against an interpreter of their own.

Each writes digits c behind digits a. Two heads bring weighted sums x and y of tokens at chosen places, and one line
makes a digit of them. What is right is worked out here from the drawing, not from the text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

import pytest
import torch

import headspec


def prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, n))


VALUES: list[tuple[str, str, Callable[[int, int], int]]] = [
    ("x + y", "{x} + {y}", lambda x, y: x + y),
    ("x*y", "{x}*{y}", lambda x, y: x * y),
    ("abs(x - y)", "if {x} < {y} then {y} - {x} else {x} - {y}", lambda x, y: abs(x - y)),
    ("if x in primes(2, 9) then y else 1", "if {x} in primes(2, 9) then {y} else 1", lambda x, y: y if prime(x) else 1),
    ("max(x, 2*y) + sum(7 for i in 3..2)", "if {x} < 2*{y} then 2*{y} else {x}", lambda x, y: max(x, 2 * y)),
    ("x//2 + 3*y", "{x}//2 + 3*{y}", lambda x, y: x // 2 + 3 * y),
]  # fmt: skip
SPEC = """\
model drawn
param n = {given}
tokens 0..{top}, "="
layout a[0..n - 1] "=" c[0..{last}]
sequences (0..{top}){{n}} "=" (c: 0..{top}){{{written}}}
generate c
subspace slot  : onehot(slots)
subspace digit : scalar(0..{top})
subspace x     : scalar(0..{most})
subspace y     : scalar(0..{most})
subspace out   : scalar(0..{top})
subspace one   : constant
for j in n..n - 1
  subspace none[j] : onehot(0..{top})
embed position -> slot
embed token -> digit
head to_x
{to_x}
head to_y
{to_y}
compute out = ({value}) mod {base}
predict out
"""


@dataclass(frozen=True)
class Drawn:
    """``weights[name][q]``: place -> how often its token counts in ``name`` at query q."""

    base: int
    given: int
    written: int
    weights: dict[str, dict[int, dict[int, int]]]
    value: int
    most: int

    @property
    def queries(self) -> range:
        return range(self.given, self.given + self.written)

    def text(self, prompt: tuple[int, ...]) -> list[int]:
        """The ids of the whole text; ``=`` is the token behind the digits."""
        ids = [*prompt, self.base]
        for q in self.queries:
            x, y = (sum(w * ids[k] for k, w in self.weights[name][q].items()) for name in "xy")
            ids.append(VALUES[self.value][2](x, y) % self.base)
        return ids

    def claim(self, q: int) -> str:
        parts = ["(" + " + ".join(f"{w}*token[{k}]" for k, w in self.weights[n][q].items()) + ")" for n in "xy"]
        return f"({VALUES[self.value][1].format(x=parts[0], y=parts[1])}) mod {self.base}"

    def head(self, name: str) -> str:
        """With shares, half of the attention or less; the rest of it goes to ``=``, which shows no digit."""
        lines = [
            f"  attend key.slot == {k} when query.slot == c[{q - self.given}] - 1 share {w}/{self.most}"
            for q, at in self.weights[name].items()
            for k, w in at.items()
        ]
        return "\n".join([*lines, "  rest key.slot == n", f"  copy {self.most} * key.digit -> {name}"])

    def spec(self, claims: list[str]) -> str:
        said = [f"expect out after c[{q - self.given}] - 1 == {c}" for q, c in zip(self.queries, claims, strict=True)]
        heads = {"to_x": self.head("x"), "to_y": self.head("y")}
        sizes = {"base": self.base, "top": self.base - 1, "given": self.given, "last": self.written - 1}
        top = self.most * (self.base - 1)
        body = SPEC.format(**sizes, **heads, written=self.written, most=top, value=VALUES[self.value][0])
        return body + "\n".join(said) + "\n"


def draw(random: Random) -> Drawn:
    base, given, written = random.choice([2, 3, 4]), random.choice([1, 2, 3]), random.choice([1, 2, 3])
    weights: dict[str, dict[int, dict[int, int]]] = {"x": {}, "y": {}}
    for name in weights:
        for q in range(given, given + written):
            seen = [k for k in range(q + 1) if k != given]
            places = random.sample(seen, min(len(seen), random.choice([1, 1, 2])))
            weights[name][q] = {k: random.choice([1, 2]) for k in places}
    return Drawn(base, given, written, weights, random.randrange(len(VALUES)), 6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_what_is_written_is_what_the_drawing_says(seed: int) -> None:
    random = Random(seed)
    drawn = draw(random)
    claims = [drawn.claim(q) for q in drawn.queries]
    try:
        model = headspec.compile(drawn.spec(claims))
        module = model.torch(device="cpu")
    except headspec.SpecError as error:
        assert {d.code for d in error.diagnostics} <= {"E0512", "E0524", "E0521"}, error
        return
    prompts = list(product(range(drawn.base), repeat=drawn.given))
    right = [drawn.text(prompt) for prompt in prompts]
    begun = torch.tensor([[*prompt, drawn.base] for prompt in prompts])
    assert module.generate(begun, drawn.written).tolist() == right
    for _ in range(drawn.written):  # without a cache
        begun = torch.cat([begun, module(begun)[:, -1].argmax(dim=1, keepdim=True)], dim=1)
    assert begun.tolist() == right
    assert headspec.verify(model, device="cpu").holds
    found: Any = headspec.verify(model, device="cpu", exhaustive=True, exhaustive_limit=1).to_json()["every"]
    assert (found["complete"], found["checked"], found["wrong"]) == (True, len(prompts), 0)

    digit = random.randrange(drawn.base)  # a claim that errs is found to err at just these prompts
    claims[-1] = f"if token[0] == {digit} then 0 else {claims[-1]}"
    erring = headspec.compile(drawn.spec(claims))
    found = headspec.verify(erring, device="cpu", exhaustive=True, exhaustive_limit=1).to_json()["every"]
    assert found["wrong"] == sum(ids[0] == digit and ids[-1] != 0 for ids in right)
