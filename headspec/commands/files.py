"""Commands about files and words: ``new``, ``fmt``, ``specs``, ``explain``.

In: parsed options.  Out: files, lines, and the exit status.
"""

from __future__ import annotations

import argparse
import difflib
import textwrap
from dataclasses import dataclass
from pathlib import Path

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean
from headspec.commands.output import say, say_json
from headspec.files import read_text, write_text


def new(arguments: argparse.Namespace) -> int:
    """Write a starter spec, or a copy of a spec under a new name; an existing file is left alone (E0605)."""
    from headspec.commands.starter import copied_spec, starter_spec

    text = copied_spec(arguments.source, arguments.name) if arguments.source else starter_spec(arguments.name)
    path = Path(arguments.output or f"{arguments.name}.head")
    write_text(path, text, overwrite=False)
    if arguments.json:
        say_json({"written": str(path)})
    else:
        say(f"wrote {path}; next: headspec verify {path}")
    return 0


# ------------------------------------------------------------------ fmt


@dataclass(frozen=True, slots=True)
class _Formatted:
    path: Path
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


def fmt(arguments: argparse.Namespace) -> int:
    """Format in place; all files are read and parsed before any is written, so a mistake in one changes none."""
    files = _format_all([Path(word) for word in arguments.specs])
    changed = [file for file in files if file.changed]
    if not (arguments.check or arguments.diff):
        for file in changed:
            write_text(file.path, file.after)
    if arguments.json:
        say_json({"checked": [str(f.path) for f in files], "changed": [str(f.path) for f in changed]})
    else:
        _report(files, changed, arguments)
    return 1 if changed and arguments.check else 0


def _format_all(paths: list[Path]) -> list[_Formatted]:
    found: list[_Formatted] = []
    mistakes: list[Diagnostic] = []
    for path in paths:
        try:
            found.append(_format(path))
        except SpecError as error:
            mistakes += error.diagnostics
    if mistakes:
        raise SpecError(mistakes)
    return found


def _format(path: Path) -> _Formatted:
    from dsl.parser import parse
    from dsl.printing.printer import print_spec

    text = read_text(path)
    return _Formatted(path, text, print_spec(parse(text, name=str(path))))


def _report(files: list[_Formatted], changed: list[_Formatted], arguments: argparse.Namespace) -> None:
    for file in changed:
        if arguments.diff:
            say("\n".join(_diff(file)))
        else:
            say(f"{'would format' if arguments.check else 'formatted'} {file.path}")
    if not arguments.diff:
        done = "to format" if arguments.check else "changed"
        say(f"{len(files)} file{'s' * (len(files) != 1)}, {len(changed)} {done}")


def _diff(file: _Formatted) -> list[str]:
    name = str(file.path)
    return list(difflib.unified_diff(file.before.split("\n"), file.after.split("\n"), name, name, lineterm=""))


# ------------------------------------------------------------------ specs, explain


def specs(arguments: argparse.Namespace) -> int:
    """The packaged specs with the first line of their comments, or the text of one."""
    from headspec.specs_path import packaged_specs

    if arguments.name:
        return _print_spec(arguments.name, arguments.json)
    found = {name: _first_line(path) for name, path in packaged_specs().items()}
    if arguments.json:
        say_json([{"name": name, "about": about} for name, about in found.items()])
        return 0
    width = max((len(name) for name in found), default=0)
    for name, about in found.items():
        say(f"{name:<{width}}  {about}".rstrip())
    if not found:
        say("no specs are packaged with this installation")
    return 0


def _print_spec(name: str, as_json: bool) -> int:
    from headspec.specs_path import find_spec

    path = find_spec(name)
    text = read_text(path)
    if as_json:
        say_json({"path": str(path), "about": _first_line(path), "text": text})
    else:
        say(text.rstrip("\n"))
    return 0


def _first_line(path: Path) -> str:
    for line in read_text(path).split("\n"):
        if line.strip():
            return line.lstrip("# ").rstrip() if line.startswith("#") else ""
    return ""


def explain(arguments: argparse.Namespace) -> int:
    """One entry of the catalogue, or the list of all codes."""
    from dsl.catalogue import CATALOGUE

    code = arguments.code.upper() if arguments.code else None
    if code is None:
        return _list_codes(arguments.json)
    if code not in CATALOGUE:
        help = did_you_mean(code, CATALOGUE) or "`headspec explain` lists all codes"
        raise SpecError(Diagnostic("E0608", f"there is no error code `{arguments.code}`", help=help))
    entry = CATALOGUE[code]
    if arguments.json:
        say_json(
            {
                "code": code,
                "title": entry.title,
                "explanation": entry.explanation,
                "example": entry.example,
                "mended": entry.mended,
            }
        )
        return 0
    say(f"{code}: {entry.title}\n\n{textwrap.fill(entry.explanation, 92)}")
    for title, text in (("this triggers it", entry.example), ("this does not", entry.mended)):
        if text:
            say(f"\n{title}:\n\n{textwrap.indent(text.strip(), '    ')}")
    return 0


def _list_codes(as_json: bool) -> int:
    from dsl.catalogue import CATALOGUE

    if as_json:
        say_json([{"code": code, "title": CATALOGUE[code].title} for code in sorted(CATALOGUE)])
    else:
        for code in sorted(CATALOGUE):
            say(f"{code}  {CATALOGUE[code].title}")
    return 0
