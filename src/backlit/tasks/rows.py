"""Rows that stand alone, or nearly: split, prepared, planned for, trained on and judged in one way."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit import optim
from backlit.data.preparation import Preparation
from backlit.errors import InputError
from backlit.languages import Template
from backlit.nn.layer import Layer, Shape
from backlit.nn.spec import build, spelled
from backlit.tasks.judge.calibration import calibrated
from backlit.tasks.judge.scores import best_guess, judge
from backlit.tasks.judge.worst import mistakes
from backlit.tasks.options import Call, Options
from backlit.tasks.plan import MEMBERS, SMALL, Ends, Usual, is_slow, plan_for, resolved
from backlit.tasks.split import divide, fold
from backlit.tasks.task import Material, Parts, Plan, Task, seconds_left
from backlit.tasks.warm_up import warm_up_told
from backlit.train.callbacks import EarlyStopping
from backlit.train.ensemble import Folds
from backlit.train.ensemble import members as members_of
from backlit.train.intervals import Intervals
from backlit.train.judgement import Judgement
from backlit.train.recipe import Recipe
from backlit.train.result import Result
from backlit.train.training import Training

CALIBRATED = Template(
    "calibrated: outputs are divided by {temperature:.3g}",
    "확률 보정: 출력을 {temperature:.3g}{으로/로} 나눕니다.",
)


@dataclass(frozen=True, eq=False)
class Common:
    """How rows are shared out and made into arrays, whatever network is to learn from them."""

    parts: Parts
    folds: Folds | None
    members: int
    preparation: Preparation
    notes: list[str]


@dataclass(frozen=True, eq=False)
class Setting:
    """What one training has been set up with: all that judging it needs."""

    material: Material
    parts: Parts
    folds: Folds | None
    options: Options
    plan: Plan
    notes: list[str]


@dataclass(frozen=True, eq=False)
class Unseen:
    """Rows that a run didn't learn from, what it says of them, and their targets; raw is None for those of folds."""

    raw: Any
    outputs: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, repr=False)
class RowsTask(Task):
    """What tables, texts in them, time series, pictures and data sets have in common."""

    @abstractmethod
    def prepare(self, material: Any, rows: np.ndarray) -> Preparation:
        """How raw input becomes arrays, learned from training rows."""

    def usual(self, material: Any, rows: int, shape: Shape) -> Usual:
        """What suits so many training rows of examples of this shape."""
        return Usual("cnn" if len(shape) == 3 else "mlp:128,64" if rows < 20_000 else "mlp:256,128")

    def cuts(self, chosen: bool) -> int | None:
        """How many pieces each number's range is cut into in front of the network, which the user may have chosen."""
        del chosen
        return None

    def network(self, spec: str, ends: Ends, preparation: Preparation, options: Options) -> Layer:
        """The network that a spec describes."""
        for name in ("activation", "dropout") if spelled(spec) else ():
            if getattr(options, name):
                raise InputError(f"network {spec!r} names its layers one by one: put the {name} among them")
        return build(
            spec,
            ends.outputs,
            ends.activation,
            ends.dropout,
            preparation.embedded,
            input_shape=ends.shape,
            seen_as=ends.seen_as,
            first=ends.first,
        )

    def is_small(self, material: Any, network: Any) -> bool:
        """Whether several such networks may be trained in the time of one that is large; None is the usual one."""
        return not isinstance(network, str) or not is_slow(network)

    def members(self, material: Material, rows: int, options: Options) -> int:
        """Networks in the ensemble: several where rows are few: they are cheap then, and each sees most rows."""
        if options.ensemble is not None:
            return options.ensemble
        exact = isinstance(options.optimizer, str) and optim.named(options.optimizer).exact
        if exact or options.average_every is not None:  # which no ensemble can be trained with
            return 1
        folded = material.order is None and material.names is None and not options.calibrate
        return MEMBERS if folded and rows < SMALL and self.is_small(material, options.network) else 1

    def split(self, material: Material, fractions: Sequence[float], seed: int) -> tuple[Parts, list[str]]:
        """Parts by chance, classes shared out alike, or as groups, times or the user say."""
        return divide(material, fractions, seed)

    def fold(self, material: Material, parts: Parts, members: int, options: Options) -> tuple[Parts, Folds | None]:
        """For an ensemble, another share of the rows for each member to hold back."""
        return fold(material, parts, members, options)

    def plan(
        self, material: Any, rows: np.ndarray, preparation: Preparation, options: Options, members: int = 1
    ) -> Plan:
        """What is to be trained on these rows, and how."""
        return plan_for(self, material, rows, preparation, options, members)

    def warnings(self, material: Any, parts: Parts, preparation: Preparation) -> list[str]:
        """What makes scores too good, or too bad."""
        return []

    def rivals(self, run: Result, setting: Setting, raw: Any) -> Mapping[str, np.ndarray]:
        """Other methods' chances of each class (rows, classes) for rows that were not learned from."""
        return {}

    def common(self, material: Any, options: Options) -> Common:
        """Parts and folds, and the preparation that has learned from the training rows."""
        parts, notes = self.split(material, options.split, options.seed)
        members = self.members(material, len(parts.train), options)
        parts, folds = self.fold(material, parts, members, options)
        preparation = self.prepare(material, parts.train)
        notes = [*material.notes, *notes, *self.warnings(material, parts, preparation)]
        return Common(parts, folds, members, preparation, notes)

    def recipe(self, material: Any, options: Options, call: Call) -> tuple[Recipe, dict[str, Any]]:
        """What is to be trained on the training rows, and judged on the others."""
        self.check(options)
        if options.balance and material.task != "classification":
            raise InputError("balance weighs classes; the target holds numbers or several labels")
        common = call.common or self.common(material, options)
        parts, folds, members, preparation = common.parts, common.folds, common.members, common.preparation
        notes = [*common.notes, *warm_up_told(options.network, options)]
        call.tell(notes)
        plan = self.plan(material, parts.train, preparation, options, members)
        setting = Setting(material, parts, folds, options, plan, notes)
        training = Training(
            loss=plan.loss, optimizer=plan.optimizer, epochs=plan.epochs, batch_size=plan.batch_size,
            validation=folds or (material.raw[parts.validation], material.y[parts.validation]),
            preparation=preparation, seed=options.seed, penalty=plan.penalty,
            class_weight="balanced" if options.balance else None,
            early_stopping=EarlyStopping(plan.patience) if plan.patience else None,
            engine=options.engine, precision=options.precision, devices=options.devices, shard=options.shard,
            average_every=options.average_every,
            standardize_targets=material.task == "regression" and options.output_activation is None,
            ensemble=members, mixup=plan.mixup, schedule=plan.schedule,
            time_limit=seconds_left(options, call),
        )  # fmt: skip
        x, y = material.raw[parts.train], material.y[parts.train]
        return Recipe(plan.network, x, y, training, lambda run: self.judge(run, setting)), resolved(plan, options)

    def judge(self, run: Result, setting: Setting) -> Result:
        """The run with its calibration, its intervals and its scores."""
        material, parts, folds, notes = setting.material, setting.parts, setting.folds, setting.notes
        if setting.options.calibrate:
            network, temperature = calibrated(run, material.raw[parts.validation], material.y[parts.validation])
            run = dataclasses.replace(run, network=network)
            notes = [*notes, CALIBRATED.say(temperature=temperature)]
        tested = len(parts.y_test) > 0
        intervals, unseen = None, None
        if material.task == "regression" or not tested:
            unseen = _held_out(run, setting)
        if material.task == "regression" and unseen is not None:
            intervals = self.intervals(run, setting, unseen)
        if tested or unseen is None:
            unseen = Unseen(parts.raw_test, run.outputs(parts.raw_test), parts.y_test)
        guess = best_guess(run, material.task, material.y[parts.train])
        judgement = self.scored(run, setting, unseen, guess, intervals)
        run.judgement = judgement.replace(
            residuals=intervals,
            guess=guess,
            judged_on="test" if tested else "held-out folds" if folds else "validation",
            parts={"training": len(parts.train), "validation": len(parts.validation), "test": len(parts.y_test)},
            folds=len(folds.rows) if folds else None,
            plan=setting.plan.describe(),
            notes=notes,
        )
        return run

    def intervals(self, run: Result, setting: Setting, unseen: Unseen) -> Intervals:
        """How far off predictions may be, from rows that were not learned from."""
        return Intervals.learn(run.targets.decode(unseen.outputs), unseen.y)

    def scored(
        self, run: Result, setting: Setting, unseen: Unseen, guess: Any, intervals: Intervals | None
    ) -> Judgement:
        """Scores on unseen rows, and the worst mistakes among them."""
        material, parts = setting.material, setting.parts
        rivals: Mapping[str, np.ndarray] = {}
        if material.task == "classification" and unseen.raw is not None:
            rivals = self.rivals(run, setting, unseen.raw)
        judgement = judge(run, material.task, guess, unseen.outputs, unseen.y, rivals=rivals, intervals=intervals)
        seen: dict[str, Any] = {}
        if material.names is not None and setting.folds is None:
            seen = {"names": material.names[parts.test if len(parts.y_test) else parts.validation]}
        elif material.names is None and len(parts.y_test):
            seen = {"raw": unseen.raw, "seen_as": material.seen_as}
        return judgement.replace(mistakes=mistakes(run, unseen.outputs, unseen.y, **seen)) if seen else judgement


def _held_out(run: Result, setting: Setting) -> Unseen:
    """Rows that weren't learned from: validation rows, or each fold by its member."""
    material, parts = setting.material, setting.parts
    if setting.folds is None:
        raw = material.raw[parts.validation]
        return Unseen(raw, run.outputs(raw), run.relative(raw, material.y[parts.validation]))
    rows = [parts.train[fold_rows] for fold_rows in setting.folds.rows]
    alone = [dataclasses.replace(run, network=member) for member in members_of(run.network)]
    outputs = [member.outputs(material.raw[fold_rows]) for member, fold_rows in zip(alone, rows, strict=True)]
    return Unseen(None, np.concatenate(outputs), material.y[np.concatenate(rows)])
