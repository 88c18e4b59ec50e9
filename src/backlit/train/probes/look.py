"""One look at a network: forward, backward and update on a few training rows, reduced to numbers; a pure function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backlit import graph
from backlit.engine import Engine
from backlit.graph import tree
from backlit.graph.backward import ones_like, pull
from backlit.graph.derivatives import value_and_grad
from backlit.graph.op import namespace, transforming
from backlit.graph.tensor import Tensor, value_of
from backlit.nn.layer import Layer, forward
from backlit.train.lazy import MadeOnce
from backlit.train.mixup import summed_loss
from backlit.train.probes.hook import Recorder
from backlit.train.probes.measure import norm, numbers, one_signed, spread
from backlit.train.probes.settings import Probes


@dataclass(eq=False)
class Look:
    """What a probe computes.

    ``look(train_state, sample, scale, firsts, share)`` takes a run's train state, the rows as groups ``x: (groups,
    rows, ...)``, y, weights and what they are multiplied by for each head ("by_head") likewise, and how gradients of a
    group's mean loss become those of an update: times `scale`, of the first `firsts` groups, which hold `share` of an
    update's rows each.

    Parameters
    ----------
    architecture, input_shape, loss, optimizer, penalty :
        As of the training program; without a loss there are no gradients, without an optimizer no updates.
    engine : Engine
        Who runs it.
    settings : Probes
    several : bool
        Whether the state is an ensemble's, of which the first member is looked at.
    training : bool
        Training mode (dropout, batch statistics).
    """

    architecture: Layer
    input_shape: Any
    loss: Any
    optimizer: Any
    penalty: Any
    engine: Engine
    settings: Probes
    several: bool = False
    training: bool = True

    def __post_init__(self) -> None:
        self.run = self.engine.compile(self._run)

    def _run(self, train_state: Any, sample: Any, scale: Any, firsts: Any, share: Any) -> Any:
        if self.several:
            train_state = tree.map(lambda part: part[0], train_state)
        params = train_state["params"]
        groups = sample["weights"].shape[0]
        numbered = {**sample, "number": train_state["step"] + _counted(sample["weights"])}
        recurrent: set[str] = set()  # paths of which the second axis is time

        def group(sums: Any, rows: Any) -> Any:
            loss, gradient, seen = self._group(train_state, rows, recurrent)
            result = {"loss": loss, "seen": seen}
            if gradient is None:
                return sums, result
            result["squares"] = tree.map(lambda g: norm(g) ** 2, gradient)
            if groups == 1:
                return {"total": gradient, "update": gradient}, result
            first = (rows["number"] - train_state["step"] < firsts).astype(rows["weights"].dtype)
            total = tree.map(lambda s, g: s + g, sums["total"], gradient)
            update = tree.map(lambda s, g: s + g * first.astype(g.dtype), sums["update"], gradient)
            return {"total": total, "update": update}, result

        if groups == 1:
            sums, results = group(None, tree.map(lambda part: part[0], numbered))
            results = tree.map(lambda part: part[None], results)
        else:
            nothing = tree.map(lambda p: p * 0, params)
            sums, results = self.engine.scan(group, {"total": nothing, "update": nothing}, numbered)
        measured = {"layers": self._layers(sample["x"], results["seen"], recurrent)}
        if self.loss is not None:
            losses = tree.map(lambda loss: loss.mean(), results["loss"])
            measured["loss"] = self.loss.joined(losses)
            if isinstance(losses, dict):
                measured["losses"] = losses
            update = tree.map(lambda g: g * (scale / firsts), sums["update"])
            sizes = tree.map(lambda g: norm(g) * (scale / groups), sums["total"])
            squares = tree.map(lambda s: s.mean() * scale**2, results["squares"])
            measured["params"] = self._params(train_state, update, sizes, squares, share, groups)
            if self.settings.gradients:
                measured["gradients"] = {path: spread(g) for path, g in tree.items(update)}
        return measured

    def _group(self, train_state: Any, rows: Any, recurrent: set[str]) -> tuple[Any, Any, Any]:
        """Mean losses of a group of rows, by head, the gradient by parameters, and what was seen of each layer."""
        params, weights = train_state["params"], rows["weights"]
        recorder = Recorder(self.settings, weights)
        with transforming():
            leaves, structure = tree.flatten(params)
            tracked = [Tensor(leaf) for leaf in leaves]
            x = rows["x"]
            if self.settings.watch:  # so that all nodes are in the graph
                x = tree.map(lambda part: Tensor(part) if "float" in str(part.dtype) else part, x)
            output, _ = forward(
                self.architecture,
                self.input_shape,
                tree.unflatten(structure, tracked),
                x,
                training=self.training,
                state=train_state["state"],
                seed=train_state["seed"],
                step=rows["number"],
                targets=rows.get("y"),
                probe=recorder,
            )
            recurrent.update(path for path, seen in recorder.found.items() if seen.steps)
            if self.loss is None:
                return None, None, {path: _rows_first(seen, None) for path, seen in recorder.found.items()}
            total = weights.sum()
            total = total + (total == 0)
            losses = self._losses(output, rows)
            objective = self.loss.joined(losses)
            order = graph.nodes(objective) if type(objective) is Tensor else []
            watched = recorder.watched(order)
            nodes = [seen.node for seen in recorder.found.values()]
            gradients = pull(order, ones_like(value_of(objective)), [*tracked, *nodes, *watched.values()])
        zero = [leaf * 0 if g is None else g for leaf, g in zip(leaves, gradients, strict=False)]
        by_node = gradients[len(leaves) :]
        seen = {
            path: _rows_first(seen, None if g is None else g * total)
            for (path, seen), g in zip(recorder.found.items(), by_node, strict=False)
        }
        for (name, node), g in zip(watched.items(), by_node[len(nodes) :], strict=True):
            seen[name] = {"value": node.value, "gradient": None if g is None else g * total, "off": None, "mask": None}
        return tree.map(value_of, losses), tree.unflatten(structure, zero), seen

    def _losses(self, output: Any, rows: Any) -> Any:
        """Mean loss of the rows, by head."""
        spread = self.loss.spread(rows["weights"], rows["by_head"])
        summed = summed_loss(self.loss, output, rows["y"], spread, {})
        totals = tree.map(lambda weight: weight.sum(), spread)
        return tree.map(lambda loss, total: loss / (total + (total == 0)), summed, totals)

    def _layers(self, x: Any, seen: Any, recurrent: set[str]) -> Any:
        """Numbers of each layer, from what all groups have shown."""
        settings = self.settings
        layers = {}
        for path, part in tree.items(x, "input"):
            if "float" in str(part.dtype) and settings.wants(path):
                layers[path] = numbers(_joined(part), None, None, None, False, settings.histograms)
        for path, parts in seen.items():
            value, gradient, off, mask = (None if part is None else _joined(part) for part in parts.values())
            steps = settings.time_steps and path in recurrent
            layers[path] = numbers(value, gradient, off, mask, steps, settings.histograms)
        return layers

    def _params(self, train_state: Any, update: Any, sizes: Any, squares: Any, share: Any, groups: int) -> Any:
        """Numbers of each parameter, by its path.

        `update` is an update's gradient; `sizes` are norms of the mean gradient over all groups, `squares` the means of
        the groups' squared ones.
        """
        params = train_state["params"]
        measured: dict[str, dict[str, Any]] = {path: {"norm": norm(p)} for path, p in tree.items(params)}
        whole = update
        if self.penalty is not None:
            _, shrink = value_and_grad(self.penalty)(params)
            whole = tree.map(lambda a, b: a + b, update, shrink)
            for path, p in tree.items(shrink):
                measured[path]["penalty_norm"] = norm(p)
        if self.optimizer is not None:
            steps, _ = self.optimizer.update(whole, train_state["optimizer"], params, train_state["step"])
            for path, step in tree.items(steps):
                measured[path]["update_ratio"] = norm(step) / measured[path]["norm"]
        squared = dict(tree.items(squares))
        for path, size in tree.items(sizes):
            measured[path]["gradient_norm"] = size
            if groups > 1:
                between = (squared[path] - size**2) * (groups / (groups - 1))
                measured[path]["noise"] = between * share / size**2
        for path, g in tree.items(update):
            if g.ndim > 1 and path.split("/")[-1] == "weight" and not self.architecture.takes_integers:
                measured[path]["one_signed"] = one_signed(g)
        return measured


def _counted(weights: Any) -> Any:
    """0, 1, 2, … one for each group."""
    return namespace(weights).arange(weights.shape[0], dtype="int32")


def _joined(part: Any) -> Any:
    """(groups, rows, ...) as (rows, ...)."""
    return part.reshape(-1, *part.shape[2:])


def _rows_first(seen: Any, gradient: Any) -> dict[str, Any]:
    """What was seen of a layer, rows first, as a tree of arrays."""
    parts = {"value": seen.value, "gradient": gradient, "off": seen.saturated, "mask": seen.mask}
    if not seen.steps:
        return parts
    return {name: None if part is None else part.swapaxes(0, 1) for name, part in parts.items()}


look_for = MadeOnce(Look)  # a second run of the same kind compiles nothing
