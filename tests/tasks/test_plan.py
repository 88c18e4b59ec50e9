"""Plans: what is chosen by the data where the user left it open, and that what the user says stands."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.tasks.dataset import DatasetTask
from backlit.tasks.options import Call, Options
from backlit.tasks.plan import MEMBERS, is_slow, mixup_of, resolved
from backlit.tasks.rows import RowsTask
from backlit.tasks.sequences import SequencesTask
from backlit.tasks.stream import StreamTask, updates_of_epoch
from backlit.tasks.task import FOR_ROWS, Material


@pytest.fixture(scope="module")
def iris():
    task = DatasetTask()
    return task, task.read("iris")


def planned(iris, **options):
    task, material = iris
    options = Options(**options)
    rows = task.split(material, options.split, 0)[0].train
    preparation = task.prepare(material, rows)
    members = task.members(material, len(rows), options)
    return task.plan(material, rows, preparation, options, members), options


def test_what_is_left_open_is_chosen_by_the_data(iris):
    plan, _ = planned(iris)
    assert (plan.spec, plan.activation, plan.dropout, plan.rate) == ("mlp:128,64", "silu", 0.2, 0.002)
    assert (plan.batch_size, plan.epochs, plan.patience, plan.ensemble) == (16, 400, 133, MEMBERS)
    assert plan.loss == bl.CrossEntropy()
    assert plan.optimizer == bl.AdamW(0.002)
    assert plan.describe() == f"5 × mlp:128,64, {plan.optimizer}, batches of 16, at most 400 epochs"
    assert plan.network.output_shape((4,)) == (3,)


def test_what_the_user_says_stands(iris):
    said = {"network": "mlp:8", "activation": "tanh", "dropout": 0.0, "learning_rate": 0.1, "optimizer": "sgd"}
    said |= {"epochs": 7, "batch_size": 9, "patience": 0, "ensemble": 2, "l2": 0.5}
    plan, options = planned(iris, **said)
    assert plan.network == bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(3))
    assert plan.optimizer == bl.SGD(0.1)
    assert plan.penalty == bl.L2(0.5)
    again = resolved(plan, options)
    assert again == {name: value for name, value in said.items() if name != "l2"}
    assert planned(iris, **again, l2=0.5)[0].network == plan.network


def test_choices_make_the_same_plan_again(iris):
    plan, options = planned(iris, calibrate=True)
    assert plan.ensemble == 1  # one network is calibrated
    again, _ = planned(iris, **resolved(plan, options))
    assert (again.network, again.optimizer, again.epochs) == (plan.network, plan.optimizer, plan.epochs)


def test_a_network_and_an_optimizer_of_ones_own_are_told_in_no_words(iris):
    plan, options = planned(iris, network=bl.Linear(3), optimizer=bl.SGD(0.5))
    assert plan.network == bl.Linear(3)
    assert plan.spec == "Linear(3)"
    assert not {"network", "optimizer", "learning_rate"} & set(resolved(plan, options))


def test_batches_are_shared_out_among_devices(iris):
    assert planned(iris, devices=3)[0].batch_size == 18


def test_networks_over_many_places_take_longer_and_learn_in_fewer_epochs():
    task = DatasetTask()
    digits = task, task.read("digits")
    plan, _ = planned(digits, network="cnn:4")
    assert (plan.batch_size, plan.epochs, plan.patience, plan.ensemble) == (32, 40, 8, 1)
    assert is_slow("lstm:4")
    assert not is_slow("linear")
    assert is_slow(bl.Linear(3), (8, 8, 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "binary_cross_entropy"}, "needs two classes, the target has 3"),
        ({"augment": "flip"}, "augment 'flip' changes pictures; the inputs have shape"),
        ({"augment": "mixup:much"}, "augment 'mixup:much': expected a number, as in mixup:0.2"),
        ({"network": "linear:4 relu", "activation": "tanh"}, "names its layers one by one: put the activation among"),
        ({"network": "mlb:4"}, "did you mean 'mlp'"),
    ],
)
def test_what_does_not_fit(iris, options, message):
    with pytest.raises(InputError, match=message):
        planned(iris, **options)


def test_blending():
    assert mixup_of("shift:0.1 mixup:0.3") == 0.3
    assert mixup_of(None) == mixup_of("flip") == 0.0


def test_an_epoch_of_a_text():
    assert [updates_of_epoch(updates) for updates in (1, 3, 19, 20, 199, 5000)] == [20, 21, 38, 20, 199, 200]


@pytest.mark.parametrize("task", [StreamTask(), SequencesTask(to="class")])
@pytest.mark.parametrize("name", FOR_ROWS)
def test_what_makes_no_sense_for_a_kind_of_data_is_refused_by_name(task, name):
    value = {"ensemble": 3, "balance": True, "calibrate": True}.get(name, "relu")
    with pytest.raises(InputError, match=name):
        task.check(Options(**{name: value}))
    task.check(Options())


class Numbers(RowsTask):
    """A kind of data of one's own: three methods are all it takes."""

    kind = source = "numbers"

    def read(self, data, progress=None):
        x = np.asarray(data, float)
        return Material("numbers", x[:, None], 2 * x, "regression")

    def prepare(self, material, rows):
        return bl.data.Standardize().fit(material.raw[rows])


def test_a_task_of_ones_own_goes_the_whole_way():
    task, notes = Numbers(), []
    options = Options(epochs=3, engine="numpy", ensemble=1, network="linear", time_limit=60)
    run = task.train(task.read(range(100)), options, Call(progress=False, say=notes.append, config={"data": "numbers"}))
    assert run.judgement.task == "regression"
    assert run.judgement.parts == {"training": 70, "validation": 15, "test": 15}
    assert run.judgement.intervals.level == 0.9
    assert run.intervals.rows == 15
    assert run.config["network"] == "linear"
    assert run.config["data"] == "numbers"
    assert 0 < run.recipe.training.time_limit < 60  # less what was gone before training
    assert notes == []
