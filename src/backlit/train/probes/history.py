"""What probes have told: one record a probe, plain data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.errors import InputError, unknown
from backlit.graph import tree

Record = dict[str, Any]
LISTS = ("histogram", "steps")  # what isn't one number


class ProbeHistory(list[Record]):
    """The probes of a run, one dict each.

    ``{"epoch": 8, "step": 800, "rows": 64, "loss": 0.31, "layers": {"0": {...}, ...}, "params": {"0/weight": {...}}}``.
    Numbers that are NaN or infinite are None.

    Of each layer, by path ("input" is the network's input, "network" what a container makes of its parts in the end),
    its kind ("layer") and:

    ============== ====================================================================================================
    mean, std      of its output; with min and max
    zeros          share that is exactly 0
    saturated      share where the activation's slope is below 1 % of its largest; for activations only
    dead           share of units saturated (of other layers: 0) on every row looked at
    bad            share that is NaN or infinite
    gradient_norm  ‖∂L/∂a‖ of a row's loss by its output, root mean square over the rows
    histogram      counts in equal bins from min to max
    steps          of recurrent layers: lists of mean, std and gradient_norm (of ∂L/∂hₜ, the whole of it) by time step
    ============== ====================================================================================================

    Of each parameter, by path:

    ============== ====================================================================================================
    norm           ‖w‖
    gradient_norm  ‖∂L/∂w‖, of the mean gradient of the rows looked at; ``penalty_norm`` is the penalty's
    update_ratio   ‖Δw‖ / ‖w‖ for the update that the optimizer would make now
    noise          variance of an update's gradient between batches, as a multiple of ‖∂L/∂w‖²
    one_signed     share of units whose incoming weights' gradients have all one sign, so that they can only zig-zag
    ============== ====================================================================================================

    Examples
    --------
    >>> history = ProbeHistory([{"epoch": 1, "step": 4, "layers": {"0": {"mean": 0.5, "histogram": [1, 2]}},
    ...     "params": {"0/weight": {"norm": 2.0}}}])
    >>> history.table()
    [{'epoch': 1, 'step': 4, 'kind': 'layer', 'path': '0', 'mean': 0.5}, \
{'epoch': 1, 'step': 4, 'kind': 'parameter', 'path': '0/weight', 'norm': 2.0}]
    >>> history.of("0", "mean")
    [0.5]
    """

    def table(self) -> list[Record]:
        """One plain dict for each probe and each layer or parameter; without histograms and time steps."""
        rows = []
        for record in self:
            for kind, key in (("layer", "layers"), ("parameter", "params")):
                for path, numbers in record.get(key, {}).items():
                    plain = {name: value for name, value in numbers.items() if name not in LISTS}
                    rows.append({"epoch": record["epoch"], "step": record["step"], "kind": kind, "path": path, **plain})
        return rows

    def frame(self) -> Any:
        """The table as a polars DataFrame (`.to_pandas()` turns it into a pandas one)."""
        import polars

        return polars.DataFrame(self.table(), infer_schema_length=None)

    def of(self, path: str, name: str) -> list[Any]:
        """One number of one layer or parameter, probe by probe.

        Raises
        ------
        UnknownNameError
            If there is no such path, or nothing of that name was measured of it.
        """
        found = [{**record["layers"], **record.get("params", {})} for record in self]
        known = {known: None for record in found for known in record}
        if path not in known:
            raise unknown("layer or parameter", path, known)
        names = {each: None for record in found for each in record.get(path, {})}
        if name not in names:
            raise unknown(f"number of {path}", name, names)
        return [record.get(path, {}).get(name) for record in found]

    def flow(self) -> Any:
        """How gradients flow through layers, and in recurrent ones through time: see `Run.flow`."""
        from backlit.inspect.plots.flow import flow

        return flow(self)

    def activations(self, epoch: int | None = None) -> Any:
        """Histograms of the layers' outputs: see `Run.activations`."""
        from backlit.inspect.plots.activity import activity

        return activity(self, epoch)

    def last(self) -> Record:
        """The last record; as `at`."""
        return self.at(None)

    def at(self, epoch: int | None) -> Record:
        """The record of an epoch, or the last one.

        Raises
        ------
        InputError
            If there is none; the message says which there are, or how to get one.
        """
        if not self:
            raise InputError(
                "this run has no probes, so what went on inside isn't known: train with "
                "bl.fit(..., probes='standard'), or look at the network as it is with bl.probe(network, x, y)"
            )
        if epoch is None:
            return self[-1]
        found = [record for record in self if record["epoch"] == epoch]
        if not found:
            raise InputError(
                f"epoch {epoch} wasn't probed; there are {', '.join(str(record['epoch']) for record in self)}. "
                "bl.fit(..., probes=bl.Probes(every=1)) probes them all"
            )
        return found[0]


def plain(found: Any) -> Any:
    """Arrays of numbers as numbers and lists: six digits, and None for what isn't finite."""
    return tree.map(_plain, found)


def _plain(part: Any) -> Any:
    part = np.asarray(part)
    if part.ndim:
        return [_plain(own) for own in part]
    if part.dtype.kind in "iub":
        return int(part)
    number = float(part)
    return float(f"{number:.6g}") if math.isfinite(number) else None
