"""Lessons: texts in English and Korean whose code is run, whose figures are drawn and whose numbers are computed.

`LESSONS` has them by name, in the order that teaches. A lesson becomes a terminal's text (`backlit lesson NAME`), a
notebook (`notebook`), a page of the documentation (`page`), and its exercises can be checked (`check`).
"""

from backlit.lessons.answers import check
from backlit.lessons.notebook import notebook
from backlit.lessons.pictures import saying
from backlit.lessons.source import LESSONS, Lesson, find

__all__ = ["LESSONS", "Lesson", "check", "find", "notebook", "saying"]
