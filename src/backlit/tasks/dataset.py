"""Data sets that Backlit carries, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit import data as carried
from backlit.data.preparation import Preparation
from backlit.tasks.rows import RowsTask
from backlit.tasks.task import Material, Progress


@dataclass(frozen=True, repr=False)
class DatasetTask(RowsTask):
    """A data set that has its own target."""

    kind = "data sets"
    source = "data sets"

    def read(self, data: str, progress: Progress | None = None) -> Material:
        """The data set of this name."""
        dataset = carried.load(data)
        y = dataset.y
        if dataset.class_names and not all(name.isdigit() for name in dataset.class_names):
            y = np.array(dataset.class_names)[y]
        return Material(data, dataset.x, y, dataset.task, seen_as=dataset.shape)

    def prepare(self, material: Material, rows: np.ndarray) -> Preparation:
        """Scaled columns; those of pictures by their common range."""
        scaling: Any = carried.MinMax() if material.seen_as is not None else carried.Standardize()
        return scaling.fit(material.raw[rows])
