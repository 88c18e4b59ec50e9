"""Time series: times put on an even calendar, gaps, windows, and how windows become inputs."""

from backlit.data.series.grid import Grid
from backlit.data.series.preparation import SeriesPreparation
from backlit.data.series.spacing import Spacing
from backlit.data.series.windows import Windows

__all__ = ["Grid", "SeriesPreparation", "Spacing", "Windows"]
