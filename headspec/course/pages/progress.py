"""How far a student has come: a small file that no crash can spoil.

In: attempts, hints and solutions seen.  Out: ``Progress``, and a JSON file that is always whole: it is written beside
and renamed.  What cannot be read is moved aside, never thrown away; what cannot be written is a notice, never an error.
Two writers at once may lose an attempt, never the file.  Not for: grading (``Result.to_json``).
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from dsl.diagnostics import SpecError
from headspec.course.exercise import Exercise
from headspec.files import write_text

VARIABLE = "HEADSPEC_PROGRESS"
OFF = ("", "off", "none")
MAX_BYTES = 1 << 20
VERSION = 1


@dataclass(frozen=True, slots=True)
class Record:
    """One exercise: ``solved`` is when it was first right, ``hints`` the highest one seen, ``best`` the best score."""

    attempts: int = 0
    solved: str | None = None
    best: float = 0.0
    hints: int = 0
    solution_seen: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Records by exercise (see ``key_of``), and the notices of reading or writing them."""

    records: Mapping[str, Record] = field(default_factory=dict)
    path: Path | None = None
    notices: tuple[str, ...] = ()

    def of(self, key: str) -> Record:
        return self.records.get(key, Record())

    def __str__(self) -> str:
        """A line for every exercise that was tried."""
        if not self.records:
            return "nothing has been tried yet"
        solved = sum(record.solved is not None for record in self.records.values())
        width = max(map(len, self.records))
        lines = [f"{key:<{width}}  {_told(record)}" for key, record in sorted(self.records.items())]
        return "\n".join([*lines, "", f"{solved} solved; kept in {self.path}"])

    __repr__ = __str__

    def to_json(self) -> dict[str, object]:
        """Keys: path, exercises (key -> attempts, solved, best, hints, solution_seen)."""
        exercises = {key: asdict(record) for key, record in sorted(self.records.items())}
        return {"path": str(self.path) if self.path else None, "exercises": exercises}


def _told(record: Record) -> str:
    parts = [f"solved {record.solved[:10]}" if record.solved else f"best {record.best:.0%}"]
    parts.append(f"{record.attempts} attempt{'s' * (record.attempts != 1)}")
    if record.hints:
        parts.append(f"{record.hints} hint{'s' * (record.hints != 1)}")
    if record.solution_seen:
        parts.append("solution seen")
    return ", ".join(parts)


def key_of(exercise: Exercise | Path) -> str:
    """The number of an exercise of the packaged course; for others the path of its file."""
    from headspec.course.files.loading import course_folder

    path, packaged = (exercise.path if isinstance(exercise, Exercise) else exercise), course_folder()
    if packaged is not None and path.resolve().parent == packaged.resolve():
        return path.stem
    return str(path.resolve())


def progress_path() -> Path | None:
    """``$HEADSPEC_PROGRESS`` (``off``: nothing is kept), else a file in the user's state folder; None: nowhere."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return None if named.strip().lower() in OFF else Path(named)
    state = os.environ.get("XDG_STATE_HOME", "")
    if state and Path(state).is_absolute():
        return Path(state) / "headspec" / "progress.json"
    try:
        return _state_folder(Path.home()) / "headspec" / "progress.json"
    except RuntimeError:  # nobody's home
        return None


def _state_folder(home: Path) -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    return home / ".local" / "state"


# ------------------------------------------------------------------ reading


def read_progress() -> Progress:
    """What is kept so far.  A damaged file is moved aside, with a notice; nothing is ever raised."""
    path = progress_path()
    if path is None:
        return Progress()
    try:
        if not _is_plain_file(path):
            return Progress(path=None, notices=(f"`{path}` is not a plain file: no progress is kept",))
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Progress(path=path)
    except OSError as error:
        return Progress(path=None, notices=(f"`{path}` cannot be read: {error.strerror or error}",))
    try:
        return Progress(_parse(data), path)
    except (ValueError, RecursionError):
        return _move_aside(path)


def _is_plain_file(path: Path) -> bool:
    """Folders, devices and pipes are neither read nor ever moved aside.  OSError where there is nothing to look at."""
    return stat.S_ISREG(os.stat(path).st_mode)


def _parse(data: bytes) -> dict[str, Record]:
    """ValueError when it is not what ``_text`` writes."""
    if len(data) > MAX_BYTES:
        raise ValueError("too large")
    found = json.loads(data.decode("utf-8"))
    exercises = found.get("exercises") if isinstance(found, dict) else None
    if not isinstance(exercises, dict):
        raise ValueError("no exercises")
    return {key: _record(value) for key, value in exercises.items()}


def _record(value: object) -> Record:
    if not isinstance(value, dict):
        raise ValueError("no record")
    attempts, best, hints = value.get("attempts", 0), value.get("best", 0.0), value.get("hints", 0)
    times = [value.get("solved"), value.get("solution_seen")]
    counts = all(type(n) is int and 0 <= n < 1 << 31 for n in (attempts, hints))
    if not counts or type(best) not in (int, float) or not 0 <= best <= 1:
        raise ValueError("no figures")
    if not all(time is None or isinstance(time, str) for time in times):
        raise ValueError("no times")
    return Record(attempts, times[0], float(best), hints, times[1])


def _move_aside(path: Path) -> Progress:
    """Rename a damaged file to the first free name beside it, and start anew; where that fails, nothing is written."""
    aside = path.with_name(f"{path.name}.damaged")
    count = 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{path.name}.damaged-{count}")
    try:
        os.replace(path, aside)
    except OSError as error:
        return Progress(notices=(f"`{path}` is damaged, and cannot be moved aside: {error.strerror or error}",))
    return Progress(path=path, notices=(f"`{path}` was damaged; it is kept as `{aside.name}`, and starts anew",))


# ------------------------------------------------------------------ writing


def note_attempt(key: str, *, right: bool, score: float) -> Progress:
    """One more attempt."""

    def counted(record: Record) -> Record:
        solved = record.solved or (_now() if right else None)
        return replace(record, attempts=record.attempts + 1, solved=solved, best=max(record.best, score))

    return _change(key, counted)


def note_hint(key: str, level: int) -> Progress:
    """Hint ``level`` (1, 2, ...) has been seen."""
    return _change(key, lambda record: replace(record, hints=max(record.hints, level)))


def note_solution(key: str) -> Progress:
    """The solution has been seen; the first time counts."""
    return _change(key, lambda record: replace(record, solution_seen=record.solution_seen or _now()))


def reset() -> Progress:
    """Forget everything; the old file is kept as ``progress.json.before-reset``."""
    path = progress_path()
    if path is None:
        return Progress()
    kept = path.with_name(f"{path.name}.before-reset")
    try:
        if not _is_plain_file(path):
            return Progress(notices=(f"`{path}` is not a plain file: it is left as it is",))
        os.replace(path, kept)
    except FileNotFoundError:
        return Progress(path=path)
    except OSError as error:
        return Progress(path=path, notices=(f"`{path}` cannot be moved: {error.strerror or error}",))
    return Progress(path=path, notices=(f"the old progress is kept as `{kept}`",))


def _change(key: str, change: Callable[[Record], Record]) -> Progress:
    """Read, change one record, write; a place that cannot be written is a notice."""
    before = read_progress()
    if before.path is None:
        return before
    after = replace(before, records={**before.records, key: change(before.of(key))})
    try:
        before.path.parent.mkdir(parents=True, exist_ok=True)
        write_text(before.path, _text(after))
    except (OSError, SpecError) as error:
        reason = error.diagnostics[0].message if isinstance(error, SpecError) else f"{error.strerror or error}"
        return replace(after, notices=(*before.notices, f"progress is not kept: {reason}"))
    return after


def _text(progress: Progress) -> str:
    exercises = progress.to_json()["exercises"]
    return json.dumps({"version": VERSION, "exercises": exercises}, indent=1) + "\n"  # any path, also one of odd bytes


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
