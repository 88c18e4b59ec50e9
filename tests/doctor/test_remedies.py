"""What the doctor tells to type exists: options of the command, names of the library."""

import ast
import importlib
import re

import numpy as np
import pytest
import typer.main

import backlit as bl
from backlit.cli.main import app
from backlit.doctor.findings import kinds
from backlit.doctor.remedies import LIBRARIES, code_in, own
from backlit.doctor.remedies.comments import clause, commented
from backlit.doctor.repair import words
from backlit.languages import Template

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


def clauses(line):
    found = re.search(r"(^|  )# ", line)
    return line[found.end() :].split("; ") if found else []


def test_the_comments_of_all_lines_are_told_in_korean():
    lines = [line for kind in kinds().values() for line in (kind.remedy, *(sign.remedy for sign in kind.signs))]
    lines += [code_in(library, name, {}) for library in LIBRARIES for name in kinds()]
    lines += [own.HELD_ROWS, own.BOTH_PARTS, own.BOTH_TEXTS, own.PAIRS, own.ON_ALREADY, *own.NEXT.values()]
    found = [each for line in lines for each in clauses(line)]
    assert len(set(found)) > 100
    assert [each for each in found if not re.search("[가-힣]", clause(each) or "")] == []


def test_changes_are_told_in_korean_with_the_same_values():
    told = [each for each in vars(words).values() if isinstance(each, Template)]
    assert len(told) > 40
    for each in told:
        assert each.places("en") == each.places("ko")
        assert re.search("[가-힣]", each.ko) or each is words.MOMENTUM  # names of options are the same


def test_a_remedys_comment_follows_the_language():
    x = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
    net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(2), bl.Softmax())
    found = bl.fit(net, x, (x[:, 0] > 0).astype(int), epochs=2, engine="numpy").diagnose()
    (one,) = [each for each in found if each.name == "softmax twice"]
    assert one.remedy.within("en").endswith("  # without the last Softmax")
    assert one.remedy.within("ko").endswith("  # 마지막 Softmax 없이")
    assert commented("bl.fit(net, x, y, epochs=9)  # epochs was 3; or a third of it").within("ko") == (
        "bl.fit(net, x, y, epochs=9)  # 이전 epochs: 3; 또는 3분의 1로"
    )


def test_a_finding_speaks_its_librarys_code():
    found = kinds()["learning rate too high"].found
    sign = kinds()["learning rate too high"].signs[2]
    from dataclasses import replace

    finding = replace(found(sign, 1.0, 0.1, rate="0.5", lower=0.05), library="torch")
    assert finding.remedy == 'for group in optimizer.param_groups: group["lr"] = 0.05'
    assert finding.command == ""
    assert finding.picture == "eye.plot()"
