"""Grade the answers in a notebook without running it.

    python grade_notebook.py submission.ipynb --exercises 1a 2c

An answer is a cell of any kind whose first line is ``# answer 2c``; what stands below it is the answer, as text.
Prints one JSON document: score, and for each exercise the checker's result.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from headspec import SpecError, exercises

MARK = re.compile(r"\A#+\s*answer\s+(\S+)[ \t]*\n", re.IGNORECASE)


def answers(notebook: Path) -> dict[str, str]:
    """Exercise -> text; of several cells for one exercise the last one counts."""
    found: dict[str, str] = {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if mark := MARK.match(text):
            found[mark[1]] = text[mark.end() :]
    return found


def grade(number: str, text: str | None) -> dict[str, object]:
    """Keys: exercise, score, and ``result`` (as of ``check --json``) or ``error`` (what is wrong with the answer)."""
    if text is None:
        return {"exercise": number, "score": 0.0, "error": "nothing is handed in"}
    try:
        result = exercises.check(number, text)
    except SpecError as error:
        return {"exercise": number, "score": 0.0, "error": str(error)}
    return {"exercise": number, "score": result.score, "result": result.to_json()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--exercises", nargs="+", required=True, help="numbers, such as 2c")
    options = parser.parse_args()
    found = answers(options.notebook)
    grades = [grade(number, found.get(number)) for number in options.exercises]
    score = sum(float(str(one["score"])) for one in grades) / len(grades)
    print(json.dumps({"notebook": options.notebook.name, "score": score, "exercises": grades}, indent=2))
    return 0 if score == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
