"""Metrics of a run: which they are, and what they make of outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError, about
from backlit.nn import metrics
from backlit.nn.losses import Heads


@dataclass(frozen=True)
class HeadMetric:
    """A metric of one of several outputs, "price_rmse": it takes the outputs, targets and weights of all, by name."""

    head: str
    metric: Any

    @property
    def name(self) -> str:
        """Under which the history has it."""
        return f"{self.head}_{name_of(self.metric)}"

    @property
    def direction(self) -> str | None:
        """Whether large or small is good."""
        direction: str | None = getattr(self.metric, "direction", None)
        return direction

    def __call__(self, outputs: Mapping[str, Any], targets: Mapping[str, Any], weights: Any = None) -> float:
        """The figure of this output."""
        own = weights[self.head] if isinstance(weights, Mapping) else weights
        return float(self.metric(outputs[self.head], targets[self.head], own))


def measured(table: dict[str, Any], outputs: Any, targets: Any, weights: Any) -> dict[str, float]:
    """The metrics that are computed from outputs; others, such as the perplexity, come from the loss."""
    return {name: float(metric(outputs, targets, weights)) for name, metric in table.items() if not by_loss(metric)}


def of_loss(table: dict[str, Any], losses: Mapping[str, float]) -> dict[str, float]:
    """The metrics that are another way to say the loss, of losses by name: "loss", and of several outputs each's."""
    made = {}
    for name, metric in table.items():
        if by_loss(metric):
            head, own = (metric.head, metric.metric) if isinstance(metric, HeadMetric) else ("", metric)
            made[name] = own.of_loss(losses[f"{head}_loss" if head else "loss"])
    return made


def need_outputs(table: dict[str, Any]) -> bool:
    """Whether a metric is computed from outputs."""
    return not all(map(by_loss, table.values()))


def by_loss(metric: Any) -> bool:
    """Whether a metric is another way to say the loss."""
    return hasattr(metric.metric if isinstance(metric, HeadMetric) else metric, "of_loss")


def named_losses(loss: Any, values: Any) -> dict[str, Any]:
    """Losses by the names that they have in the history: "loss", and of several outputs "price_loss" for each.

    `values` has a number for each head, as `Loss.joined` takes them.
    """
    heads = loss.losses if isinstance(loss, Heads) else ()
    return {"loss": loss.joined(values), **{f"{name}_loss": values[name] for name in heads}}


def columns_of(loss: Any, metrics: dict[str, Any]) -> list[str]:
    """The names of all that an epoch measures, of the training rows."""
    heads = loss.losses if isinstance(loss, Heads) else ()
    return ["loss", *(f"{name}_loss" for name in heads), *metrics]


def metric_table(wanted: Any, loss: Any) -> dict[str, Any]:
    """Metrics by name: the loss's usual ones if None; names, metric objects and plain functions may be mixed.

    Of several outputs, by output: a dict of these, or None for the usual ones of each.
    """
    if isinstance(loss, Heads):
        return _table_of_heads(wanted, loss)
    if isinstance(wanted, Mapping):
        raise InputError("metrics are by output, but the network has one output: give a list, metrics=['mae'] say")
    return _table(wanted, loss)


def wanted_again(table: dict[str, Any]) -> Any:
    """What `metric_table` makes the same metrics of: a list, or of several outputs a dict of lists."""
    if not any(isinstance(metric, HeadMetric) for metric in table.values()):
        return list(table.values())
    heads: dict[str, list[Any]] = {}
    for metric in table.values():
        heads.setdefault(metric.head, []).append(metric.metric)
    return heads


def _table_of_heads(wanted: Any, loss: Heads) -> dict[str, Any]:
    names = list(loss.losses)
    if wanted is not None and not isinstance(wanted, Mapping):
        if not isinstance(wanted, Sequence) or isinstance(wanted, str) or wanted:
            example = f"metrics={{{names[0]!r}: [...]}}"
            raise InputError(f"metrics of a network of several outputs are by output, {example}, got {wanted!r}")
        wanted = {}
    for name in wanted or ():
        if name not in names:
            raise InputError(f"metrics: {name!r} is no output; the network's outputs are {', '.join(map(repr, names))}")
    table = {}
    for name, own in loss.losses.items():
        with about(f"output {name!r}"):
            metrics_of_head = _table(None if wanted is None else wanted.get(name, []), own)
        for metric in metrics_of_head.values():
            made = HeadMetric(name, metric)
            table[made.name] = made
    return table


def _table(wanted: Any, loss: Any) -> dict[str, Any]:
    listed = metrics.defaults(loss) if wanted is None else wanted
    if isinstance(listed, (str, bytes)) or callable(listed):
        listed = [listed]
    made = [metrics.get(metric, loss) for metric in listed]
    return {name_of(metric): metric for metric in made}


def name_of(metric: Any) -> str:
    """The name of a metric, an object's own or that of a plain function."""
    return str(getattr(metric, "name", getattr(metric, "__name__", type(metric).__name__)))
