"""What the doctor tells to type exists: options of the command, names of the library."""

import re

import pytest
import typer.main

import backlit as bl
from backlit.cli.main import app
from backlit.doctor.findings import kinds

TRAIN = typer.main.get_command(app).commands["train"]
OPTIONS = {name for parameter in TRAIN.get_params(TRAIN.make_context("train", ["data"])) for name in parameter.opts}


@pytest.mark.parametrize("name", kinds())
def test_commands_have_the_options_that_are_told(name):
    told = re.findall(r"--[a-z0-9-]+", kinds()[name].command.partition("#")[0])
    assert set(told) <= OPTIONS, set(told) - OPTIONS


@pytest.mark.parametrize("name", kinds())
def test_lines_of_python_name_what_there_is(name):
    line = kinds()[name].remedy
    for module, attribute in re.findall(r"\bbl\.(?:(data|plots|optim)\.)?(\w+)", line):
        home = getattr(bl, module) if module else bl
        assert hasattr(home, attribute), f"bl.{module + '.' if module else ''}{attribute}"
