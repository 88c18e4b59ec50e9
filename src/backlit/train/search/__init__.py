"""Search among trainings: candidates of one form train as one program, and few go on to the end.

`Trial` is a candidate and how far it came; `Group` trains those of one form; `Crew` has blocks of them trained, here or
elsewhere; `halve` decides who goes on. Nothing here knows where candidates come from: settings that were drawn, or
remedies.
"""

from backlit.train.search.crew import Crew
from backlit.train.search.group import Group, Groups
from backlit.train.search.halving import Rung, Search, halve, rungs
from backlit.train.search.trial import Monitor, Trial

__all__ = ["Crew", "Group", "Groups", "Monitor", "Rung", "Search", "Trial", "halve", "rungs"]
