"""Fixtures of the command's tests serve here, too."""

from tests.cli.conftest import command

__all__ = ["command"]
