"""What is known before the first update: a look at the network as it starts, and a few facts about its data."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.preparation import preparation_of
from backlit.graph import tree
from backlit.nn.ends import branch
from backlit.nn.layer import Layer, Network
from backlit.nn.shapes import rows_at, size_of
from backlit.train.batches import Batches
from backlit.train.examples import Examples, Split
from backlit.train.heads import HeadTargets
from backlit.train.lazy import Lazy
from backlit.train.prepare import Job
from backlit.train.probes.alone import of_one_row
from backlit.train.probes.baselines import reference
from backlit.train.probes.columns import batches_of, far_away, leaking, naming, order_of
from backlit.train.probes.history import ProbeRecord, plain
from backlit.train.probes.inputs import of_input, real_numbers, shared_of, twins_of
from backlit.train.probes.padding import filling_of, sequences_of
from backlit.train.probes.parts import by_shares, parts_of, token_shares, told_by_rank
from backlit.train.probes.prober import Prober
from backlit.train.probes.targets import HEAVY, fences, guess_loss, numbers_of, of_targets, weighing_of

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
        of_inputs = {name: of_input(seen["x"][name], branch(network, name)) for name in names}
        facts |= {"by_input": of_inputs} if names else of_input(seen["x"], network.architecture)
        simple = None if facts.get("bad_rows") else real_numbers(seen["x"])
        if isinstance(targets, HeadTargets):
            heads = {name: _of_head(name, examples, seen, held, simple) for name in targets.heads}
            facts["by_output"] = heads
        else:
            facts |= _of_output(examples.loss, targets, network.output_shape, seen, held, simple)
        if "sequences" in facts and facts.get("twins"):
            _, unmasked = sequences_of(seen["x"], network.architecture)
            if unmasked is not None:  # rows that differ, but not in what a mask leaves of them
                masked, whole = (
                    twins_of(x, seen["y"], facts["kind"], blank=True)["contrary"] for x in (unmasked, seen["x"])
                )
                facts["sequences"]["contrary"] = max(0.0, masked - whole)
        if held is not None:
            facts["held"] = len(split.validation[0])  # type: ignore[index]
            facts["shared"] = shared_of(seen["x"], held["x"], len(batches.rows))
            if not isinstance(targets, HeadTargets):
                facts["parts"] = _parts(
                    seen, held, simple, targets.kind, _stretch(split, rng), network.architecture, seed
                )
        if not isinstance(targets, HeadTargets):
            places = batches_of(len(batches.rows), batches.size * batches.accumulate)
            facts["order"] = order_of(rows_at({"y": examples.encoded}, batches.rows[places])["y"], targets.kind)
    return plain_tree(facts)


def _stretch(split: Split, rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    """Held-out rows that follow one another, from any place on, and their targets."""
    numbers = split.validation[0]  # type: ignore[index]
    first = int(rng.integers(max(1, len(numbers) - SAMPLE + 1)))
    rows = rows_at({"x": split.inputs, "y": split.encoded}, numbers[first : first + SAMPLE])
    return rows["x"], rows["y"]


def _parts(
    seen: dict[str, Any],
    held: dict[str, Any],
    simple: np.ndarray | None,
    kind: str,
    stretch: tuple[Any, np.ndarray],
    layer: Layer,
    seed: int,
) -> dict[str, Any]:
    """Training rows beside held-out ones: by their numbers, or by how often tokens stand in them."""
    if simple is not None:
        other, along = real_numbers(held["x"]), real_numbers(stretch[0])
        if other is None:
            return {}
        beside = None if along is None else (along, stretch[1])
        return parts_of(simple, seen["y"], other, held["y"], kind, stretch=beside, seed=seed)
    x, held_x, along_x = seen["x"], held["x"], stretch[0]
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "iu" or x.ndim != 2 or not layer.takes_integers:
        return {}
    filling = filling_of(np.concatenate([x, held_x]))
    (own, other, along), tokens = token_shares(x, [held_x, along_x], filling)
    told = parts_of(own, seen["y"], other, held["y"], kind, stretch=(along, stretch[1]), seed=seed)
    if not told:
        return {}
    told |= by_shares(own, other)
    usual, often = (float(part[:, told["column"]].mean()) for part in (own, other))
    told |= {"token": int(tokens[told["column"]]), "usual": usual, "often": often}
    if filling is not None:
        lengths, others = ((part != filling).sum(axis=1) for part in (x, held_x))
        told |= {"length": float(lengths.mean()), "held_length": float(others.mean())}
        told["by_length"] = told_by_rank(lengths, others)
    return told


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
    if simple is not None and facts["targets"].get("tails", 0.0) > HEAVY:  # what simple models know of the others
        facts["tamed"] = reference(simple[:LINES], np.clip(y, *fences(y))[:LINES], kind)
    facts["twins"] = twins_of(x, y, kind)
    if seen["weights"] is not None:
        facts["weighing"] = weighing_of(np.asarray(seen["weights"], np.float64), y, kind)
    if kind == "number" and y.dtype.kind == "f" and np.isfinite(y).all():
        held_y = y[:0] if held is None or not np.isfinite(held["y"]).all() else held["y"]
        every = np.concatenate([y, held_y.reshape(len(held_y), *y.shape[1:])])  # one held back spoils what is judged
        facts["far_targets"] = far_away(every.reshape(len(every), -1))
    if simple is not None:
        facts["leaking"] = leaking(simple, y, kind)
    elif isinstance(x, np.ndarray) and x.dtype.kind in "iu":
        facts["leaking"] = naming(x, y, kind)
    if held is not None:
        facts["held_guess"] = guess_loss(loss, kind, held["y"], shape, None)
        facts["held_targets"] = numbers_of(kind, held["y"], targets)
    return facts


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
    facts = {**of_input(x, layer), **of_targets(y, targets), "twins": twins_of(x, y, targets.kind)}
    simple = None if facts.get("bad_rows") else real_numbers(x)
    facts["reference"] = {} if simple is None else reference(simple[:LINES], y[:LINES], targets.kind)
    facts["leaking"] = {} if simple is None else leaking(simple, y, targets.kind)
    return facts


def of_held_rows(x: np.ndarray, held_x: np.ndarray, held_y: np.ndarray, rows: int, targets: Any) -> dict[str, Any]:
    """Facts on rows held back, beside the training rows `x`, which are some of so many."""
    return {"shared": shared_of(x, held_x, rows), "held_targets": numbers_of(targets.kind, held_y, targets)}


def most_rows(size: int) -> int:
    """Rows of so many numbers that facts are taken of, at most."""
    return max(SAMPLE, min(SEEN, NUMBERS // max(1, size)))


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
