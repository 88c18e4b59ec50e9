"""Findings about data: inputs, targets, splits, rows and columns, on evidence made by hand, with healthy twins."""

from __future__ import annotations

from typing import Any

from backlit.doctor.evidence import Evidence
from backlit.doctor.findings import (
    constant_columns,
    duplicates,
    leaking_column,
    missing_inputs,
    odd_values,
    order,
    parts,
    scale,
    sequences,
    targets,
    unrelated_labels,
)
from backlit.train.divergence import Divergence
from tests.doctor.common import evidence
from tests.doctor.making import (
    BAD_PARAMETER,
    FALL,
    KNOWN,
    LSTM,
    MASKED,
    MASKED_LSTM,
    RAGGED,
    SCATTERED,
    TAILED,
    TWINS,
    TWO,
    classes,
    columns,
    held_out,
    simple,
)

# Of each finding and way in which it shows: evidence of it, and a healthy twin that differs where it matters.
BY_HEART = {"kind": "class"}
LEARNED = {"accuracy": 1.0, "val_accuracy": 0.2}
ANSWERS = {"held": 120, "across": 0.2, "recoded": 0.9, "next": 0.3, "guess": 0.33, "counted": 120, "usual": 0.0}
CASES: list[tuple[Any, Any, Evidence, Evidence]] = [
    (missing_inputs.MISSING_INPUTS, missing_inputs.COUNTED, evidence(data={"bad_rows": 3}), evidence()),
    (
        missing_inputs.MISSING_INPUTS, missing_inputs.MET,
        evidence(diverged=Divergence("inputs", "", 1, 1)), evidence(diverged=BAD_PARAMETER),
    ),
    (
        duplicates.LEAK, duplicates.HELD_OUT,
        evidence(data={"shared": {"count": 20, "share": 0.2, "chance": 0.0}}),
        evidence(data={"shared": {"count": 20, "share": 0.2, "chance": 0.1}}),
    ),
    (
        duplicates.CONTRARY_DUPLICATES, duplicates.DISAGREEING,
        evidence(data={"twins": {"contrary": 0.2, "repeated": 0.2, "chance": 0.0}}),
        evidence(data={"twins": {"contrary": 0.01, "repeated": 0.2, "chance": 0.0}}),
    ),
    (
        sequences.MASKED_TARGET, sequences.BEHIND_MASK,
        evidence(net=MASKED_LSTM, data={"sequences": MASKED}),
        evidence(net=MASKED_LSTM, data={"sequences": MASKED | {"contrary": 0.01}}),
    ),
    (
        sequences.MASKED_TARGET, sequences.BLANK,
        evidence([1.0] * 20, net=MASKED_LSTM, data={"sequences": {"steps": 40, "blank": 3}}),
        evidence([0.3] * 20, net=MASKED_LSTM, data={"sequences": {"steps": 40, "blank": 3}}),
    ),
    (
        sequences.TRUNCATED, sequences.PILED_UP,
        evidence(net=LSTM, data={"sequences": RAGGED | {"full": 0.6}}),
        evidence(net=LSTM, data={"sequences": RAGGED | {"full": 1.0}}),
    ),
    (
        sequences.UNMASKED_PADDING, sequences.READ,
        evidence(net=LSTM, data={"sequences": RAGGED}),
        evidence(net=LSTM, data={"sequences": RAGGED | {"before": 0.5, "after": 0.0}}),
    ),
    (
        unrelated_labels.UNRELATED_LABELS, unrelated_labels.BY_LOSS,
        evidence(FALL, [1.05] * 20), evidence(FALL, FALL),
    ),
    (
        unrelated_labels.UNRELATED_LABELS, unrelated_labels.BY_R2,
        evidence([1.0] * 20, data=simple(0.0)), evidence([1.0] * 20, data=simple(0.5)),
    ),
    (
        unrelated_labels.UNRELATED_LABELS, unrelated_labels.BY_ACCURACY,
        evidence([1.0] * 20, net=TWO, loss="cross_entropy", data=classes(0.5, **simple(0.5, guess=0.5))),
        evidence([1.0] * 20, net=TWO, loss="cross_entropy", data=classes(0.5, **simple(0.9, guess=0.5))),
    ),
    (
        unrelated_labels.UNRELATED_LABELS, unrelated_labels.BY_TWINS,
        evidence([1.0] * 20, net=TWO, loss="cross_entropy", data=classes(0.5, twins=TWINS)),
        evidence([1.0] * 20, net=TWO, loss="cross_entropy", data=classes(0.5, twins=TWINS | {"agree": 0.7})),
    ),
    (
        targets.CLASSES_AS_NUMBERS, targets.WHOLE,
        evidence(data={"targets": {"whole": True, "distinct": 10}, **simple(0.2, agreement=0.9, chance=0.1)}),
        evidence(data={"targets": {"whole": True, "distinct": 10}, **simple(0.2, agreement=0.2, chance=0.1)}),
    ),
    (
        targets.UNSCALED_TARGETS, targets.SPREAD,
        evidence(data={"targets": {"mean": 500.0, "std": 100.0}}),
        evidence(data={"targets": {"mean": 1.0, "std": 2.0}}),
    ),
    (scale.UNSCALED_INPUTS, scale.TOO_LARGE, evidence(data=columns(std=100.0, size=100.0)), evidence(data=columns())),
    (scale.UNSCALED_INPUTS, scale.TOO_SMALL, evidence(data=columns(std=0.01, size=0.01)), evidence(data=columns())),
    (
        scale.OFF_CENTRE_INPUTS, scale.OFF_CENTRE,
        evidence(data=columns(offset=20.0, size=20.0)), evidence(data=columns(offset=1.7, size=1.9)),
    ),
    (
        constant_columns.CONSTANT_COLUMNS, constant_columns.COLUMNS,
        evidence(data={"inputs": {"constant": 6, "columns": 9, "constant_columns": [0, 2, 3, 4, 5, 7]}}),
        evidence(data={"inputs": {"constant": 0, "columns": 9}}),
    ),
    (
        parts.SHIFTED, parts.APART,
        evidence(KNOWN, SCATTERED, data=held_out(apart=0.99)), evidence(KNOWN, SCATTERED, data=held_out(apart=0.6)),
    ),
    (
        parts.SHIFTED, parts.DRIFTED,
        evidence(KNOWN, SCATTERED, data=held_out(across=-1.0, levelled=0.9, drift=1.2)),
        evidence(KNOWN, SCATTERED, data=held_out(across=-1.0, levelled=-0.5, drift=0.2)),
    ),
    (
        parts.WRONG_LABELS, parts.RENAMED,
        evidence(KNOWN, SCATTERED, data=held_out(across=-1.0, levelled=-0.5, drift=0.2)),
        evidence(KNOWN, SCATTERED, data=held_out(across=-1.0, levelled=0.9, drift=1.2)),
    ),
    (
        parts.WRONG_LABELS, parts.SCRAMBLED,
        evidence(KNOWN, SCATTERED, data=held_out(across=0.0, within=0.0, recoded=0.0)),
        evidence(KNOWN, SCATTERED, data=held_out(across=0.8)),
    ),
    (
        parts.WRONG_LABELS, parts.NOISIER,
        evidence(KNOWN, SCATTERED, data=held_out(inner=0.5, across=0.8)),
        evidence(KNOWN, SCATTERED, data=held_out(inner=0.8, across=0.8)),
    ),
    (
        parts.WRONG_LABELS, parts.MOVED,
        evidence(KNOWN, SCATTERED, data=held_out(across=0.0, within=0.0, recoded=0.0, next=0.9)),
        evidence(KNOWN, SCATTERED, data=held_out(next=0.9)),
    ),
    (
        parts.WRONG_LABELS, parts.RENAMED,
        evidence(KNOWN, SCATTERED, data=held_out(across=-1.0)), evidence(KNOWN, SCATTERED, data=held_out()),
    ),
    (
        parts.SHIFTED, parts.TOKENS,
        evidence(KNOWN, SCATTERED, data=held_out(apart=0.99, token=1, usual=0.02, often=0.9)),
        evidence(KNOWN, SCATTERED, data=held_out(apart=0.6, token=1, usual=0.02, often=0.03)),
    ),
    (
        parts.SHIFTED, parts.LENGTHS,
        evidence(KNOWN, SCATTERED, data=held_out(by_length=0.9, length=40.0, held_length=12.0)),
        evidence(KNOWN, SCATTERED, data=held_out(by_length=0.6, length=40.0, held_length=36.0)),
    ),
    (
        parts.WRONG_LABELS, parts.ANSWERS_RENAMED,
        evidence(KNOWN, SCATTERED, data=BY_HEART, answers=ANSWERS, scores=LEARNED),
        evidence(KNOWN, SCATTERED, data=BY_HEART, answers=ANSWERS | {"recoded": 0.4}, scores=LEARNED),
    ),
    (
        parts.WRONG_LABELS, parts.ANSWERS_MOVED,
        evidence(KNOWN, SCATTERED, data=BY_HEART, answers=ANSWERS | {"recoded": 0.4, "next": 0.9}, scores=LEARNED),
        evidence(KNOWN, SCATTERED, data=BY_HEART, answers=ANSWERS | {"across": 0.7}, scores=LEARNED),
    ),
    (
        odd_values.CODES, odd_values.CODED,
        evidence(data={"coded": {"code": -999.0, "column": 1, "share": 0.1, "times": 90.0}}),
        evidence(data={"coded": {}}),
    ),
    (
        odd_values.OUTLYING, odd_values.FAR_OUT,
        evidence(data={"far": {"rows": 1, "share": 0.01, "column": 1, "times": 2000.0}}), evidence(data={"far": {}}),
    ),
    (
        odd_values.OUTLYING, odd_values.TARGETS_FAR_OUT,
        evidence(data={"far_targets": {"rows": 3, "share": 0.01, "column": 0, "times": 2000.0}}),
        evidence(data={"far_targets": {}}),
    ),
    (
        odd_values.OUTLYING, odd_values.TAILS,
        evidence([0.95] * 20, data=TAILED | simple(0.0) | {"tamed": simple(0.6)["reference"]}),
        evidence([0.95] * 20, data=TAILED | simple(0.0) | {"tamed": simple(0.0)["reference"]}),
    ),
    (
        leaking_column.LEAKING, leaking_column.COLUMN,
        evidence(data={"leaking": {"column": 2, "agreement": 1.0}}), evidence(data={"leaking": {}}),
    ),
    (
        order.SORTED, order.IN_ORDER,
        evidence(data={"order": {"alike": 0.99}}, settings={"shuffle": False}),
        evidence(data={"order": {"alike": 0.99}}, settings={"shuffle": True}),
    ),
    (
        order.UNKNOWN, order.COMMONEST,
        evidence(data={"tokens": {"distinct": 2.0, "most": 0.99, "commonest": 1.0}}),
        evidence(data={"tokens": {"distinct": 90.0, "most": 0.1, "commonest": 1.0}}),
    ),
    (
        targets.UNSCALED_TARGETS, targets.TINY,
        evidence([1.1] * 20, data={"targets": {"mean": 0.0, "std": 1e-3}}),
        evidence([0.96] * 20, data={"targets": {"mean": 0.0, "std": 1e-3}}),  # as little as there is to be learned
    ),
    (
        targets.UNSCALED_TARGETS, targets.TINY,
        evidence(data={"targets": {"mean": 0.0, "std": 1e-3}} | simple(0.95)),
        evidence(data={"targets": {"mean": 0.0, "std": 0.1}} | simple(0.95)),
    ),
]  # fmt: skip
