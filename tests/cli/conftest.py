"""The command, called in this process."""

import pytest

from tests.cli.calling import backlit


@pytest.fixture
def command():
    """Run the command in the present folder: exit status, and what was said on each stream."""
    return backlit
