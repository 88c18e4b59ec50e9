"""A remedy in Backlit's own code as it can be pasted: the whole call, with the present value and the new one.

The findings' remedies are templates of lines: ``bl.fit(..., clip=1.0)``. Here ``...`` becomes the network, the data
and the options of this very training, so that only what is told changes; what is so already is left out.
A network is written out as it would be after the remedy.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from backlit import optim
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding
from backlit.doctor.repair import networks
from backlit.doctor.repair.change import Change
from backlit.doctor.repair.updates import CLIPS
from backlit.errors import BacklitError
from backlit.languages import join
from backlit.nn.changing import changed, with_fields
from backlit.nn.layer import Layer
from backlit.nn.layers.linear import Linear
from backlit.nn.losses import Heads
from backlit.nn.penalties import L1, L2
from backlit.optim.transform import Chain, as_transform
from backlit.settings import declared
from backlit.train.callbacks import EarlyStopping
from backlit.train.recipe import Recipe
from backlit.train.training import Training

NOT_TOLD = ("callbacks", "probes", "metrics")  # options that a remedy doesn't repeat
NOT_HELD = ...  # an option's value that a run's folder doesn't hold: it has to be given again
NAME = re.compile(r"(?<![\w.'\"])([A-Za-z_]\w*)\(")
LIGHTER = 100.0  # times less decay
HELD_ROWS = (
    "held = {row.tobytes() for row in np.asarray(run.recipe.training.validation[0], x.dtype)}; "
    "keep = np.array([row.tobytes() not in held for row in x]); x, y = x[keep], y[keep]  # rows that aren't held back"
)
BOTH_PARTS = (  # mixing the parts would only hide that they differ
    "held_x = np.asarray(run.recipe.training.validation[0]); "
    "print(np.mean(x, axis=0), np.mean(held_x, axis=0), np.std(x, axis=0), np.std(held_x, axis=0))"
    "  # what differs? Prepare both parts alike; if it is what will come, learn from rows like these"
)
BOTH_TEXTS = (
    "held_x = np.asarray(run.recipe.training.validation[0]); "
    "print(*(np.bincount(np.ravel(part)) / np.size(part) for part in (x, held_x)), sep=chr(10))"
    "  # what differs? Prepare both parts alike; if it is what will come, learn from rows like these"
)
PAIRS = (
    "held_x, held_y = run.recipe.training.validation; print(x[:3], y[:3], held_x[:3], held_y[:3])"
    "  # do the pairs go together, in both parts?"
)
IN_FRONT = (  # of pictures and sequences, whose channels or features are on the last axis
    "axes = tuple(range(x.ndim - 1)); mean, std = x.mean(axis=axes), x.std(axis=axes); "
    "net = bl.Sequential(bl.Rescale(tuple(mean.tolist()), tuple(np.where(std > 0, std, 1).tolist())), *net.layers)"
)
ON_ALREADY = "repair = run.fix()  # tries others: what is usually done is on already"
NEXT = {  # what is offered where the first remedy is on already
    "overfitting": "bl.fit(..., penalty=bl.L2(0.01))  # or more rows, fewer units",
    "frozen layer": "bl.fit(..., freeze=())",
}


def pasted(finding: Finding, e: Evidence, given: Mapping[str, Any]) -> Finding:
    """The finding with its remedy, and its command, as they can be pasted.

    Parameters
    ----------
    finding : Finding
    e : Evidence
        From which it was found.
    given : dict
        The options of the training as `fit` was called, by name; those that aren't there are at their defaults.
    """
    if isinstance(e.loss, Heads) or e.network.input_names or e.placed is not None:
        return finding
    own = {name: value for name, value in given.items() if _told(name, value)}
    made = _special(finding, e, own) or _network(finding, e, own)
    line = expanded(made or finding.remedy, own)
    if line is None and finding.name in NEXT:
        line = expanded(NEXT[finding.name], own)
    if line is None and e.trained:
        line = ON_ALREADY
    return dataclasses.replace(finding, code=line or "", typed=_typed(finding, e, own))


def _told(name: str, value: Any) -> bool:
    """Whether an option was given another value than its default, and decides what is learned."""
    option = declared(Training).get(name)
    if option is None or option.scope == "call" or name in NOT_TOLD:
        return False
    return type(value) is not type(option.default) or bool(value != option.default)


# ------------------------------------------------------------------------------------------------ calls of fit


def expanded(line: str, own: Mapping[str, Any]) -> str | None:
    """A line with ``bl.fit(...)`` as the whole call; as it is without one; None if it changes nothing.

    Examples
    --------
    >>> expanded("bl.fit(..., batch_size=32)  # or bl.LayerNorm()", {"batch_size": 2, "epochs": 5})
    'run = bl.fit(net, x, y, epochs=5, batch_size=32)  # batch_size was 2; or bl.LayerNorm()'
    >>> expanded("bl.fit(..., batch_size=32)", {"epochs": 5}) is None
    True
    """
    code, _, comment = line.partition("  # ")
    try:
        statements = ast.parse(code).body
    except SyntaxError:  # plain words
        return line
    last = statements[-1] if statements else None
    call = last.value if isinstance(last, (ast.Expr, ast.Assign)) else None
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "bl.fit":
        return line
    new = {each.arg: ast.unparse(_counted(each.value, own)) for each in call.keywords if each.arg}
    now = {name: written(value, name) for name, value in own.items()}
    standing = {name: now.get(name) or written(declared(Training)[name].default, name) for name in new}
    new = {name: text for name, text in new.items() if _even(text) != _even(standing[name])}
    if not new:
        return None
    if "optimizer" in new and "Cosine(" in new["optimizer"]:
        now.pop("schedule", None)
    names = [ast.unparse(argument) for argument in call.args if not isinstance(argument, ast.Constant)]
    kept = [f"{name}={text}" for name, text in now.items() if name not in new]
    told = ", ".join([*(names or ["net", "x", "y"]), *kept, *(f"{name}={text}" for name, text in new.items())])
    before = "".join(f"{ast.unparse(each)}; " for each in statements[:-1])
    was = ", ".join(f"{name} was {standing[name]}" for name in new)
    return f"{before}run = bl.fit({told})  # {'; '.join(filter(None, [was, comment]))}"


def _even(code: str) -> str:
    """Code without the ways of writing that make no difference."""
    text = code.replace("learning_rate=", "").replace("bl.optim.", "bl.").replace("'", '"')
    return {'"adam"': "bl.Adam(0.001)", "bl.Adam()": "bl.Adam(0.001)"}.get(text, text)


def _counted(value: ast.expr, own: Mapping[str, Any]) -> ast.expr:
    """A value in which the present number of epochs is put in: "3 * epochs" is 60."""
    epochs = own.get("epochs", declared(Training)["epochs"].default)

    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return ast.Constant(epochs) if node.id == "epochs" else node

        def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
            self.generic_visit(node)
            left, right = node.left, node.right
            if isinstance(left, ast.Constant) and isinstance(right, ast.Constant) and isinstance(node.op, ast.Mult):
                return ast.Constant(left.value * right.value)  # type: ignore[operator]
            return node

    found: ast.expr = Put().visit(value)
    return found


def written(value: Any, name: str = "") -> str:
    """A value as code; what has no code of its own is read from the run.

    Examples
    --------
    >>> written(0.2), written(L2(0.1), "penalty"), written([1, 2].sort, "sample_weight")
    ('0.2', 'bl.L2(0.1)', 'run.recipe.training.sample_weight')
    """
    if value is NOT_HELD:
        return "..."
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, EarlyStopping) and value == EarlyStopping(patience=value.patience):
        return repr(value.patience)
    if type(value).__module__.startswith("backlit."):
        return _prefixed(repr(value)) or f"run.recipe.training.{name}"
    return f"run.recipe.training.{name}"


def _prefixed(text: str) -> str | None:
    """The library's classes in a repr by their names in ``bl``; None if there is one that isn't the library's."""
    bl = importlib.import_module("backlit")
    homes = {}
    for name in set(NAME.findall(text)):
        public, step = getattr(bl, name, None), getattr(bl.optim, name, None)
        if public is None and step is None:
            return None
        homes[name] = "bl" if step is None or public is step else "bl.optim"
    if "<" in text or "object at" in text:
        return None
    return NAME.sub(lambda found: f"{homes[found[1]]}.{found[0]}", text)


# ------------------------------------------------------------------------------------------------ networks


def _layers(text: str) -> str | None:
    """A network's repr as code: all its classes must be the library's layers."""
    names = set(NAME.findall(text))
    known = {name for name in names if name in Layer.kinds and Layer.kinds[name].__module__.startswith("backlit.")}
    return NAME.sub(lambda found: f"bl.{found[0]}", text) if names and names == known else None


NETWORKS: dict[str, Callable[[Recipe, Any], list[Change]]] = {
    "too little capacity": networks.wider,
    "saturating activations in depth": networks.flowing,
    "gradient vanishes through layers": networks.flowing,
    "dropout too strong": networks.thinner_dropout,
    "softmax twice": networks.without_end,
    "activation before the loss": networks.without_end,
    "softmax on one unit": networks.without_end,
    "targets out of reach": networks.without_end,
    "constant initialisation": networks.start,
    "zero initialisation": networks.start,
    "initial weights too small": networks.start,
    "initial weights too large": networks.start,
    "negative bias": networks.start,
    "no non-linearity": networks.bent,
    "unconnected layer": networks.connected,
    "gradient vanishes through time": networks.remembering,
    "gradient explodes through time": networks.tamed,
    "padding not masked": networks.masked,
    "mask hides the target": networks.other_mask,
}


def _network(finding: Finding, e: Evidence, own: Mapping[str, Any]) -> str | None:
    """The network after the first remedy, as a line; None if there is none, or no code for it."""
    rebuild = NETWORKS.get(finding.name)
    if rebuild is None or own.get("ensemble", 1) != 1:
        return None
    recipe = Recipe(e.network.architecture, None, None, Training())
    try:
        changes = rebuild(recipe, e)
    except BacklitError:
        return None
    if not changes or changes[0].recipe.architecture == recipe.architecture:
        return None
    text = _layers(repr(changes[0].recipe.architecture))
    if text is None:
        return None
    if changes[0].recipe.training.clip != recipe.training.clip:
        return f"net = {text}; bl.fit(..., clip=1.0)  # {changes[0].words}"
    return join("  # ", [f"net = {text}", changes[0].words])


# ------------------------------------------------------------------------------------------------ single kinds


def _special(finding: Finding, e: Evidence, own: Mapping[str, Any]) -> str | None:
    """Remedies that need to know the present value."""
    if finding.name == "weight decay too strong":
        return _less_decay(e, own)
    if finding.name == "leak between splits" and isinstance(own.get("validation"), (tuple, list)):
        return HELD_ROWS
    if finding.name in ("unscaled inputs", "off-centre inputs") and len(e.network.input_shape) > 1:
        return IN_FRONT
    if finding.name == "constant columns" and len(e.network.input_shape) > 1:  # channels, or features of a step
        return "x = x[..., x.reshape(-1, x.shape[-1]).std(axis=0) > 0]"
    if finding.name == "leaking column" and "column" in finding.values:
        return _without_column(finding.values["column"], e)
    if finding.name == "codes for missing values" and "code" in finding.values:
        fill = "bl.fit(..., preparation=bl.data.FillGaps().fit(x))"
        return f"x = np.where(x == {finding.values['code']:g}, np.nan, x); {fill}  # gaps filled, not learned from"
    validation = own.get("validation")
    other = {"drift", "held_length"} & finding.values.keys()  # signs that have remedies of their own
    if finding.name == "shifted split" and not other and isinstance(validation, (tuple, list)):
        return BOTH_TEXTS if "token" in finding.values else BOTH_PARTS
    if finding.name == "labels wrong in one part" and isinstance(validation, (tuple, list)):
        return PAIRS
    if finding.name == "classes as numbers":
        return _as_classes(e)
    return _milder_clip(finding, own) if finding.name == "clipping too strong" else _of_chain(finding, own)


def _milder_clip(finding: Finding, own: Mapping[str, Any]) -> str | None:
    """The chain with a higher limit, where the clipping is a step of it."""
    optimizer, better = own.get("optimizer"), finding.values.get("better")
    if not isinstance(optimizer, Chain) or not better:
        return None
    limit = float(f"{better:.2g}")
    steps = [each.replace(limit=limit) if isinstance(each, CLIPS) else each for each in optimizer.transforms]
    return f"bl.fit(..., optimizer={written(optim.chain(*steps), 'optimizer')})"


def _of_chain(finding: Finding, own: Mapping[str, Any]) -> str | None:
    """A remedy that changes the optimizer, where it is the last step of a chain, of which the others stay."""
    optimizer = own.get("optimizer")
    if not isinstance(optimizer, Chain) or "optimizer" not in finding.values:
        return None
    steps = [written(each, "optimizer") for each in optimizer.transforms[:-1]]
    last = str(finding.values["optimizer"])
    return finding.remedy.replace(f"optimizer={last}", f"optimizer=bl.chain({', '.join([*steps, last])})")


def _without_column(column: int, e: Evidence) -> str:
    """A table without a column; of pictures and sequences the place set to 0, since the network wants the shape."""
    unless = "  # unless it is known when you predict"
    if len(e.network.input_shape) == 1:
        return f"x = np.delete(x, {column}, axis=1){unless}"
    return f"x = x.copy(); x.reshape(len(x), -1)[:, {column}] = 0{unless}"


def _as_classes(e: Evidence) -> str | None:
    """The network with an output for each class, and the call that learns them."""
    count, last = e.targets.get("distinct"), e.weighted[-1]
    if not count or not isinstance(last.layer, Linear):
        return None

    def rule(path: str, layer: Layer) -> tuple[Layer, ...]:
        return (with_fields(layer, units=int(count)) if path == last.path else layer,)

    text = _layers(repr(changed(e.network.architecture, rule)))
    call = 'bl.fit(net, x, y.reshape(len(y)).astype(int), loss="cross_entropy", standardize_targets=False)'
    return f"net = {text}; {call}  # an output for each class" if text else None


def _less_decay(e: Evidence, own: Mapping[str, Any]) -> str | None:
    penalty = own.get("penalty")
    if isinstance(penalty, (L1, L2)):
        return f"bl.fit(..., penalty=bl.{type(penalty).__name__}({penalty.strength / LIGHTER:g}))"
    if penalty is not None:
        return "bl.fit(..., penalty=None)"
    strength = e.optimizer.option("weight_decay")
    if not strength:
        return None
    given: Any = as_transform(optim.get(own.get("optimizer", "adam")))
    last: Any = given.last.replace(weight_decay=float(f"{strength / LIGHTER:g}"))
    lighter = optim.chain(*given.transforms[:-1], last) if isinstance(given, Chain) else last
    return f"bl.fit(..., optimizer={written(lighter, 'optimizer')})"


def _typed(finding: Finding, e: Evidence, own: Mapping[str, Any]) -> str:
    """Options of the command that go by the present values; empty for those that a finding has as they are."""
    epochs = own.get("epochs", declared(Training)["epochs"].default)
    if finding.name == "stopped early":
        return f"--epochs {3 * epochs} --patience 10"
    return _lighter(e, own.get("penalty")) if finding.name == "weight decay too strong" else ""


def _lighter(e: Evidence, penalty: Any) -> str:
    """Options with a hundredth of the penalty, or of the optimizer's own decay."""
    if isinstance(penalty, L2):
        return f"--l2 {penalty.strength / LIGHTER:g}"
    strength = e.optimizer.option("weight_decay")
    if penalty is not None or not strength:
        return ""
    return f"--optimizer {type(e.optimizer.last).__name__.lower()}:weight_decay={strength / LIGHTER:g}"
