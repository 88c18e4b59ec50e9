"""A session: networks that are built, changed by hand, and moved along their training. No server, no threads.

What pages are told of it is in `telling`, what they may ask in `answers`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from backlit.errors import InputError
from backlit.languages import Template
from backlit.studio import telling
from backlit.studio.assignment import Assignment
from backlit.studio.inside import Inside
from backlit.studio.quota import Quota
from backlit.studio.replies import Reply
from backlit.studio.sets import Rows
from backlit.studio.side import Side
from backlit.studio.state import MOST_CHANGES, Change, State
from backlit.studio.texts import rows_of
from backlit.studio.timeline import Timeline
from backlit.studio.uploads import Files

NO_SECOND = Template(
    "there is no second network; begin with compare", "두 번째 신경망이 없습니다. 먼저 비교를 시작하세요."
)
OTHER_ROW = Template("there is no row {row}: the data has {rows}", "{row}번 행이 없습니다. 데이터는 {rows}행입니다.")
FRAME_SECONDS = 0.004  # how long updates are made between frames where they come as fast as they can
AIM_SECONDS = 0.02  # and on a way to an update, which one waits for


class Session:
    """What one person has in the studio.

    Parameters
    ----------
    state : State, optional
        To begin with.
    files : mapping of name to file, optional
        Data that states may name.
    quota : Quota, optional
        How much of the machine it may take.

    Attributes
    ----------
    first, second : Side
        The network, and the one beside it, if there is a comparison.
    version : int
        Grows with whatever frames show.
    aim : int or None
        The update that `tick` goes to, a little at a time, until something else is asked for.
    interrupted : callable
        ``interrupted(anew)``: whether to leave a long way, since something else was asked for; with `anew`, only if
        what is built doesn't matter any more.
    seen_inside : Inside
        What was seen inside the network that `inside_of` names; of the first, where there is no second any more.
    assignment : Assignment or None
        What is to be reached, and what may be changed. `bound`: it can't be laid aside. `solved`: it was reached.
    """

    def __init__(
        self, state: State | None = None, files: Mapping[str, Any] | None = None, quota: Quota | None = None
    ) -> None:
        self.files, self.quota = Files(files or {}), quota or Quota()
        self.files.most = self.quota.files
        self.files.used = self._files_used  # type: ignore[method-assign]
        self.assignment: Assignment | None = None
        self.bound = self.solved = False
        self.playing, self.speed = False, 0
        self.row: int | None = None
        self.panels: tuple[str, ...] = ("boundary", "units", "weights", "curves")
        self.grid, self.frames, self.version = 40, 0, 0
        self.planted: str | None = None  # key of a fault
        self.honest: State | None = None  # the state without it
        self.second: Side | None = None
        self.difference: Any = ""
        self.aim: int | None = None
        self.interrupted: Callable[[bool], bool] = lambda anew: False
        self.cut: int | None = None  # the update from which curves that pages have don't hold any more
        self._warm: Timeline | None = None
        self.seen_inside, self.inside_of = Inside(), "a"
        self.first = self._side(state or State())

    def rested(self) -> Callable[[], Session]:
        """What makes the session anew, and holds only what can't be computed again: what was said, sent and set."""
        state, files, quota = self.first.timeline.state.replace(at=0), self.files, self.quota
        assignment, bound, solved = self.assignment, self.bound, self.solved
        planted, honest, difference = self.planted, self.honest, self.difference
        beside = None if self.second is None else self.second.timeline.state.replace(at=0)
        aim = self.lead.at if self.aim is None else self.aim

        def again() -> Session:
            session = Session(state, files, quota)
            if beside is not None:
                session.second, session.difference = session.beside(beside), difference
            session.assignment, session.bound, session.solved = assignment, bound, solved
            session.planted, session.honest = planted, honest
            session.aim = aim
            return session

        return again

    def _files_used(self) -> set[str]:
        states = [side.timeline.state for side in self.sides.values()] + ([self.honest] if self.honest else [])
        return {state.data.file for state in states if state.data.name == "file"}

    # -------------------------------------------------------------------------------------------- what is seen

    def at(self) -> dict[str, Any]:
        """Time."""
        timeline = self.lead
        return {
            "update": timeline.at,
            "epoch": timeline.at / timeline.updates_per_epoch,
            "updates_per_epoch": timeline.updates_per_epoch,
            "furthest": self.furthest,
            "playing": self.playing,
            "speed": self.speed,
        }

    @property
    def sides(self) -> dict[str, Side]:
        """The networks that there are, by what messages call them."""
        return {"a": self.first} | ({} if self.second is None else {"b": self.second})

    @property
    def lead(self) -> Timeline:
        """By which time is told: the first network's, unless it has diverged and the second one goes on."""
        first, second = self.first.timeline, self.second
        return first if second is None or second.timeline.at <= first.at else second.timeline

    @property
    def furthest(self) -> int:
        """The last update that was made in any of them."""
        return max(side.timeline.furthest for side in self.sides.values())

    @property
    def most_updates(self) -> int:
        """The last update that there may be."""
        allowed = None if self.assignment is None else self.assignment.most_updates
        return self.quota.updates if allowed is None else min(allowed, self.quota.updates)

    @property
    def state(self) -> State:
        """All that says what is seen; without a fault that was planted."""
        timeline = self.first.timeline
        return (timeline.state if self.honest is None else self.honest).replace(at=timeline.at)

    def ask_about(self, row: int | None) -> int | None:
        """A row that is asked about: frames show its values from then on."""
        rows = len(self.first.timeline.rows.x)
        if row is not None and row >= rows:
            raise InputError(OTHER_ROW.say(row=row, rows=rows))
        self.row = None if row is None else int(row)
        return self.row

    def told(self) -> Reply:
        """`state`."""
        return telling.told(self)

    def data(self) -> Reply:
        """`data`."""
        return telling.data(self)

    def frame(self, curves_from: int = 0) -> Reply:
        """A frame of what `look` asked for, with losses from an update on."""
        return telling.frame(self, curves_from)

    # -------------------------------------------------------------------------------------------- time

    def tick(self) -> None:
        """The updates from one frame to the next, if it is playing or has an aim."""
        if not self.busy:
            return
        aim = self.most_updates if self.aim is None else min(self.aim, self.most_updates)
        if self.speed and self.aim is None:
            made = self._advance(min(self.speed, self._left(aim)))
        else:
            until, count, made = time.monotonic() + (FRAME_SECONDS if self.aim is None else AIM_SECONDS), 1, 0
            while done := self._advance(min(count, self._left(aim))):
                made, count = made + done, min(2 * count, 256)
                if time.monotonic() >= until:  # after one update at least: none means that there are no more
                    break
        if not made or self._left(aim) <= 0:  # diverged, or at the last update there is
            self.playing, self.aim = False, None
        self.version += 1

    @property
    def busy(self) -> bool:
        """Whether `tick` has something to do."""
        return self.playing or self.aim is not None

    def _away(self) -> bool:
        return self.interrupted(False)

    def _anew(self) -> bool:
        return self.interrupted(True)

    @property
    def behind(self) -> int:
        """Updates that the second network has to make to be where the first one is."""
        if self.second is None or self.second.timeline.diverged is not None:
            return 0
        return max(0, self.first.timeline.at - self.second.timeline.at)

    def _left(self, aim: int) -> int:
        """Updates up to an aim; those first by which the second network is behind."""
        return self.behind or aim - self.lead.at

    def _advance(self, count: int) -> int:
        """Both networks, as long as one of them goes on; how far. A second one that is behind comes after first."""
        before, first = self.lead.at, self.first.timeline
        if self.second is not None and self.behind:
            return self.second.timeline.advance(min(count, self.behind), self._away)
        first.advance(before + count - first.at, self._away)
        if self.second is not None:
            self._follow(before + count)
        return self.lead.at - before

    def seek(self, update: int) -> None:
        """Both networks at an update, or on the way there where that was interrupted."""
        self.aim, update = None, min(update, self.most_updates)
        self.first.timeline.seek(update, self._away)
        if self.second is not None:
            self._follow(update)

    def _follow(self, update: int) -> None:
        """The second network to where the first one is; if that one has diverged, to the update."""
        first, second = self.first.timeline, self.side("b").timeline
        second.seek(first.at if first.diverged is None else update, self._away)

    def to_warm_up(self) -> Timeline | None:
        """What is to be compiled before it is trained, told once; None if there is nothing."""
        timeline = self.first.timeline
        if self._warm is timeline:
            return None
        self._warm = timeline
        return timeline

    # -------------------------------------------------------------------------------------------- building

    def _side(self, state: State, before: Timeline | None = None, rows: Rows | None = None) -> Side:
        if rows is None:
            same = before is not None and before.state.data == state.data
            rows = before.rows if same and before is not None else rows_of(state.data, self.files)
        if self.quota.engine != "auto":  # whatever the state says
            state = state.replace(training=state.training.replace(engine=self.quota.engine))
        side = Side(Timeline(state, rows, before, self._anew, self.quota))
        if self.assignment is not None:
            self.assignment.require(state, side.counts)
        return side

    def side(self, name: str) -> Side:
        """A network by its name, "a" or "b"."""
        if name not in self.sides:
            raise InputError(NO_SECOND.say())
        return self.sides[name]

    def beside(self, state: State) -> Side:
        """A network to be put beside the first one, on its data."""
        return self._side(state, rows=self.first.timeline.rows)

    def rebuild(self, state: State) -> None:
        """Another state: trained up to where it says."""
        side = self._side(state, rows=self._same_rows(state))
        side.timeline.seek(min(state.at, self.most_updates), self._away)
        self.first, self.second, self.playing, self.row, self.aim = side, None, False, None, None
        self.planted = self.honest = None
        self.version, self.cut = self.version + 1, 0

    def _same_rows(self, state: State) -> Rows | None:
        timeline = self.first.timeline
        return timeline.rows if timeline.state.data == state.data else None

    def change(self, change: Change, only: str | None = None) -> None:
        """Something changed by hand at this update (whatever `change.at` is).

        Parameters
        ----------
        change : Change
        only : "a", "b" or None
            In which network; None: in both.
        """
        sides = self.sides if only is None else {only: self.side(only)}
        made = dict(self.sides)
        for name, side in sides.items():
            timeline = side.timeline
            if len(timeline.state.history) >= MOST_CHANGES:
                raise InputError(f"at most {MOST_CHANGES} changes by hand; press reset to begin anew")
            made[name] = self._side(timeline.state.with_change(change.replace(at=timeline.at)), timeline)
            written = made[name].texts
            if written is not None and side.texts is not None:
                written.writing.take_over(side.texts.writing, timeline.at)
        if self.honest is not None and "a" in sides:
            self.honest = self.honest.with_change(change.replace(at=made["a"].timeline.at))
        self.first, self.second = made["a"], made.get("b")
        if self.second is not None:
            self._follow(self.second.timeline.at)
        for side in self.sides.values():
            side.timeline.forget_what_follows(self._away)
        self.version, self.aim = self.version + 1, None
        self.cut = min(side.timeline.at for side in made.values())
