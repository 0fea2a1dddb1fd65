"""What is finished, on disk: a killed run goes on where it was, and nothing is counted twice.

In: ``State``s of one model (``Identity``).  Out: JSON files that hold the ranges that are done together with what was
found there, so that the two never disagree: each file is written beside and then renamed (``headspec.files``).  Not
for: reports.

Several states make one where their ranges are disjoint.  One that holds all that another has has taken it in before,
and counts alone.  Those that overlap otherwise are refused: what they found cannot be told apart.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from dsl.diagnostics import Diagnostic, SpecError
from headspec.every.counts import Counts
from headspec.every.plan import Plan
from headspec.every.ranges import Ranges
from headspec.files import read_bytes, write_text

if TYPE_CHECKING:
    from backends.torch_model import TorchModel

FORMAT = "headspec verify --exhaustive, 1"
MAX_BYTES = 16 * 1024 * 1024
"""Some hundred megabytes once it is read; a file that we wrote has kilobytes."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What figures must have in common to be added: ``weights`` and ``claims`` are hashes."""

    weights: str
    claims: str
    dtype: str
    prompts: int


def identity_of(plan: Plan, model: TorchModel) -> Identity:
    """The weights, bit by bit, and what is claimed of them."""
    import torch

    from backends.state import dtype_name

    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    dtype = dtype_name(model.dtype)
    return Identity(digest.hexdigest(), plan.fingerprint, dtype, plan.prompts.count)


@dataclass(frozen=True, slots=True)
class State:
    """``counts`` of the prompts ``done``; ``seconds`` of work, of all processes together; ``devices`` that did it."""

    done: Ranges
    counts: Counts
    seconds: float = 0.0
    devices: tuple[str, ...] = ()

    @staticmethod
    def nothing(claims: int) -> State:
        return State(Ranges(), Counts.none(claims))

    def __add__(self, other: State) -> State:
        """Both together; ValueError where they have prompts in common."""
        if (self.done & other.done).parts:
            raise ValueError("counted twice")
        devices = tuple(sorted({*self.devices, *other.devices}))
        return State(self.done | other.done, self.counts + other.counts, self.seconds + other.seconds, devices)

    def to_json(self) -> dict[str, Any]:
        return {
            "done": [list(part) for part in self.done.parts],
            "found": self.counts.to_json(),
            "seconds": round(self.seconds, 3),
            "devices": list(self.devices),
        }

    @staticmethod
    def from_json(found: Any) -> State:
        """Raises KeyError, TypeError or ValueError for anything that ``to_json`` does not write."""
        parts = [(start, stop) for start, stop in found["done"]]
        if any(type(end) is not int or end < 0 for part in parts for end in part):
            raise ValueError("ranges")
        done, counts = Ranges.of(parts), Counts.from_json(found["found"])
        if len(done) != sum(stop - start for start, stop in parts) or len(done) != counts.checked:
            raise ValueError("ranges and counts disagree")
        seconds, devices = float(found["seconds"]), found["devices"]
        if not (isinstance(devices, list) and all(isinstance(name, str) for name in devices)):
            raise ValueError("devices")
        if not 0 <= seconds < math.inf:
            raise ValueError("seconds")
        return State(done, counts, seconds, tuple(devices))


def save(path: Path, identity: Identity, state: State) -> None:
    """The whole file at once, or none of it.  SpecError E0605 when it cannot be written."""
    content = {"format": FORMAT, **asdict(identity), **state.to_json()}
    write_text(path, json.dumps(content, indent=1) + "\n")


def load(path: Path, identity: Identity, plan: Plan) -> State:
    """SpecError E0601 where it cannot be read; E0670 where it is no checkpoint, or one of something else."""
    found = _read(path)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        _refuse(path, "it is not a checkpoint of `headspec verify --exhaustive`")
    for name, whose in _OTHER.items():
        if found.get(name) != getattr(identity, name):
            _refuse(path, f"it belongs to {whose}")
    try:
        state = State.from_json(found)
    except (KeyError, TypeError, ValueError, OverflowError):
        _refuse(path, "it is damaged")
    if not _fits(state, plan):
        _refuse(path, "it is damaged")
    return state


def _fits(state: State, plan: Plan) -> bool:
    counts, tokens = state.counts, len(plan.program.tokens)
    shown = [*counts.first_wrong, *([counts.least.prompt] if counts.least else [])]
    words = all(len(ids) == plan.prompts.length and max(ids, default=0) < tokens for ids in shown)
    return words and len(counts.wrong_at) == len(plan.claims) and state.done <= Ranges.of([(0, plan.prompts.count)])


_OTHER = {
    "dtype": "another float type",
    "prompts": "another number of prompts",
    "claims": "other prompts or claims",
    "weights": "other weights",
}
"""In this order: in another float type the weights are others too."""


def absorb(state: State, other: State, path: Path) -> State:
    """``state`` and what ``path`` held besides; SpecError E0670 where they overlap and neither holds the other."""
    if other.done <= state.done:
        return state
    if state.done <= other.done:
        return other
    try:
        return state + other
    except ValueError:
        _refuse(path, "some of its prompts are counted elsewhere, and some are not")


def _read(path: Path) -> Any:
    data = read_bytes(path, MAX_BYTES + 1)
    try:
        return json.loads(data) if len(data) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        return None


def _refuse(path: Path, why: str) -> NoReturn:
    help = "name another file; or remove this one to begin again"
    raise SpecError(Diagnostic("E0670", f"`{path}` cannot be gone on with: {why}", help=help))
