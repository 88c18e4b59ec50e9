"""What probes have told: one record a probe, plain data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.errors import InputError, unknown
from backlit.graph import tree

ProbeRecord = dict[str, Any]
LISTS = ("histogram", "steps")  # what isn't one number


class ProbeRecords(list[ProbeRecord]):
    """Records of probes, plain data, one dict each: see `backlit.ProbeHistory`."""

    def table(self) -> list[ProbeRecord]:
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
        measured = [{**record["layers"], **record.get("params", {})} for record in self]
        known = {known: None for record in measured for known in record}
        if path not in known:
            raise unknown("layer or parameter", path, known)
        names = {each: None for record in measured for each in record.get(path, {})}
        if name not in names:
            raise unknown(f"number of {path}", name, names)
        return [record.get(path, {}).get(name) for record in measured]

    def last(self) -> ProbeRecord:
        """The last record; as `at`."""
        return self.at(None)

    def at(self, epoch: int | None) -> ProbeRecord:
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
        records = [record for record in self if record["epoch"] == epoch]
        if not records:
            raise InputError(
                f"epoch {epoch} wasn't probed; there are {', '.join(str(record['epoch']) for record in self)}. "
                "bl.fit(..., probes=bl.Probes(every=1)) probes them all"
            )
        return records[0]


def plain(numbers: Any) -> Any:
    """Arrays of numbers as numbers and lists: six digits, and None for what isn't finite."""
    return tree.map(_plain, numbers)


def _plain(part: Any) -> Any:
    part = np.asarray(part)
    if part.ndim:
        return [_plain(each) for each in part]
    if part.dtype.kind in "iub":
        return int(part)
    number = float(part)
    return float(f"{number:.6g}") if math.isfinite(number) else None
