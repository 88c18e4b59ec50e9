"""What trackers' libraries warn of, about each other and themselves."""

from collections.abc import Callable
from typing import Any

import pytest

TOLD = (
    "ignore:The ``noload`` loader strategy",  # MLflow of SQLAlchemy
    r"ignore:.*Any type hint is inferred:UserWarning",  # MLflow of itself
    "ignore:Operation with range is deprecated",  # MLflow of pandas
    "ignore::DeprecationWarning:mlflow.*",
    "ignore::DeprecationWarning:wandb.*",
    "ignore::ResourceWarning",  # connections that MLflow keeps to its store
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


def with_trackers(test: Callable[..., Any]) -> Callable[..., Any]:
    """A test of the command that tries trackers among other things."""
    for told in TOLD:
        test = pytest.mark.filterwarnings(told)(test)
    return test
