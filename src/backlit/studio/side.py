"""One of the networks that a session has: its training, and how it is looked at."""

from __future__ import annotations

from typing import Any

from backlit.languages import Template
from backlit.studio.building import frozen_now
from backlit.studio.looks import Looks
from backlit.studio.reading import TextLooks
from backlit.studio.timeline import Timeline
from backlit.studio.words import both

DIVERGED = Template(
    "update {update} would leave no numbers ({place}), so it wasn't made. You are before it: take a lower learning "
    "rate from here, or go back further",
    "{update}번째 갱신을 하면 수가 아닌 값이 됩니다({place}). 그래서 그 앞에 멈췄습니다. "
    "여기서부터 학습률을 낮추거나 더 앞으로 돌아가세요.",
)


class Side:
    """A network with how it is looked at.

    Parameters
    ----------
    timeline : Timeline
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.looks = Looks(timeline)
        self.texts = TextLooks(timeline) if timeline.rows.reading is not None else None

    @property
    def counts(self) -> dict[str, int]:
        """What the built network has of what a task may bound."""
        hidden = self.looks.columns[1:-1]
        return {
            "units": sum(column.units for column in hidden),
            "layers": len(hidden),
            "weights": self.timeline.job.network.size,
        }

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The network's columns, as `state` tells them."""
        frozen = frozen_now(self.timeline.state, self.timeline.at)
        return [column.to_dict(frozen) for column in self.looks.columns]

    @property
    def scored(self) -> dict[str, Any]:
        """Losses and accuracies at this update, as a frame tells them; and where no numbers were left."""
        scores = self.looks.scores()
        found = self.timeline.diverged
        return {
            "loss": scores["loss"],
            "held_loss": scores["held_loss"],
            "accuracy": {"train": scores["right"], "held": scores["held_right"]},
            "diverged": None if found is None else both(DIVERGED.of(update=self.timeline.at + 1, place=found.place)),
        }
