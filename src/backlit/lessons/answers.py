"""Answers to a lesson's exercises, judged: in a notebook as they are, from a file in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import backlit as bl
from backlit.errors import InputError
from backlit.languages import check_language
from backlit.lessons.source import Exercise, Lesson, find


@dataclass(frozen=True)
class Verdict:
    """Whether the answer to an exercise is right, and if not, why."""

    exercise: int
    right: bool
    message: str

    def __str__(self) -> str:
        return f"{'✔' if self.right else '✘'} {self.exercise}  {self.message}"


def check(name: str, language: str = "en", **answers: object) -> None:
    """Print which answers to a lesson's exercises are right: for notebooks.

    Parameters
    ----------
    name : str
        The lesson.
    language : "en" or "ko"
    **answers
        `exercise_1`, `exercise_2`, `exercise_3`: those that you have.

    Raises
    ------
    UnknownNameError
        If there is no such lesson or language.
    InputError
        If an answer isn't to an exercise of the lesson.
    """
    lesson = find(name)
    names = [f"exercise_{exercise.number}" for exercise in lesson.exercises]
    for answer in answers:
        if answer not in names:
            raise InputError(f"{answer} is no exercise of {lesson.name}; it has {', '.join(names)}")
    for verdict in judge(lesson, answers, language):
        print(verdict)  # noqa: T201, what a notebook's cell is to show


def judge(lesson: Lesson, answers: Mapping[str, object], language: str = "en") -> list[Verdict]:
    """A verdict for each exercise of a lesson."""
    check_language(language, of="the lessons")
    return [_verdict(exercise, answers, language, lesson) for exercise in lesson.exercises]


def _verdict(exercise: Exercise, answers: Mapping[str, object], language: str, lesson: Lesson) -> Verdict:
    korean = language == "ko"
    name = f"exercise_{exercise.number}"
    if answers.get(name) is None:
        message = f"아직 답이 없습니다: {name}에 넣어 주세요" if korean else f"no answer yet: it goes into {name}"
        return Verdict(exercise.number, right=False, message=message)

    def say(english: str, in_korean: str) -> str:
        return in_korean if korean else english

    code = compile("\n" * (exercise.check.line - 1) + exercise.check.text, lesson.path, "exec")
    try:
        exec(code, {"answer": answers[name], "np": np, "bl": bl, "say": say})  # noqa: S102, part of the package
    except AssertionError as error:
        return Verdict(exercise.number, right=False, message=str(error) or say("not yet", "아직 아닙니다"))
    except Exception as error:  # noqa: BLE001, whatever an answer raises is its verdict
        failed = say("your answer failed: ", "답을 실행하다 오류가 났습니다: ")
        return Verdict(exercise.number, right=False, message=f"{failed}{type(error).__name__}: {error}")
    return Verdict(exercise.number, right=True, message=say("right", "맞습니다"))


def judge_file(lesson: Lesson, path: Path, language: str = "en", *, seconds: float = 60.0) -> list[Verdict]:
    """Run a file of answers in a process of its own, and judge what it defines.

    Raises
    ------
    InputError
        If the file isn't there, fails, or takes longer than `seconds`.
    """
    check_language(language, of="the lessons")
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; write one that sets exercise_1, exercise_2 …")
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "verdicts.json"
        command = [sys.executable, "-m", "backlit.lessons", lesson.name, str(path), language, str(result)]
        try:
            process = subprocess.run(command, timeout=seconds, capture_output=True, text=True, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise InputError(
                f"{path} was stopped after {seconds:g} seconds: is there a loop in it that never ends?"
            ) from None
        sys.stderr.write(process.stdout + process.stderr)  # what the answers print isn't the verdict
        if not result.is_file():
            raise InputError(
                f"{path} ended its process by itself, with status {process.returncode}; it should just end"
            )
        outcome = json.loads(result.read_text(encoding="utf-8"))
    if "error" in outcome:
        raise InputError(f"{path}{outcome['error']}")
    return [Verdict(**verdict) for verdict in outcome["verdicts"]]
