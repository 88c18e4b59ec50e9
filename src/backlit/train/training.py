"""Training: every option of `fit` but the network and the data, declared here and nowhere else.

`fit` takes them, a run's folder tells them, a `Recipe` trains again by them, and the command's flags are made from
them, all by reading these declarations (see `backlit.settings`). To add an option, add a field, what it means to the
docstring, and the place that acts on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from backlit.engine import DEFAULT
from backlit.errors import InputError, unknown
from backlit.settings import GIVEN, MISSING, TEXT, Form, Record, count, declared, finite, option, same, whole
from backlit.train.callbacks import EarlyStopping
from backlit.train.keeping import Checkpoint
from backlit.train.probes.settings import Probes

if TYPE_CHECKING:  # the command's help is made from this file, and quick
    from pathlib import Path

    import numpy as np

    from backlit.data.streams import Stream
    from backlit.nn.losses.base import Loss
    from backlit.nn.penalties import Penalty
    from backlit.optim.transform import Transform
    from backlit.train.callbacks import Callback
    from backlit.train.ensemble import Folds

NETWORK, TRAINING, RUN = "Network", "Training", "Run"  # headings of the command's help
UNITS = {"s": 1, "m": 60, "h": 3600}
SHARDS = ("optimizer", "parameters")
PRECISIONS = ("bfloat16",)
OPTIMIZERS = (
    "adam, adamw, sgd, momentum, nesterov, adagrad, rmsprop, gradient_descent, lbfgs (all rows at once), least_squares "
    "(closed form of --network linear); with settings: momentum:0.95, adam:beta1=0.8,beta2=0.99"
)


def seconds(text: str) -> float:
    """A duration: "90", "90s", "5m", "1.5h".

    >>> seconds("1.5h")
    5400.0
    """
    parts = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text, re.ASCII)
    if not parts:
        raise InputError(f"--time-limit {text}: expected a duration such as 90s, 5m or 1.5h")
    return float(parts[1]) * UNITS[parts[2] or "s"]


def batch(text: str) -> int | str:
    """The rows of a batch: "64", or "full".

    >>> batch("64"), batch("full")
    (64, 'full')
    """
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else text


def _penalty(told: str | None) -> Any:
    """A penalty as a run's folder tells it; what can't be made of words has to be given again."""
    if told is None:
        return None
    from backlit.nn.penalties import penalty_of

    made = penalty_of(told)
    return MISSING if made is None else made


PENALTY = Form(TEXT.write, _penalty)


def check_shard(shard: Any, engine: str) -> None:
    """Refuse what can't be divided over devices, and an engine that has but one."""
    if shard is None:
        return
    if not isinstance(shard, str) or shard not in SHARDS:
        raise unknown("shard", shard, SHARDS)
    if engine == "numpy":
        raise InputError(f"shard={shard!r}: the numpy engine computes on one device; use engine='xla'")


def check_precision(precision: Any, engine: str, dtype: str = "float32") -> None:
    """Refuse a precision that there isn't, or that engine or type don't have."""
    if precision is None:
        return
    if not isinstance(precision, str) or precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    if engine == "numpy":
        raise InputError(f"precision={precision!r}: NumPy has no such numbers; use engine='xla'")
    if dtype != "float32":
        raise InputError(f"precision={precision!r} is for dtype='float32', got dtype={dtype!r}: leave one of them out")


def looking(options: Mapping[str, Any], **usual: Any) -> dict[str, Any]:
    """Options of `fit` for what looks, by NumPy, and trains nothing: the precision of training's products isn't its."""
    check_precision(options.get("precision"), "xla")
    return {"engine": "numpy", "metrics": [], **usual, **options, "precision": None}


@dataclass(frozen=True, repr=False)
class Training(Record):
    """How a network is trained: the options of `fit`.

    Parameters
    ----------
    loss : str, loss, function, or dict of output to one of them, optional
        By default cross entropy for classes, mean squared error for numbers.
    loss_weights : dict of output to float, optional
        How much the loss of each output counts in a network of several; 1 for those that it leaves out. The history has
        each output's own loss, unweighted, beside their weighted sum.
    optimizer : str or Transform
        ``"adam"``, ``bl.SGD(0.1, momentum=0.9)``, ``bl.chain(bl.ClipGlobalNorm(1.0), bl.Adam(1e-3))``. A name may bring
        settings: ``"momentum:0.95"``, ``"adam:beta1=0.8,beta2=0.99"``. ``"lbfgs"`` takes all rows at once,
        ``"least_squares"`` is the closed form of a linear network's squared error.
    schedule : str, optional
        How the learning rate changes, in words that count in epochs: "cosine", "cosine:0.1" (down to a tenth),
        "step:10,0.5", "exponential:0.95", "inverse:0.1", "onecycle", "budget" (evenly to nothing by the last epoch or
        the time limit), "plateau:5,0.5", each but the last also after "warmup:5". The optimizer's own learning rate is
        what it begins with, or comes to.
    epochs : int
        Passes over the training rows.
    until_loss : float, optional
        Training ends after the first epoch whose training loss (data loss, without the penalty) is at most this, and
        keeps the weights that reached it; otherwise `epochs`, `early_stopping` or `time_limit` end it, and the run says
        that the loss wasn't reached.
    batch_size : int, "full" or None
        Rows an update; "full" and None take all of them (full-batch gradient descent). The last batch may be
        smaller; it is used.
    validation : float, pair (x, y), Stream, Folds or None
        Share of the rows held back (stratified by class; of a stream by a hash), or data of one's own.
    seed : int
        Origin of all randomness: the same seed gives the same run, bit for bit on one machine and engine.
    metrics : list, optional
        Names ("accuracy", "f1", "auc", "r2", ...) or functions ``(outputs, targets, weights) -> float`` of arrays; by
        default accuracy for classes, RMSE and R² for numbers. ``metrics=[]`` computes the loss alone. For several
        outputs a dict: ``{"price": ["rmse", "mae"]}``; the history has "price_rmse", and outputs that it leaves out
        have none.
    penalty : penalty, optional
        ``bl.L2(1e-4)``, ``bl.L1(1e-3, only="0/*") + bl.L2(1e-4)``: added to the data loss.
    sample_weight : array (rows,), or dict of output to array, optional
        Weight of each row in the loss; by output for several. Weight 0 leaves a row out of an output's loss, where its
        target isn't known, say.
    class_weight : "balanced" or dict of class to weight, optional
        Weight of each class in the loss; multiplies `sample_weight`. For several outputs a dict of these.
    early_stopping : EarlyStopping or int, optional
        An int is its patience.
    callbacks : callable or list of callables
        Called after each epoch with an `EpochEnd`; returning True ends the training.
    accumulate : int
        Batches of which gradients are added to one update.
    reduction : "mean" or "sum"
        Over the rows of an update: Σ w·l / Σ w or Σ w·l.
    shuffle : bool
        Whether rows are shuffled anew in each epoch.
    engine : "xla" or "numpy"
        Compiled, or operation by operation. In a browser, where there is no JAX, "numpy" is the default.
    dtype : "float32" or "float64"
        Of parameters, inputs and arithmetic.
    precision : "bfloat16", optional
        Of matrix products and convolutions in training: their inputs are rounded to bfloat16, and their sums are
        float32's. Parameters, updates, normalisation and predictions stay float32, and so do held-out rows' figures;
        those of training rows are computed in float32 from outputs of rounded products. bfloat16 has float32's
        range, so the loss needs no scaling. For graphics cards, and processors with such instructions; of the compiled
        engine. Recurrences and convolutions on processors are then without the native kernels, which are of float32.
    preparation : object with ``apply(raw) -> array``, transformer of scikit-learn, or dict of input to object, optional
        Applied to `x` here and to whatever the run is used on later; saved with it. A transformer that hasn't been
        fitted learns from the rows of training, and stays itself as it is.
    standardize_targets : bool
        Train numbers as ``(y - mean) / std``; predictions and metrics are in the targets' own unit again.
    checkpoint : path or Checkpoint, optional
        Folder that holds a whole run at every moment: written before the first epoch, every `checkpoint_every` epochs,
        and at the end. A crash costs the epochs since it was last written. A `Checkpoint` says the next three options
        as well.
    checkpoint_every : int, optional
        Epochs from one writing of `checkpoint` to the next; by default 10, or of quick epochs as many more as keep
        writing at a twentieth of the time: a crash costs at most 10 epochs or twenty writings' time, whichever is more.
    resume : bool
        Go on from the state in `checkpoint`, bit for bit as if there had been no stop.
    overwrite : bool
        Replace a run that is already in `checkpoint`; it stays until the new one is first written.
    progress : bool, optional
        True: a live table in terminals and notebooks, plain lines elsewhere; False: nothing; by default the
        table alone. On standard error.
    chunk : int, optional
        Most epochs that one call of the compiled program may run; chosen by size if left out. Doesn't change results.
    strict : bool
        Raise `DivergedError` instead of returning a run that diverged.
    config : dict, optional
        Plain data that is kept with the run: what would train it again.
    ensemble : int
        Networks that are trained at once, in one program, each with a start, a shuffling and a dropout of its own, and
        then used as one: `Run.network` is a `Parallel` of them that averages their probabilities, or numbers. The
        history has means over the members, and early stopping and `ReduceOnPlateau` go by them: one best epoch, one
        rate for all. The first member is what the seed gives without an ensemble.
    time_limit : float, optional
        Seconds after which training ends, compiling included; the epoch that is under way is finished.
    clip : float, "auto" or None
        Norm to which the gradient is clipped. "auto": 1 for recurrent networks and Transformers whose optimizer doesn't
        clip, since one sequence can make their gradient arbitrarily large; none for others.
    freeze : str or list of str
        Parameters that stay as they are, bit for bit: "embeddings", or patterns of their paths ("0" is all of the first
        layer, "*/bias" all biases). No gradient, decay or momentum moves them.
    steps_per_epoch : int, optional
        Updates that make an epoch, where a pass over all rows takes too long to wait for; the next epoch goes on with
        the rows that follow.
    encoding : object, optional
        How targets are encoded and outputs decoded, where it isn't to be learned from `y`: a `Targets` or the like.
    mixup : float
        Above 0: every row is blended with another of its batch, ``λ x + (1 − λ) x'`` with one λ ~ Beta(mixup, mixup) a
        batch, and its loss is that of both targets, ``λ l(out, y) + (1 − λ) l(out, y')``; 0.2 is usual (Zhang et al.,
        arXiv:1710.09412). The history's training loss is this one; its training metrics hold outputs for blended inputs
        against the row's own target, and so look worse than they are. Validation isn't mixed. Layers that change their
        input by chance (`Augment`) get it blended.
    probes : "standard", Probes or None
        What is measured inside the network while it trains, see `Probes`; the standard costs a few percent. None:
        nothing.
    devices : int
        Devices that share the work on each batch (graphics cards, or parts of the processor): each computes the
        gradient of its rows, and their sum makes the update, so that the result is that of one device, to rounding.
        Of the compiled engine; `batch_size` must be a multiple, unless it takes all rows. Where several processes train
        together, so many of each (batches are filled up as needed). Each holds data and parameters whole, unless
        `shard` says otherwise. On a processor this gains nothing, since XLA uses all its cores for one device, too.
    shard : "optimizer", "parameters" or None
        What each device holds a part of between updates, for networks that are large beside a device's memory: the
        optimizer's state, or the parameters as well (ZeRO stages 1 and 3; Rajbhandari et al., arXiv:1910.02054). The
        result is the same, to rounding. An array with no axis that the devices divide equally, or of fewer than 1,024
        numbers, stays whole.
    average_every : int, optional
        Local SGD: each device updates by its own rows of each batch alone, and every so many updates, and at the end of
        each epoch, all take the mean of parameters, optimizer state and running statistics (Stich, arXiv:1805.09767). A
        message is paid for once in so many updates; the result is another than of one device, but for
        ``average_every=1`` with plain SGD.
    stream : bool, optional
        Whether `x` and `y` are read block by block in each epoch rather than held in memory. By default arrays mapped
        from files (`numpy.memmap`) are, if they have more bytes than the limit "memory". Streams always are.
    """

    loss: str | Loss | Callable[..., Any] | Mapping[str, str | Loss | Callable[..., Any]] | None = option(
        None, form=TEXT, panel=TRAINING, help="By default cross_entropy or mean_squared_error"
    )
    loss_weights: Mapping[str, float] | None = option(
        None,
        scope="recipe",  # the loss tells them
        kinds=(Mapping,),
        words="a dict of output to number",
    )
    optimizer: str | Transform = option("adam", form=TEXT, panel=TRAINING, help=OPTIMIZERS)
    schedule: str | None = option(
        None,
        scope="recipe",  # the optimizer tells it
        panel=TRAINING,
        help="Learning rate over the epochs: cosine, cosine:0.1 (to a tenth), step:10,0.5, exponential:0.95, "
        "inverse:0.1, onecycle, budget (evenly to nothing by the last epoch or the time limit), plateau:5,0.5; "
        "'warmup:5 cosine'",
    )
    epochs: int = whole(20, scope="kept", unit="epochs", panel=TRAINING, help="Most passes over the training rows")
    until_loss: float | None = finite(
        None,
        scope="kept",
        panel=TRAINING,
        help="End when the training loss is at most this; told at the end if it never was.",
    )
    batch_size: int | Literal["full"] | None = whole(
        32, unit="rows", panel=TRAINING, help="Rows an update, or full: all of them", besides=("full",), parse=batch
    )
    validation: float | tuple[Any, Any] | Folds | Stream | None = option(None, form=GIVEN)
    seed: int = count(
        0, low=0, words="a whole number of at least 0", panel=TRAINING, help="Origin of all randomness, splits too"
    )
    metrics: Sequence[str | Callable[..., Any]] | Mapping[str, Any] | str | Callable[..., Any] | None = option(
        None,
        scope="recipe",
        kinds=(str, Sequence, Mapping, Callable),
        words="a metric's name, a function, or a list of them",
    )
    penalty: Penalty | Callable[..., Any] | None = option(
        None, form=PENALTY, kinds=(Callable,), words="bl.L2(0.001) or the like, or a function of the parameters"
    )
    sample_weight: Sequence[float] | np.ndarray | Mapping[str, Any] | None = option(None, scope="kept", form=GIVEN)
    class_weight: str | Mapping[Any, Any] | None = option(
        None, scope="kept", form=GIVEN, kinds=(str, Mapping), words="'balanced' or a dict of class to weight"
    )
    early_stopping: EarlyStopping | int | None = option(
        None,
        scope="kept",  # a run that is gone on with may have other patience
        kinds=(EarlyStopping, int),
        words="bl.EarlyStopping(...) or a number of epochs",
        form=Form(
            lambda stopping: None if stopping is None else stopping.to_dict(),
            lambda data: None if data is None else EarlyStopping.from_dict(data),
        ),
    )
    callbacks: Sequence[Callback] | Callback | None = option(
        (), scope="call", kinds=(Sequence, Callable), words="a function of an EpochEnd, or a list of them"
    )
    accumulate: int = whole(1, unit="batches")
    reduction: Literal["mean", "sum"] = option("mean", names=("mean", "sum"))
    shuffle: bool = option(True)
    engine: Literal["xla", "numpy"] = option(DEFAULT, panel=TRAINING, help="xla (compiled) or numpy")
    dtype: Literal["float32", "float64"] = option("float32", names=("float32", "float64"))
    precision: Literal["bfloat16"] | None = option(
        None, panel=TRAINING, help="Of matrix products in training: bfloat16, with sums and weights in float32"
    )
    preparation: Any = option(None, scope="recipe")
    standardize_targets: bool = option(False)
    checkpoint: str | Path | Checkpoint | None = option(
        None, scope="call", kinds=(str, PathLike, Checkpoint), words="a folder, or bl.Checkpoint(...)"
    )
    checkpoint_every: int | None = same(Checkpoint, "every")
    resume: bool = same(Checkpoint, "resume")
    overwrite: bool = same(Checkpoint, "overwrite")
    progress: bool | None = option(None, scope="call")
    chunk: int | None = whole(None, scope="call", unit="epochs")
    strict: bool = option(False, scope="call")
    config: dict[str, Any] | None = option(None, scope="call", kinds=(dict,), words="a dict of plain data")
    ensemble: int = whole(1, panel=NETWORK, help="Networks trained at once and averaged")
    time_limit: float | None = option(
        None,
        scope="recipe",
        unit="s",
        panel=TRAINING,
        help="Longest time for the whole job: 90s, 5m, 1.5h. The best so far is kept",
        parse=seconds,
        open_low=True,
        open_high=True,
        words="a number of seconds above 0",
    )
    clip: float | Literal["auto"] | None = option("auto", scope="recipe")
    freeze: Sequence[str] | str = option(
        (), panel=TRAINING, help="Parameters that stay as they are: embeddings, or paths such as 0 or */bias"
    )
    steps_per_epoch: int | None = whole(None, unit="updates")
    encoding: Any = option(None, scope="recipe")
    mixup: float = option(0.0, form=Form(lambda share: share or None, lambda share: share or 0.0))
    probes: Probes | Literal["standard"] | None = option("standard", scope="recipe")
    devices: int = whole(1, scope="kept", panel=TRAINING, help="Devices that share the work on each batch")
    shard: Literal["optimizer", "parameters"] | None = option(
        None,
        scope="kept",
        panel=TRAINING,
        help="What each device holds a part of: parameters (and the optimizer's state), or optimizer (its state alone)",
    )
    average_every: int | None = whole(
        None,
        unit="updates",
        panel=TRAINING,
        help="Each device updates alone, and all take their mean every so many updates",
    )
    stream: bool | None = option(None, scope="kept")

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.early_stopping, int):
            object.__setattr__(self, "early_stopping", EarlyStopping(self.early_stopping))
        for callback in self.listeners:
            if not callable(callback):
                raise InputError(f"callbacks must be a function of an EpochEnd, or a list of them, got {callback!r}")
        for name in ("checkpoint_every", "resume", "overwrite"):
            if isinstance(self.checkpoint, Checkpoint) and getattr(self, name) != declared(Training)[name].default:
                raise InputError(f"{name} is said twice: put it into bl.Checkpoint(...), or give checkpoint=FOLDER")
        if self.batch_size == "full":
            object.__setattr__(self, "batch_size", None)
        if self.schedule is not None:
            from backlit.optim.words import schedule_words

            schedule_words(self.schedule)  # refuses what it doesn't understand
        check_shard(self.shard, self.engine)
        check_precision(self.precision, self.engine, self.dtype)
        if self.resume and self.checkpoint is None:
            raise InputError("resume=True needs checkpoint=FOLDER, the folder to go on from")

    @property
    def keeping(self) -> Checkpoint | None:
        """Where the run is kept while it trains, and how."""
        if self.checkpoint is None or isinstance(self.checkpoint, Checkpoint):
            return self.checkpoint
        return Checkpoint(self.checkpoint, self.checkpoint_every, self.resume, self.overwrite)

    @property
    def folder(self) -> Path | None:
        """Where the run is kept while it trains."""
        from pathlib import Path

        return None if self.keeping is None else Path(self.keeping.folder)

    @property
    def listeners(self) -> tuple[Callback, ...]:
        """The callbacks, one or several; None stands for none."""
        return (self.callbacks,) if callable(self.callbacks) else tuple(self.callbacks or ())

    def again(self) -> Training:
        """What trains the same again: without what is only of one call."""
        return self.replace(
            **{name: option.default for name, option in declared(type(self)).items() if option.scope == "call"}
        )
