"""Runs a file of answers and writes the verdicts as JSON: the process that `answers.judge_file` starts."""

from __future__ import annotations

import argparse
import json
import runpy
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backlit.lessons.answers import judge
from backlit.lessons.source import find


def verdicts(name: str, path: str, language: str) -> dict[str, Any]:
    """Verdicts on a file's answers, or what went wrong in it."""
    try:
        answers = runpy.run_path(path)
    except SyntaxError as error:
        return {"error": f", line {error.lineno}: {error.msg}"}
    except Exception as error:  # noqa: BLE001, the user's own code
        line, trace = "", error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == path:
                line = f", line {trace.tb_lineno}"
            trace = trace.tb_next
        return {"error": f"{line}: {type(error).__name__}: {error}"}
    return {"verdicts": [asdict(verdict) for verdict in judge(find(name), answers, language)]}


def main() -> None:
    """Lesson, file of answers, language and file for the verdicts stand on the command line."""
    parser = argparse.ArgumentParser()
    for name in ("lesson", "path", "language", "result"):
        parser.add_argument(name)
    arguments = parser.parse_args()
    outcome = verdicts(arguments.lesson, arguments.path, arguments.language)
    Path(arguments.result).write_text(json.dumps(outcome), encoding="utf-8")


if __name__ == "__main__":
    main()
