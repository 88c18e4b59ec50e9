"""What the doctor tells to type exists: options of the command, names of the library."""

import ast
import importlib
import re

import pytest
import typer.main

import backlit as bl
from backlit.cli.main import app
from backlit.doctor.findings import kinds
from backlit.doctor.remedies import LIBRARIES, code_in

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


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_finding_has_a_line_in_the_code_of_each_library(library):
    for name in kinds():
        ast.parse(code_in(library, name, {}).replace("{", "").replace("}", ""))
    with pytest.raises(bl.UnknownNameError, match="library 'tensorflow'"):
        code_in("tensorflow", "overfitting", {})


@pytest.mark.parametrize("library", ["torch", "lightning", "keras"])
def test_lines_for_other_libraries_name_what_there_is(library):
    module = pytest.importorskip(library)
    homes = {library: module, "torch": pytest.importorskip("torch"), "L": module}
    for name in kinds():
        code = code_in(library, name, {})
        for root, path in re.findall(r"\b(torch|keras|L)\.([\w.]+)", code):
            home = homes[root]
            for part in path.split("."):
                if not hasattr(home, part):
                    importlib.import_module(f"{home.__name__}.{part}")
                home = getattr(home, part)


def test_a_finding_speaks_its_librarys_code():
    found = kinds()["learning rate too high"].found
    sign = kinds()["learning rate too high"].signs[2]
    from dataclasses import replace

    finding = replace(found(sign, 1.0, 0.1, rate="0.5", lower=0.05), library="torch")
    assert finding.remedy == 'for group in optimizer.param_groups: group["lr"] = 0.05'
    assert finding.command == ""
    assert finding.picture == "eye.plot()"
