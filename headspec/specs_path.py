"""Where the packaged specs are, and which spec a word on the command line means.

In: a path or a name such as ``induction`` or ``library/induction``.  Out: the path of a ``.head`` file.
Not for: reading it (``files``).
"""

from __future__ import annotations

from pathlib import Path

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean

SUFFIX = ".head"


def specs_folder() -> Path | None:
    """``headspec/specs`` in an installed wheel, ``specs/`` beside the packages in a checkout, or None."""
    here = Path(__file__).resolve().parent
    for folder in (here / "specs", here.parent / "specs"):
        if (folder / "library").is_dir():
            return folder
    return None


def packaged_specs() -> dict[str, Path]:
    """Every packaged spec by its name, ``library/induction``, in alphabetical order."""
    folder = specs_folder()
    if folder is None:
        return {}
    paths = sorted(folder.rglob(f"*{SUFFIX}"))
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}


def find_spec(word: str) -> Path:
    """The file that ``word`` means: a path that exists, else a packaged spec by its full or last name.

    Raises SpecError E0601 when there is neither, or when a short name stands for several specs."""
    path = Path(word)
    if path.is_file():
        return path
    specs = packaged_specs()
    if word in specs:
        return specs[word]
    matches = [name for name in specs if name.rsplit("/", 1)[-1] == word]
    if len(matches) == 1:
        return specs[matches[0]]
    raise SpecError(_not_found(word, path, matches, list(specs)))


def _not_found(word: str, path: Path, matches: list[str], names: list[str]) -> Diagnostic:
    if matches:
        return Diagnostic("E0601", f"`{word}` names several packaged specs", help=f"say which: {', '.join(matches)}")
    if word and path.is_dir():
        saved = path / f"spec{SUFFIX}"  # as ``compile -o`` leaves it
        help = f"its spec is `{saved}`" if saved.is_file() else "name one of the .head files in it"
        return Diagnostic("E0601", f"`{word}` is a folder, not a spec", help=help)
    near = did_you_mean(word, [*names, *(name.rsplit("/", 1)[-1] for name in names)])
    return Diagnostic(
        "E0601",
        f"there is no file `{word}`, nor a packaged spec of that name",
        help=_without_ending(path)
        or _exercise(word)
        or near
        or "`headspec specs` lists the packaged ones; `headspec new NAME` starts a new one",
    )


def _without_ending(path: Path) -> str | None:
    whole = Path(f"{path}{SUFFIX}")
    return f"did you mean `{whole}`?" if path.name and whole.is_file() else None


def _exercise(word: str) -> str | None:
    """Not every exercise has a spec to look at."""
    folder = specs_folder()
    name = word.removeprefix("exercises/")
    if folder is None or not name.isalnum() or not (folder / "exercises" / f"{name}.toml").is_file():
        return None
    return f"it is an exercise: `headspec exercise show {name}`"
