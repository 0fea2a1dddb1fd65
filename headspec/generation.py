"""Text that a model goes on with: greedy decoding, many prompts at once.

In: a torch module and prompts as token ids.  Out: ``Generated``, in the order of the prompts.  Not for: whether the
text is right (``generated``), nor decoding itself (``backends.torch_model``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean

if TYPE_CHECKING:
    from backends.torch_model import TorchModel

CACHE = 1 << 28  # bytes of keys and values for prompts that are continued together


@dataclass(frozen=True, slots=True)
class Generated:
    """``tokens`` is what the model appended to ``prompt``; ``stopped``: it ends with the token that was to stop it."""

    prompt: tuple[str, ...]
    tokens: tuple[str, ...]
    stopped: bool

    @property
    def text(self) -> str:
        """Prompt and continuation, with spaces between."""
        return " ".join((*self.prompt, *self.tokens))

    def to_json(self) -> dict[str, object]:
        return {"prompt": list(self.prompt), "generated": list(self.tokens), "stopped": self.stopped}

    def __str__(self) -> str:
        return " ".join(self.tokens)


def find_stop(stop: str | None, tokens: Sequence[str]) -> int | None:
    """The id of the token to stop at; SpecError E0607 when there is none of that name."""
    if stop is None:
        return None
    if stop in tokens:
        return list(tokens).index(stop)
    shown = " ".join(tokens[:24]) + " ..." * (len(tokens) > 24)
    help = did_you_mean(stop, tokens) or f"the tokens are {shown}"
    raise SpecError(
        Diagnostic("E0607", f"`{stop}`, which should stop the text, is not a token of this model", help=help)
    )


def check_room(length: int, n: int, context: int) -> None:
    """SpecError E0509 when ``n`` more tokens do not fit behind a prompt of ``length``."""
    if 0 <= n <= context - length:
        return
    room = context - length
    help = f"ask for at most {room}, or raise `context` in the spec" if n > 0 else "ask for at least 0"
    message = f"a prompt of {length} tokens and {n} generated ones do not fit into the context of {context}"
    raise SpecError(Diagnostic("E0509", message, help=help))


def generate(
    module: TorchModel, tokens: Sequence[str], prompts: Sequence[Sequence[int]], n: int, stop: int | None = None
) -> list[Generated]:
    """Up to ``n`` tokens behind every prompt.  Prompts of one length are continued together."""
    for prompt in prompts:
        check_room(len(prompt), n, module.sizes.n_ctx)
    found: dict[int, Generated] = {}
    for length in sorted({len(prompt) for prompt in prompts}):
        places = [i for i, prompt in enumerate(prompts) if len(prompt) == length]
        size = _batch(module, length + n)
        for start in range(0, len(places), size):
            part = places[start : start + size]
            rows = module.generate([list(prompts[i]) for i in part], n, stop).tolist()
            found |= {i: _generated(row, length, tokens, stop) for i, row in zip(part, rows, strict=True)}
    return [found[i] for i in range(len(prompts))]


def _batch(module: TorchModel, length: int) -> int:
    sizes = module.sizes
    return max(1, CACHE // (2 * sizes.n_layers * sizes.n_heads * sizes.d_head * length * module.dtype.itemsize or 1))


def _generated(row: list[int], length: int, tokens: Sequence[str], stop: int | None) -> Generated:
    """What stands behind the prompt, up to and with the first token that stops it."""
    more = row[length:]
    stopped = stop is not None and stop in more
    if stop is not None and stopped:
        more = more[: more.index(stop) + 1]
    prompt = tuple(tokens[i] for i in row[:length])
    return Generated(prompt, tuple(tokens[i] for i in more), stopped)
