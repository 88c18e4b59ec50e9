"""A run as a folder of plain files, written together or not at all (see `backlit.store.files`).

network.json         architecture, input shape, loss, settings, format version, SHA-256 of the other files and of itself
weights.safetensors  parameters ("0/weight") and running state ("state:1/mean")
data.json            classes, target encoding, preparation of raw input
history.jsonl        one line an epoch
judgement.json       scores on held-out rows, if the run came from a table or data set
config.toml          what would train it again, if the command trained it
probes.jsonl         one line a probe, if there were any; the first tells of the start, before any update
state.safetensors    only while training can be resumed: all that the next update needs
report.html          the run as a page to read, if it was asked for
"""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backlit import distributed
from backlit.data.preparation import describe, restore
from backlit.errors import BacklitError, InputError, UnknownNameError
from backlit.files import locked
from backlit.graph import tree
from backlit.languages import glossary, restored
from backlit.nn import losses, metrics
from backlit.nn.layer import Network
from backlit.nn.shapes import each
from backlit.optim.transform import Transform
from backlit.schema import check_depth, fitted
from backlit.store import files
from backlit.store.files import REMEDY, from_json, to_json
from backlit.store.old import divergence
from backlit.store.records import Data, Index, line, look, network_of, settings_of
from backlit.train.callbacks import History
from backlit.train.heads import HeadTargets
from backlit.train.judgement import Judgement
from backlit.train.probes.history import ProbeRecords
from backlit.train.result import Result
from backlit.train.scores import metric_table, name_of, wanted_again
from backlit.train.targets import Targets

WEIGHTS, DATA, HISTORY, JUDGEMENT, CONFIG, STATE, PROBES, REPORT = (*files.FILES, *files.OPTIONAL)
WORDS = "languages"  # of the judgement: its sentences in other languages, by their English
RUNNING = "state:"  # before the names of running values


def to_tensors(tensors: dict[str, Any], metadata: dict[str, str]) -> bytes:
    """Arrays by name as a safetensors file's content."""
    from safetensors.numpy import save as serialize

    return serialize({name: np.asarray(value, order="C") for name, value in tensors.items()}, metadata)


def from_tensors(path: Path, content: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays by name, and the metadata: the inverse of `to_tensors`."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as deserialize

    try:
        tensors = {name: value.copy() for name, value in deserialize(content).items()}  # the originals are read-only
    except (SafetensorError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path} can't be read: {error}; it is damaged: {REMEDY}") from error
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    return tensors, from_json(path, header).get("__metadata__", {})


def save(
    run: Result, folder: Path, overwrite: bool = False, state: bytes | None = None, report: str | None = None
) -> Path:
    """Write a run to a folder: all files, or, whatever happens, none. Of several processes the first writes.

    Parameters
    ----------
    state : bytes, optional
        What training needs to go on. Without it, what is there stays if it is this run's own folder.
    report : str, optional
        The report as a page. Without it, one that is there goes: it tells of the run before.
    """
    if not distributed.is_first():
        run.folder = folder
        return folder
    contents = _contents(run) | ({} if state is None else {STATE: state})
    if report is not None:
        contents[REPORT] = report.encode()
    try:
        same_folder = run.folder is not None and run.folder.resolve() == folder.resolve()
        if not same_folder:
            files.refuse_foreign(folder)
        with locked(folder):
            if files.holds_run(folder) and not overwrite:
                raise InputError(f"{folder} already holds a run; choose another, or save(folder, overwrite=True)")
            files.write(folder, _description(run), contents, keep=(STATE,) if same_folder else ())
    except OSError as error:
        raise InputError(f"{folder} can't be written: {error}; what was there is as it was") from error
    run.folder = folder
    return folder


def add_report(folder: Path, page: str) -> Path:
    """Put a report to a run that is there, or in place of its own.

    Raises
    ------
    InputError
        If the folder isn't a run's any more or can't be written.
    """
    if not distributed.is_first():
        return folder / REPORT
    try:
        with locked(folder):
            files.add(folder, REPORT, page.encode())
    except OSError as error:
        raise InputError(f"{folder / REPORT} can't be written: {error}; what was there is as it was") from error
    return folder / REPORT


def _contents(run: Result) -> dict[str, bytes]:
    """All files but network.json, by name."""
    running = {RUNNING + name: value for name, value in run.network.state.items()}
    contents = {
        WEIGHTS: to_tensors(tree.flatten_dict(run.network.params) | running, {"format": str(files.FORMAT)}),
        DATA: to_json(DATA, {"targets": run.targets.to_dict(), "preparation": describe(run.preparation)}),
        HISTORY: b"".join(to_json(HISTORY, record, indent=None) for record in run.history),
    }
    records = [*([run.start] if run.start else []), *run.probes]
    if records:
        contents[PROBES] = b"".join(to_json(PROBES, record, indent=None) for record in records)
    if run.judgement is not None:
        contents[JUDGEMENT] = to_json(JUDGEMENT, with_words(run.judgement))
    if run.config is not None:
        import tomli_w

        try:
            contents[CONFIG] = tomli_w.dumps(run.config).encode()
        except (AttributeError, RecursionError, TypeError, ValueError) as error:
            raise InputError(f"{CONFIG} can't be written: {error}; what a run keeps must be plain data") from error
    return contents


def with_words(judgement: Mapping[str, Any]) -> Mapping[str, Any]:
    """A judgement with its sentences' words in other languages, where there are any, under "languages"."""
    words = glossary(judgement)
    return {**judgement, WORDS: words} if words else judgement


def in_words(judgement: Any) -> Any:
    """A judgement as it was before `with_words`: sentences know their languages again."""
    if not isinstance(judgement, dict) or WORDS not in judgement:
        return judgement
    words = fitted(dict[str, dict[str, str]], judgement[WORDS], WORDS)
    return restored({name: value for name, value in judgement.items() if name != WORDS}, words)


def _description(run: Result) -> dict[str, Any]:
    """What network.json says."""
    return {
        "architecture": run.network.architecture.to_dict(),
        "input_shape": each(list, run.network.input_shape),
        "dtype": str(run.network.dtype),
        **({"frozen": list(run.network.frozen)} if run.network.frozen else {}),
        "loss": losses.to_dict(run.loss),
        "metrics": _metric_names(run.metrics),
        "optimizer": run.optimizer.to_dict() if hasattr(run.optimizer, "to_dict") else run.optimizer,
        "settings": run.settings,
        "stopped": run.stopped,
        "best_epoch": run.best_epoch,
        "diverged": vars(run.diverged) if run.diverged else None,
    }


def load(folder: str | Path) -> Result:
    """Read what `save` wrote: see `backlit.load`."""
    folder = Path(folder)
    description, contents = files.read(folder, {*files.FILES, JUDGEMENT, CONFIG, PROBES})
    tensors, _ = from_tensors(folder / WEIGHTS, contents[WEIGHTS])
    data = from_json(folder / DATA, contents[DATA])
    records = [from_json(folder / HISTORY, line) for line in contents[HISTORY].splitlines()]
    probed = [from_json(folder / PROBES, line) for line in contents.get(PROBES, b"").splitlines()]
    judged = from_json(folder / JUDGEMENT, contents.get(JUDGEMENT, b"null"))
    old = description["format"] < files.FORMAT
    with understanding(folder / files.INDEX, old):
        index = fitted(Index, description)
        network = network_of(index, tensors)
        loss = losses.from_dict(index["loss"])
        if isinstance(loss, losses.Heads) and tuple(loss.losses) != network.output_names:
            raise InputError(f"a loss of {', '.join(loss.losses)} doesn't fit outputs {network.output_names}")
        table = metric_table(index["metrics"], loss)
        diverged = divergence(index["diverged"]) if index["diverged"] else None
        optimizer = _optimizer(index["optimizer"])
        settings = settings_of(index["settings"])
    with understanding(folder / WEIGHTS, old):
        network = network.replace(**_fill(network, tensors))
    with understanding(folder / DATA, old):
        described = fitted(Data, data)
        targets = _targets(_renewed(data["targets"], network.output_shape) if old else described["targets"])
        if isinstance(targets, (Targets, HeadTargets)) and targets.outputs != network.output_shape:
            raise InputError(f"targets of shape {targets.outputs} don't fit outputs of shape {network.output_shape}")
        preparation = restore(described["preparation"])
    with understanding(folder / HISTORY, old):
        history = History(line(record) for record in records)
        if not 0 <= (index["best_epoch"] or 0) <= len(history):
            raise InputError(f"epoch {index['best_epoch']} was the best, but there are {len(history)} lines")
    with understanding(folder / PROBES, old):
        probe_lines = [look(record) for record in probed]
        start = next((record for record in probe_lines if "data" in record), None)
        probes = ProbeRecords(record for record in probe_lines if "data" not in record)
    with understanding(folder / JUDGEMENT, old):
        judgement = fitted(Judgement | None, in_words(judged))
    with understanding(folder / CONFIG, old):
        config = tomllib.loads(contents[CONFIG].decode()) if CONFIG in contents else None
        check_depth([config])
    return Result(
        network=network, history=history, loss=loss, targets=targets, metrics=table, stopped=index["stopped"],
        diverged=diverged, best_epoch=index["best_epoch"], settings=settings, preparation=preparation,
        optimizer=optimizer, folder=folder, judgement=judgement, config=config, probed=probes,
        told=start,
    )  # fmt: skip


@contextlib.contextmanager
def understanding(path: Path, old: bool = False, remedy: str = REMEDY) -> Iterator[None]:
    """Tell whatever goes wrong with what a file holds as InputError, by the file's name."""
    remedy = "train again" if old else remedy
    try:
        yield
    except BacklitError as error:
        raise InputError(f"{path}: {error}; {remedy}") from error
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        what = "was written by an older version, and can't be read any more" if old else "is damaged"
        raise InputError(f"{path} {what} ({type(error).__name__}: {error}); {remedy}") from error


def _fill(network: Network, tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Params and state from named arrays, which must be just those of the network."""
    expected = tree.flatten_dict(network.params) | {RUNNING + name: value for name, value in network.state.items()}
    if set(tensors) != set(expected):
        absent, extra = sorted(set(expected) - set(tensors)), sorted(set(tensors) - set(expected))
        raise InputError(f"doesn't belong to this network: missing {absent[:5]}, unexpected {extra[:5]}")
    for name, value in expected.items():
        saved = tensors[name]
        if (saved.shape, saved.dtype) != (value.shape, value.dtype):
            raise InputError(
                f"{name} has shape {saved.shape} of {saved.dtype}, the network needs {value.shape} of {value.dtype}"
            )
    params = {name: value for name, value in tensors.items() if not name.startswith(RUNNING)}
    ordered = tree.map(lambda _, value: value, network.params, tree.nest(params)) if params else network.params
    return {"params": ordered, "state": {name: tensors[RUNNING + name] for name in network.state}}


def _optimizer(data: Any) -> Any:
    """The optimizer, or what is written of one that this process doesn't know: using a run doesn't need it."""
    with contextlib.suppress(UnknownNameError):
        return Transform.from_dict(data) if isinstance(data, dict) else data
    return data


def _targets(data: dict[str, Any]) -> Any:
    if data.get("kind") == "text":
        from backlit.train.targets import TextTargets

        return TextTargets.from_dict(data)
    if data.get("kind") == "heads":
        return HeadTargets.from_dict(data)
    return Targets.from_dict(data)


def _renewed(targets: dict[str, Any], outputs: tuple[int, ...]) -> dict[str, Any]:
    """Targets of format 1, where all outputs shared one shift and scale."""
    shift, scale = targets["shift"], targets["scale"]
    count = 0 if (shift, scale) == (0.0, 1.0) else int(np.prod(outputs))
    return targets | {"shift": [shift] * count, "scale": [scale] * count}


def _metric_names(table: dict[str, Any]) -> Any:
    """Metrics that can be had again by name, of several outputs by output; a user's own function can't be saved."""
    wanted = wanted_again(table)
    return {head: _known(own) for head, own in wanted.items()} if isinstance(wanted, dict) else _known(wanted)


def _known(table: list[Any]) -> list[str]:
    """The names of metrics that are known by name."""
    names = []
    for metric in table:
        with contextlib.suppress(InputError):
            name = name_of(metric)
            metrics.get(name)
            names.append(name)
    return names
