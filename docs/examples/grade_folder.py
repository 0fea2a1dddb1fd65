"""Grade a folder of answers, one file per exercise, as a classroom workflow does.

    python grade_folder.py answers/ --exercises 1a 2c --output grades.json

``answers/2c.txt`` is the answer to exercise 2c (.npz, .safetensors, .json and .csv files do too).  The answers are
data: nothing in them is run.  Exit status 0 when everything is right, 1 when something is wrong or missing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ENDINGS = (".txt", ".head", ".tex", ".npz", ".safetensors", ".json", ".csv")
SECONDS = 120


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--exercises", nargs="+", required=True, help="numbers, such as 2c, or .toml files")
    parser.add_argument("--output", type=Path, help="where to write the grades as JSON")
    options = parser.parse_args()
    grades = [grade(options.folder, exercise) for exercise in options.exercises]
    if options.output:
        options.output.write_text(json.dumps({"grades": grades}, indent=2), encoding="utf-8")
    report = "\n".join(["| exercise | score | |", "|---|---|---|", *map(row, grades)])
    print(report)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):  # shown on the page of the run
        Path(summary).write_text(report + "\n", encoding="utf-8")
    return 0 if all(found["score"] == 1 for found in grades) else 1


def grade(folder: Path, exercise: str) -> dict[str, object]:
    """Exercise, score from 0 to 1, a sentence, and the checker's whole answer."""
    name = Path(exercise).stem
    answer = next((folder / f"{name}{end}" for end in ENDINGS if (folder / f"{name}{end}").is_file()), None)
    if answer is None:
        return {"exercise": name, "score": 0, "says": "nothing is handed in", "result": None}
    command = [sys.executable, "-m", "headspec", "exercise", "check", exercise, str(answer), "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"exercise": name, "score": 0, "says": f"not judged within {SECONDS} s", "result": None}
    result = json.loads(done.stdout)
    if done.returncode == 2:  # the answer cannot be read: say where and why
        first = result["diagnostics"][0]
        place = f" (line {first['line']})" if first["line"] else ""
        return {"exercise": name, "score": 0, "says": f"{first['code']}: {first['message']}{place}", "result": result}
    wrong = [check["message"] for check in result["checks"] if not check["right"]]
    return {"exercise": name, "score": result["score"], "says": " ".join(wrong) or "right", "result": result}


def row(found: dict[str, object]) -> str:
    says = str(found["says"]).replace("|", "\\|").replace("\n", " ")
    return f"| {found['exercise']} | {float(str(found['score'])):.2f} | {says} |"


if __name__ == "__main__":
    sys.exit(main())
