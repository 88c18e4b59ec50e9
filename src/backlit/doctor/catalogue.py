"""What each finding means: its cause, remedy, effect and picture; and which consequences it can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backlit.doctor.finding import Finding
from backlit.errors import unknown


@dataclass(frozen=True)
class Entry:
    """What is said of every finding of a kind."""

    cause: str
    remedy: str
    command: str
    effect: str
    picture: str = "run.plot()"


# In the order in which causes come before effects: data, targets, outputs, structure, start, updates, fitting.
CATALOGUE: dict[str, Entry] = {
    "missing inputs": Entry(
        "Some inputs are NaN or infinite; one such number makes the loss and then every weight NaN.",
        "x = x[np.isfinite(x).all(axis=1)]  # and y; bl.fit(table, target=...) fills gaps",
        "backlit train TABLE --target COLUMN  # fills gaps, and marks them",
        "a finite loss from the first step on",
    ),
    "leak between splits": Entry(
        "Held-out rows are training rows, too: the held-out score tells what was memorised.",
        "x, first = np.unique(x, axis=0, return_index=True); y = y[first]  # before splitting",
        "backlit train TABLE --target COLUMN  # splits equal rows together",
        "a lower, honest held-out score",
    ),
    "contrary duplicates": Entry(
        "The same inputs occur with different targets: no function can give both.",
        "x, place = np.unique(x, axis=0, return_inverse=True)  # then one target each: the commonest, or the mean",
        "",
        "a training loss that can reach the noise's floor",
    ),
    "mask hides the target": Entry(
        "Steps are blanked out that the target depends on: what is left is the same for rows with different targets, "
        "or tells nothing of them.",
        "bl.Masked(bl.LSTM(64), value=-1.0)  # a value that no real step has; fill up with it, too",
        "",
        "a held-out loss below that of guessing",
    ),
    "truncated sequences": Entry(
        "Many sequences fill the whole width while others are shorter: the long ones were cut, and what the target "
        "depends on may have been cut off.",
        "rows, cut = tokenizer.encode_all(texts)  # as long as the longest; or keep the other end",
        "",
        "a held-out loss below that of guessing",
    ),
    "padding not masked": Entry(
        "After its last real step a sequence goes on with padding, and the recurrent layer reads it: what it knew is "
        "worn away before its last state is used.",
        "bl.Masked(bl.LSTM(64))  # stands still at padding; or fill up in front",
        "",
        "∂L/∂hₜ that reaches the real steps",
        "run.flow()",
    ),
    "unrelated labels": Entry(
        "Targets don't go with their inputs: neither neighbours nor a linear model nor this network, through which "
        "gradients flow, predict unseen rows better than guessing. Were x or y shuffled alone?",
        "order = rng.permutation(len(x)); x, y = x[order], y[order]  # one order for both; look at a few pairs",
        "",
        "a held-out loss below that of guessing",
    ),
    "classes as numbers": Entry(
        "The targets are classes, but they are learned as numbers: class 7 counts as nearer to 8 than to 1.",
        'bl.fit(net, x, y.astype(int), loss="cross_entropy")  # with an output for each class',
        "backlit train TABLE --target COLUMN --task classification",
        "accuracy instead of a distance between labels",
    ),
    "unscaled targets": Entry(
        "The targets' mean or spread is far above 1: the output layer has to travel there in steps made for 1, or "
        "gradients as large as the targets blow up the weights.",
        "bl.fit(..., standardize_targets=True)  # predictions come in the targets' own unit",
        "backlit train TABLE --target COLUMN  # standardises targets",
        "a first loss near 1, and a faster fall",
    ),
    "softmax twice": Entry(
        "The network ends in a softmax, and the loss applies another: with k classes it can't fall below "
        "ln(e + k - 1) - 1, and gradients shrink.",
        "net = bl.Sequential(*net.layers[:-1])  # cross_entropy takes scores",
        "",
        "a loss that can reach 0",
    ),
    "activation before the loss": Entry(
        "The loss takes scores of any size, but an activation bounds them: some answers can't be given.",
        "net = bl.Sequential(*net.layers[:-1])  # the loss applies softmax or sigmoid itself",
        "",
        "a loss that can reach 0",
    ),
    "softmax on one unit": Entry(
        "A softmax over one unit is always 1: the output is constant, and its gradient 0.",
        'net = bl.Sequential(*net.layers[:-1])  # one score, with loss="binary_cross_entropy"',
        "",
        "a gradient other than 0",
    ),
    "targets out of reach": Entry(
        "The last activation can't give all the targets: they lie outside its range.",
        "net = bl.Sequential(*net.layers[:-1])  # numbers need a linear output",
        "",
        "a loss that can reach the noise's floor",
    ),
    "tiny batches in batch norm": Entry(
        "Batch norm takes mean and variance of hardly any rows: they are noise; with one row the output is constant.",
        "bl.fit(..., batch_size=32)  # or bl.LayerNorm() in place of bl.BatchNorm()",
        "--batch-size 32",
        "training and evaluation that agree",
    ),
    "no non-linearity": Entry(
        "Nothing bends between linear layers: together they are one linear layer.",
        "bl.Sequential(bl.Linear(64), bl.ReLU(), bl.Linear(...))  # an activation after each hidden layer",
        "--network mlp:64,64",
        "more than a linear model can learn",
    ),
    "constant initialisation": Entry(
        "All units of a layer start equal, so they get equal gradients and stay copies of one unit.",
        'bl.Linear(units, weight_init="xavier")  # "kaiming" before ReLU',
        "",
        "units that differ, and a loss that falls below that of one unit",
        "run.flow()",
    ),
    "zero initialisation": Entry(
        "Weights of hidden layers start at zero: their units compute the same, and pass no gradient back.",
        'bl.Linear(units, weight_init="xavier")  # "kaiming" before ReLU',
        "",
        "gradients in all layers",
        "run.flow()",
    ),
    "initial weights too small": Entry(
        "The first weights are far below what keeps a signal's variance over the layers: signal and gradient shrink.",
        'bl.Linear(units, weight_init="xavier")  # "kaiming" before ReLU',
        "",
        "outputs of the same spread in all layers, and gradients that reach the first",
        "run.activations()",
    ),
    "initial weights too large": Entry(
        "The first weights are far above what keeps a signal's variance from layer to layer: it explodes, or "
        "saturates its activations.",
        'bl.Linear(units, weight_init="xavier")  # "kaiming" before ReLU',
        "",
        "a first loss near that of guessing, and activations with a slope",
        "run.activations()",
    ),
    "negative bias": Entry(
        "Biases start so far below zero that ReLU units are off for every row: they get no gradient, ever.",
        'bl.Linear(units, weight_init="kaiming", bias_init="zeros")',
        "",
        "about half of the units on",
        "run.activations()",
    ),
    "unscaled inputs": Entry(
        "Inputs are far from unit variance: one learning rate can't suit weights of large and of small inputs, and "
        "activations saturate or die.",
        "bl.fit(net, x, y, preparation=bl.data.Standardize().fit(x))",
        "backlit train TABLE --target COLUMN  # scales columns",
        "a faster fall of the loss with the same learning rate",
        "run.activations()",
    ),
    "off-centre inputs": Entry(
        "Inputs have means far from zero: a unit's weights get gradients of one sign and can only zig-zag, and the "
        "common part drowns the differences.",
        "bl.fit(net, x, y, preparation=bl.data.Standardize().fit(x))",
        "backlit train TABLE --target COLUMN  # centres columns",
        "a faster fall of the loss with the same learning rate",
        "run.activations()",
    ),
    "constant columns": Entry(
        "Some input columns never change: they tell nothing, and act as a second bias.",
        "x = x[:, x.std(axis=0) > 0]",
        "backlit train TABLE --target COLUMN  # leaves them out",
        "the same with fewer weights",
    ),
    "unconnected layer": Entry(
        "A layer's weights get a gradient of exactly zero: nothing that the loss sees depends on them.",
        "print(net)  # is the layer's output used, and is everything after it differentiable (no Step)?",
        "",
        "a gradient other than 0",
        "run.flow()",
    ),
    "frozen layer": Entry(
        "A layer's weights get a gradient, but no update: the optimizer leaves them as they are.",
        "bl.fit(..., optimizer=bl.Adam(learning_rate=0.001))  # one that moves all parameters",
        "",
        "weights that change from epoch to epoch",
        "run.flow()",
    ),
    "saturating activations in depth": Entry(
        "Each sigmoid passes at most a quarter of the gradient (and a saturated one nothing): after several of them "
        "hardly any reaches the first layers.",
        'bl.Sequential(bl.Linear(64, weight_init="kaiming"), bl.ReLU(), ...)  # in place of the sigmoids',
        "--activation relu",
        "gradients of like size in all layers",
        "run.flow()",
    ),
    "gradient vanishes through layers": Entry(
        "The network is too deep for its activations: each layer passes less gradient to the one before it.",
        "bl.Residual(bl.Linear(64), bl.ReLU())  # or bl.LayerNorm() before activations",
        "--network resnet:8",
        "gradients of like size in all layers",
        "run.flow()",
    ),
    "gradient explodes through layers": Entry(
        "Each layer passes more gradient to the one before it than it gets: over the depth it grows without bound.",
        'bl.Linear(64, weight_init="kaiming"); bl.fit(..., clip=1.0)  # or bl.LayerNorm() before activations',
        "--network resnet:8",
        "gradients of like size in all layers",
        "run.flow()",
    ),
    "gradient vanishes through time": Entry(
        "From step to step back in time the state's gradient shrinks by the recurrent weights and the activation's "
        "slope: what came early can't be learned.",
        "bl.LSTM(units)  # or bl.GRU(units), in place of bl.RNN(units)",
        "--network lstm:64",
        "∂L/∂hₜ of like size at all steps",
        "run.flow()",
    ),
    "gradient explodes through time": Entry(
        "From step to step back in time the state's gradient grows by the recurrent weights: single updates undo "
        "what was learned.",
        'bl.RNN(units, recurrent_init="orthogonal"); bl.fit(..., clip=1.0)',
        "--network lstm:64",
        "∂L/∂hₜ of like size at all steps",
        "run.flow()",
    ),
    "source of NaN": Entry(
        "A value left the range of a function (the logarithm of 0, the root of a negative number, 0/0): everything "
        "after it is NaN.",
        "bl.debug_nans()  # names the operation; keep its argument in range, or use a loss on scores",
        "",
        "a finite loss",
    ),
    "weight decay too strong": Entry(
        "The decay outweighs the data's gradient: weights shrink to nothing, and with them the output.",
        "bl.fit(..., penalty=None)  # or a hundredth of the strength",
        "--l2 0.0001",
        "weights that grow to what the data asks for",
    ),
    "learning rate too high": Entry(
        "Updates overshoot: beyond 2/λ_max each step lands higher on the other side of the valley.",
        "bl.fit(..., optimizer=bl.Adam(learning_rate=0.001))  # a tenth of the rate; bl.lr_find looks for one",
        "--lr 0.001",
        "a loss that falls from epoch to epoch",
    ),
    "learning rate oscillating": Entry(
        "Updates are small enough to learn, but too large to settle: the loss goes up and down about a level above its "
        "least.",
        "bl.fit(..., optimizer=bl.Adam(learning_rate=bl.optim.Cosine(0.003, steps)))  # falls to 0; or a third of it",
        "--lr 0.001",
        "a loss that settles, lower than now",
    ),
    "learning rate too low": Entry(
        "All updates together can hardly move the weights: the loss still falls when training ends, and slowly.",
        "bl.fit(..., optimizer=bl.Adam(learning_rate=0.001))  # ten times the rate; bl.lr_find looks for one",
        "--lr 0.01",
        "the same loss in a tenth of the epochs",
    ),
    "dropout too strong": Entry(
        "So many units are dropped that too little gets through to learn from.",
        "bl.Dropout(0.2)",
        "--dropout 0.2",
        "a training loss that falls as far as without",
    ),
    "imbalance hidden by accuracy": Entry(
        "Nearly all rows are of one class, and the network hardly ever says another: accuracy looks fine.",
        'bl.fit(..., class_weight="balanced", metrics=["accuracy", "f1", "auc"])',
        "--balance",
        "rows of the rare classes found, at some cost in accuracy",
    ),
    "too little capacity": Entry(
        "The network has learned all it can, and that is less than simple models know: it is too narrow.",
        "bl.Sequential(bl.Linear(64), bl.ReLU(), bl.Linear(...))  # wider hidden layers",
        "--network mlp:64,64",
        "a training loss below that of the simple models",
    ),
    "overfitting": Entry(
        "The network learns its training rows by heart: on others it gets worse, or stays far behind.",
        "bl.fit(..., validation=0.2, early_stopping=10, penalty=bl.L2(1e-3))  # or more rows, fewer units, dropout",
        "--patience 10 --l2 0.001",
        "a held-out loss near its least",
    ),
    "stopped early": Entry(
        "The held-out loss was still falling when training ended.",
        "bl.fit(..., epochs=3 * epochs, early_stopping=10)",
        "--epochs 200 --patience 10",
        "a lower loss",
    ),
}  # fmt: skip

ORDER = {name: place for place, name in enumerate(CATALOGUE)}


def finding(
    name: str,
    where: str,
    measure: str,
    measured: float | None,
    threshold: float | None,
    source: str,
    severity: str = "alarm",
    consequences: tuple[str, ...] = (),
    **changes: Any,
) -> Finding:
    """A finding of a kind in the catalogue; `changes` replace what is said there."""
    if name not in CATALOGUE:
        raise unknown("finding", name, CATALOGUE)
    said = {key: getattr(CATALOGUE[name], key) for key in ("cause", "remedy", "command", "effect", "picture")}
    return Finding(
        name, where, measured, threshold, measure, source, severity=severity, consequences=consequences,
        **(said | changes),
    )  # fmt: skip
