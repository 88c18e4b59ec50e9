"""Ray's and Dask's workers find what this process finds; what is missing, or doesn't answer, is told."""

import sys

import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.tuning import clusters
from tests.tuning.test_tune import CARS, QUICK, tuned  # noqa: F401  a fixture


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Exception ignored in. <function _at_fork")  # Ray forks, which JAX warns of
@pytest.mark.parametrize(("backend", "module"), [("dask", "distributed"), ("ray", "ray")])
def test_workers_of_a_local_cluster_find_the_same(tuned, backend, module):  # noqa: F811
    pytest.importorskip(module)
    there = bl.tune(CARS, **QUICK, backend=backend, workers=2)
    assert there.to_dict() == tuned[0].to_dict()


@pytest.mark.slow
def test_a_cluster_that_is_there_is_let_be():
    distributed = pytest.importorskip("distributed")
    small = {**QUICK, "trials": 2, "epochs": 2}
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        there = bl.tune(CARS, **small, backend="dask", address=cluster.scheduler_address)
        with distributed.Client(cluster, set_as_default=False) as client:
            assert len(client.nthreads()) == 1
    assert there.to_dict() == bl.tune(CARS, **small).to_dict()


@pytest.mark.parametrize(("backend", "module", "kind"), [("dask", "distributed", "Dask"), ("ray", "ray", "Ray")])
def test_what_is_not_installed_is_named(monkeypatch, backend, module, kind):
    monkeypatch.setitem(sys.modules, module, None)
    says = rf"tuning on a {kind} cluster needs another package: pip install 'backlit\[{backend}\]'"
    with pytest.raises(InputError, match=says):
        bl.tune(CARS, **QUICK, backend=backend)


def test_no_cluster_answers(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(clusters, "WAIT", 0.5)
    says = r"Dask: no cluster answers at tcp://127.0.0.1:9 \(.*\); check --address, and that it runs and is reachable"
    with pytest.raises(InputError, match=says):
        bl.tune(CARS, **QUICK, backend="dask", address="tcp://127.0.0.1:9")


def test_a_cluster_without_workers():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster,
        pytest.raises(InputError, match=r"the Dask cluster at tcp://.* has no workers: start some, dask worker tcp://"),
    ):
        bl.tune(CARS, **QUICK, backend="dask", address=cluster.scheduler_address)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
def test_no_ray_answers(address):
    pytest.importorskip("ray")
    says = rf"Ray: no cluster answers at {address} \(.*\); check --address, and that it runs and is reachable from here"
    with pytest.raises(InputError, match=says):
        bl.tune(CARS, **QUICK, backend="ray", address=address)
