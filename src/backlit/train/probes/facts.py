"""What is known before the first update: a look at the network as it starts, and a few facts about its data."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.preparation import preparation_of
from backlit.graph import tree
from backlit.nn.ends import branch
from backlit.nn.layer import Layer, Network
from backlit.nn.shapes import rows_at, rows_of, size_of
from backlit.train.batches import Batches
from backlit.train.examples import Examples, Split
from backlit.train.heads import HeadTargets
from backlit.train.lazy import Lazy
from backlit.train.prepare import Job
from backlit.train.probes.alone import of_one_row
from backlit.train.probes.baselines import reference
from backlit.train.probes.columns import batches_of, coded, far_away, leaking, order_of, tokens_of
from backlit.train.probes.history import ProbeRecord, plain
from backlit.train.probes.padding import real_steps, sequences_of
from backlit.train.probes.parts import parts_of
from backlit.train.probes.prober import Prober

SEEN, NUMBERS = 4096, 1_000_000  # at most so many rows are told of, and numbers in them, but at least SAMPLE rows
TOGETHER = 4  # rows that are predicted together, and the first alone
SAMPLE = 256  # rows that are looked at, at least
LINES = 640  # on which simple models are tried: of fewer, a weak signal can't be told from none
_STREAM = 0x57A27


def start_of(job: Job, prober: Prober) -> Lazy:
    """The record of epoch 0, with facts on the data ("data") and the drawn weights ("weights") besides.

    It is worked out when it is asked for, from the examples and the train state at the start, which it holds on to
    until then.

    Parameters
    ----------
    job : Job
        As `prepare` made it; its seed chooses the rows that are looked at.
    prober : Prober
        Of the same job.
    """
    examples, batches, train_state, seed = job.examples, job.batches[0], job.start, job.training.seed

    whole = preparation_of(job.training.preparation).whole

    def work() -> ProbeRecord:
        data = _data(examples, batches, seed)
        data |= of_one_row(examples.network, rows_at({"x": examples.inputs}, batches.rows[:TOGETHER])["x"])
        if whole is not None and data.get("sequences"):
            data["sequences"]["whole"] = whole
        return {**prober(train_state, 0), "data": data, "weights": weights_of(examples.network)}

    return Lazy(work)


def weights_of(network: Network) -> dict[str, Any]:
    """Of each parameter: its root mean square ("rms"), mean, greatest absolute value, and whether its units are alike.

    "alike": all rows of a weight are the same, so its units compute the same; "columns": what a unit gives to the
    next layer is the same for all units.
    """
    sizes = {}
    for path, leaf in tree.items(network.params):
        value = np.asarray(leaf, dtype=np.float64)
        numbers = {"rms": np.sqrt(np.square(value).mean()), "mean": value.mean(), "largest": np.abs(value).max()}
        measured = plain(numbers)
        if value.ndim > 1:
            flat = value.reshape(value.shape[0], -1)
            measured["alike"] = bool(np.ptp(flat, axis=0).max() == 0) and len(flat) > 1
            measured["columns"] = bool(np.ptp(flat, axis=1).max() == 0) and flat.shape[1] > 1
        sizes[path] = measured
    return sizes


def _data(examples: Examples, batches: Batches, seed: int) -> dict[str, Any]:
    """Facts on the training rows of the first member, and on its validation rows.

    Those of several inputs stand under "by_input", those of several outputs under "by_output".
    """
    network, split, targets = examples.network, examples.split, examples.targets
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, _STREAM))))
    most = most_rows(size_of(network.input_shape))
    places = rng.permutation(len(batches.rows))[:most]
    weights = None if batches.weights is None else np.asarray(batches.weights[places], dtype=np.float64)
    rows = {"x": examples.inputs, "y": examples.encoded, "by_head": examples.by_head}
    seen = rows_at(rows, batches.rows[places]) | {"weights": weights}
    facts: dict[str, Any] = {
        "rows": len(batches.rows), "batch": batches.size, "steps": batches.steps, "kind": targets.kind,
    }  # fmt: skip
    held = None
    with np.errstate(all="ignore"):
        if split.validation is not None:
            numbers = split.validation[0]
            some = numbers[rng.permutation(len(numbers))[:most]]
            held = rows_at({"x": split.inputs, "y": split.encoded, "known": examples.known}, some)
        names = network.input_names
        of_inputs = {name: _of_input(seen["x"][name], branch(network, name)) for name in names}
        facts |= {"by_input": of_inputs} if names else _of_input(seen["x"], network.architecture)
        simple = None if facts.get("bad_rows") else _real(seen["x"])
        if isinstance(targets, HeadTargets):
            heads = {name: _of_head(name, examples, seen, held, simple) for name in targets.heads}
            facts["by_output"] = heads
        else:
            facts |= _of_output(examples.loss, targets, network.output_shape, seen, held, simple)
        if "sequences" in facts and facts.get("twins"):
            _, unmasked = sequences_of(seen["x"], network.architecture)
            if unmasked is not None:  # rows that differ, but not in what a mask leaves of them
                again = _twins(unmasked, seen["y"], facts["kind"])["contrary"]
                facts["sequences"]["contrary"] = max(0.0, again - facts["twins"]["contrary"])
        if held is not None:
            facts["held"] = len(split.validation[0])  # type: ignore[index]
            facts["shared"] = _shared(seen["x"], held["x"], len(batches.rows))
            other = _real(held["x"])
            if simple is not None and other is not None and not isinstance(targets, HeadTargets):
                facts["parts"] = parts_of(
                    simple, seen["y"], other, held["y"], targets.kind, stretch=_stretch(split, rng), seed=seed
                )
        if not isinstance(targets, HeadTargets):
            places = batches_of(len(batches.rows), batches.size * batches.accumulate)
            facts["order"] = order_of(rows_at({"y": examples.encoded}, batches.rows[places])["y"], targets.kind)
    return plain_tree(facts)


def _stretch(split: Split, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray] | None:
    """Held-out rows that follow one another, from any place on, and their targets."""
    numbers = split.validation[0]  # type: ignore[index]
    first = int(rng.integers(max(1, len(numbers) - SAMPLE + 1)))
    rows = rows_at({"x": split.inputs, "y": split.encoded}, numbers[first : first + SAMPLE])
    x = _real(rows["x"])
    return None if x is None else (x, rows["y"])


def _of_input(x: np.ndarray, layer: Layer) -> dict[str, Any]:
    """Facts on an input, and on its time steps for the layer that it goes to."""
    facts: dict[str, Any] = {"sequences": sequences_of(x, layer)[0]}
    if x.dtype.kind == "f":
        facts["bad_rows"] = int((~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).sum())
        real = real_steps(x, layer)  # what a mask hides is no number
        facts["inputs"] = _inputs(x if real is None else x[real])
        if not facts["bad_rows"]:
            facts["coded"], facts["far"] = coded(x, real), far_away(x, real)
    elif x.dtype.kind in "iu" and layer.takes_integers:
        facts["tokens"] = tokens_of(x)
    return facts


def _of_head(name: str, examples: Examples, seen: dict[str, Any], held: Any, simple: np.ndarray | None) -> Any:
    """Facts on one of several outputs."""
    own = {**seen, "y": seen["y"][name], "simple": simple}
    own_held = None if held is None else {**held, "y": held["y"][name]}
    if seen["by_head"] is not None:  # rows whose target doesn't count tell nothing of it
        weights = np.asarray(seen["by_head"][name], dtype=np.float64)
        own["weights"] = weights if seen["weights"] is None else weights * seen["weights"]
        own = rows_at({key: own[key] for key in ("x", "y", "weights", "simple")}, weights > 0)
    if own_held is not None and own_held["known"] is not None:
        own_held = rows_at({key: own_held[key] for key in ("x", "y")}, own_held["known"][name] > 0)
        own_held = own_held if len(own_held["y"]) else None
    simple = own["simple"]
    loss, targets = examples.loss.losses[name], examples.targets.heads[name]
    facts = _of_output(loss, targets, examples.network.output_shape[name], own, own_held, simple)
    return {"kind": targets.kind, **facts}


def _of_output(
    loss: Any, targets: Any, shape: tuple[int, ...], seen: dict[str, Any], held: Any, simple: np.ndarray | None
) -> dict[str, Any]:
    """Facts on the targets of an output, and on what is known of them without a network."""
    kind, x, y = targets.kind, seen["x"], seen["y"]
    facts: dict[str, Any] = {"guess": guess_loss(loss, kind, y, shape, seen["weights"])}
    facts |= of_targets(y, targets)
    facts["reference"] = {} if simple is None else reference(simple[:LINES], y[:LINES], kind)
    facts["twins"] = _twins(x, y, kind)
    if seen["weights"] is not None:
        facts["weighing"] = _weighing(np.asarray(seen["weights"], np.float64), y, kind)
    if kind == "number" and y.dtype.kind == "f" and np.isfinite(y).all():
        facts["far_targets"] = far_away(y.reshape(len(y), -1))
    if simple is not None:
        facts["leaking"] = leaking(simple, y, kind)
    if held is not None:
        facts["held_guess"] = guess_loss(loss, kind, held["y"], shape, None)
        facts["held_targets"] = _targets(kind, held["y"], targets)
    return facts


def _weighing(weights: np.ndarray, y: np.ndarray, kind: str) -> dict[str, float]:
    """How many of the rows count, (Σw)² / (n Σw²), and the class with the greatest weight: its part of it, and of rows.

    L. Kish, Survey Sampling, 1965.
    """
    total = weights.sum()
    told = {"effective": float(total**2 / max(len(weights) * np.square(weights).sum(), 1e-300))}
    if kind in ("class", "binary") and y.size == len(y) and total > 0 and y.min() >= 0:
        classes = y.reshape(-1).astype(int)
        by_class = np.bincount(classes, weights=weights) / total
        most = int(by_class.argmax())
        told |= {"most": float(by_class[most]), "share": float((classes == most).mean())}
    return told


def of_targets(y: np.ndarray, targets: Any) -> dict[str, Any]:
    """Facts on targets as a loss takes them, under "targets"."""
    return {"targets": _targets(targets.kind, y, targets)}


def of_rows(x: np.ndarray, y: np.ndarray, layer: Layer, targets: Any) -> dict[str, Any]:
    """Facts on training rows of another library's network: inputs, targets, and what simple models make of them.

    Parameters
    ----------
    x, y : array (rows, ...)
        As Backlit's layers and losses would take them.
    layer : Layer
        That the inputs go to.
    targets : Targets
        Whose kind they are.
    """
    facts = {**_of_input(x, layer), **of_targets(y, targets), "twins": _twins(x, y, targets.kind)}
    simple = None if facts.get("bad_rows") else _real(x)
    facts["reference"] = {} if simple is None else reference(simple[:LINES], y[:LINES], targets.kind)
    facts["leaking"] = {} if simple is None else leaking(simple, y, targets.kind)
    return facts


def of_held_rows(x: np.ndarray, held_x: np.ndarray, held_y: np.ndarray, rows: int, targets: Any) -> dict[str, Any]:
    """Facts on rows held back, beside the training rows `x`, which are some of so many."""
    return {"shared": _shared(x, held_x, rows), "held_targets": _targets(targets.kind, held_y, targets)}


def most_rows(size: int) -> int:
    """Rows of so many numbers that facts are taken of, at most."""
    return max(SAMPLE, min(SEEN, NUMBERS // max(1, size)))


def _real(x: Any) -> np.ndarray | None:
    """Inputs for simple models: real numbers, of several inputs side by side; None if there are others."""
    parts = tree.leaves(x)
    if any(part.dtype.kind != "f" or not np.isfinite(part).all() for part in parts):
        return None
    return parts[0] if len(parts) == 1 else np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def plain_tree(facts: dict[str, Any]) -> dict[str, Any]:
    """Plain data: words, None and booleans as they are, numbers to six digits."""
    return {
        key: plain_tree(value)
        if isinstance(value, dict)
        else value
        if value is None or isinstance(value, (str, bool, list))
        else plain(value)
        for key, value in facts.items()
    }


def guess_loss(loss: Any, kind: str, y: np.ndarray, outputs: tuple[int, ...], weights: Any) -> float | None:
    """The loss of the best answer that is the same for all rows: what has to be beaten; None if that isn't known.

    For classes the entropy of their shares, for numbers the loss of the mean or the median, whichever is lower.
    """
    w = np.ones(len(y)) if weights is None else weights
    candidates: list[np.ndarray] = []
    if kind == "class":
        real = y >= 0
        spread = np.broadcast_to(w.reshape(-1, *[1] * (y.ndim - 1)), y.shape)
        shares = np.bincount(y[real].astype(int), weights=spread[real], minlength=outputs[-1]) + 1e-9
        shares = shares / shares.sum()
        row = shares if loss.activation == "identity" else np.log(shares)
        if type(loss).__name__ == "Hinge":
            row = np.zeros_like(shares)
        candidates.append(np.broadcast_to(row, (len(y), *outputs)))
    elif kind in ("binary", "multi_label"):
        share = np.clip(np.average(y, axis=0, weights=w), 1e-9, 1 - 1e-9)
        row = share if loss.activation == "identity" else np.log(share / (1 - share))
        candidates.append(np.broadcast_to(row, y.shape))
    elif kind == "number":
        candidates += [np.broadcast_to(a, y.shape) for a in (np.average(y, axis=0, weights=w), np.median(y, axis=0))]
    try:
        dtype = y.dtype if y.dtype.kind == "f" else "float64"
        losses = [np.asarray(loss(np.array(guess, dtype=dtype), y)) for guess in candidates]
        means = [float(np.average(each, weights=w)) for each in losses]
    except (ValueError, TypeError, AttributeError, IndexError):  # a loss of the user's own may want anything
        return None
    return min(means, default=None)


def _targets(kind: str, y: np.ndarray, targets: Any) -> dict[str, Any]:
    if kind in ("class", "binary"):
        values = y[y >= 0].astype(int)
        counts = np.bincount(values.reshape(-1), minlength=2 if kind == "binary" else len(targets.labels.classes))
        return {"classes": len(counts), "shares": [float(f"{c / counts.sum():.6g}") for c in counts[:1000]]}
    if y.dtype.kind != "f" or not y.size:
        return {}
    values_in_unit = np.asarray(targets.own_unit(y))
    whole = bool((values_in_unit == np.round(values_in_unit)).all())
    distinct = len(np.unique(values_in_unit[:, 0] if values_in_unit.ndim > 1 else values_in_unit)) if whole else None
    return {
        "low": y.min(), "high": y.max(), "mean": y.mean(), "std": y.std(), "whole": whole, "distinct": distinct,
        "bad": float((~np.isfinite(y)).mean()),
    }  # fmt: skip


def _inputs(x: np.ndarray) -> dict[str, Any]:
    """Of the columns: of tables each, of pictures the channels, of sequences the numbers of a step."""
    flat = x.reshape(-1, x.shape[-1]).astype(np.float64)
    flat = flat[np.isfinite(flat).all(axis=1)]
    if not len(flat):
        return {"columns": x.shape[-1]}
    mean, std, size = flat.mean(axis=0), flat.std(axis=0), np.sqrt(np.square(flat).mean(axis=0))
    moving = std > 1e-7 * np.maximum(size, 1e-30)
    facts: dict[str, Any] = {
        "columns": x.shape[-1], "constant": int((~moving).sum()), "rms": np.sqrt(np.square(size).mean()),
        "largest": np.abs(flat).max(), "low": flat.min(), "high": flat.max(),
    }  # fmt: skip
    if moving.any():
        ratio = np.abs(mean[moving]) / std[moving]
        facts |= {
            "std": np.sqrt(np.square(std[moving]).mean()), "offset": np.median(ratio),
            "least_std": std[moving].min(), "most_std": std[moving].max(), "most_rms": size.max(),
            "median_rms": np.median(size[moving]),
        }  # fmt: skip
    constant = np.flatnonzero(~moving)
    facts["constant_columns"] = [int(i) for i in constant[:20]]
    return facts


def _keys(x: Any) -> np.ndarray:
    """One whole number a row, equal for equal rows (and in one case of 2⁶⁴ for others)."""
    flat = [np.ascontiguousarray(part.reshape(len(part), -1)) for part in tree.leaves(x)]
    return np.array([hash(b"".join([part.tobytes() for part in row])) for row in zip(*flat, strict=True)])


def _chance(x: Any) -> float:
    """How probably two rows are equal if columns don't depend on each other: Π Σ p²."""
    total = 0.0
    for part in tree.leaves(x):
        flat = part.reshape(len(part), -1)[:512]
        for column in flat.T[:4096]:
            counts = np.unique(column, return_counts=True)[1]
            total += float(np.log(np.square(counts / len(flat)).sum()))
            if total < -40:
                return float(np.exp(total))
    return float(np.exp(total))


def _twins(x: Any, y: np.ndarray, kind: str) -> dict[str, Any]:
    """Rows that occur more than once with different targets: their share, and what chance would make it."""
    if kind not in ("class", "binary", "number") or y.size != len(y):
        return {}
    _, place, counts = np.unique(_keys(x), return_inverse=True, return_counts=True)
    repeated = counts[place] > 1
    if not repeated.any():
        return {"repeated": 0.0, "contrary": 0.0, "chance": 0.0}
    values = y.reshape(len(y)).astype(np.float64)
    low, high = np.full(len(counts), np.inf), np.full(len(counts), -np.inf)
    np.minimum.at(low, place, values)
    np.maximum.at(high, place, values)
    differ = (high - low) > (0 if kind != "number" else 0.5 * values.std())
    chance = _chance(x)
    return {
        "repeated": float(repeated.mean()), "contrary": float((differ[place] & repeated).mean()),
        "chance": min(1.0, chance * len(x)),
    }  # fmt: skip


def _blank(x: Any) -> np.ndarray:
    """Which rows hold nothing but zeros: of these, being equal tells nothing."""
    return np.logical_and.reduce([~part.reshape(len(part), -1).any(axis=1) for part in tree.leaves(x)])


def _shared(x: Any, validation: Any, rows: int) -> dict[str, Any]:
    """Held-out rows that are training rows, too: how many were seen, their share, and what chance would make it."""
    validation = tree.map(lambda part, like: part.astype(like.dtype, copy=False), validation, x)
    repeated = np.isin(_keys(validation), _keys(x)) & ~_blank(validation)
    both = tree.map(lambda one, other: np.concatenate([one[:256], other[:256]]), x, validation)
    chance = min(1.0, _chance(both) * rows)
    return {
        "count": int(repeated.sum()), "share": min(1.0, float(repeated.mean()) * rows / rows_of(x)), "chance": chance,
    }  # fmt: skip
