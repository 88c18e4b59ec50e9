"""Trackers in a folder of their own, and what their libraries say of themselves."""

import pytest

from tests.trackers.told import TOLD


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings of the libraries about each other; ours stay errors."""
    for item in items:
        if "tests/trackers/" in item.path.as_posix():
            for told in TOLD:
                item.add_marker(pytest.mark.filterwarnings(told))


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Where MLflow puts artefacts unless it is told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SILENT", "true")
    return tmp_path
