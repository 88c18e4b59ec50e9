"""What the README promises: its lines and its commands run as they stand there."""

import ast
import html
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from docs.site import terminal
from tests.cli.calling import backlit

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout


def said(folder: Path, *words: str) -> str:
    """What the command says; called in this process, unless it wants devices, which a process has from its start."""
    if "--devices" in words:
        return run(folder, sys.executable, "-m", "backlit", *words)
    done = backlit(*words, folder=folder)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def blocks(text: str) -> str:
    found = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert found
    return "\n".join(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files that the README speaks of are."""
    folder = tmp_path_factory.mktemp("readme")
    rng = np.random.default_rng(0)
    area, north = rng.uniform(40, 200, 300), rng.random(300) < 0.5
    price = 2.5 * area + 50 * north + rng.normal(0, 5, 300)
    rows = [f"{a:.1f},{'north' if n else 'south'},{p:.2f}\n" for a, n, p in zip(area, north, price, strict=True)]
    for name, part in (("houses.csv", rows[:250]), ("test.csv", rows[250:]), ("new.csv", rows[250:])):
        (folder / name).write_text("area,place,price\n" + "".join(part), encoding="utf-8")
    return folder


def test_the_lines_of_python(folder: Path) -> None:
    printed = run(folder, sys.executable, "-c", blocks(README))
    assert "'r2': 0.9" in printed
    found = re.search(r"'accuracy': ([\d.]+)", printed)
    assert found is not None, printed
    assert float(found[1]) > 0.95
    assert "downstream" in printed  # the explanation
    assert (folder / "curves.png").stat().st_size > 0
    assert (folder / "runs" / "digits" / "network.json").is_file()


@pytest.mark.slow
def test_the_commands(folder: Path) -> None:
    commands = re.findall(r"^    backlit (.*)$", README, flags=re.MULTILINE)
    assert len(commands) == 8
    commands.remove("studio")  # which serves until it is stopped
    for command in commands:
        printed = said(folder, *shlex.split(command))
        assert printed.strip(), command


@pytest.mark.slow
def test_the_first_table(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    make, use = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    run(tmp_path, sys.executable, "-c", make)
    commands = re.findall(r"^    backlit (.*)$", text, flags=re.MULTILINE)
    assert len(commands) == 9
    printed = [said(tmp_path, *shlex.split(command)) for command in commands]
    (tmp_path / "job.toml").write_text(*re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL), encoding="utf-8")
    said(tmp_path, "train", "--config", "job.toml", "--epochs", "2", "--no-report")
    assert "∂L/∂(this value)" in (tmp_path / "pass.svg").read_text(encoding="utf-8")
    shown = re.findall(r"^    ((?:column|id|area|built|district) .*)$", text, flags=re.MULTILINE)
    assert len(shown) == 5
    for line in shown:  # the table on the page is the one that is printed
        assert line in printed[0], (line, printed[0])
    assert (tmp_path / "importance.png").stat().st_size > 0
    predicted = (tmp_path / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert predicted[0] == "id,area,built,district,prediction,lower,upper"
    assert len(predicted) == 201
    assert "'r2': 0.9" in run(tmp_path, sys.executable, "-c", use)


@pytest.mark.slow
def test_images(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "images.md").read_text(encoding="utf-8")
    make, films, use = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    run(tmp_path, sys.executable, "-c", make)
    commands = re.findall(r"^    backlit (.*)$", text, flags=re.MULTILINE)
    assert len(commands) == 6
    printed = [run(tmp_path, sys.executable, "-m", "backlit", *shlex.split(command)) for command in commands]
    assert "pictures of 16 × 16 × 3" in printed[0]
    found = re.search(r"^  accuracy +([\d.]+)", printed[4], flags=re.MULTILINE)
    assert found is not None, printed[4]
    assert float(found[1]) > 0.9
    predicted = (tmp_path / "found.csv").read_text(encoding="utf-8").splitlines()
    assert predicted[0].startswith("picture,prediction,probability_0,")
    assert len(predicted) == 98
    assert "'accuracy': 0.9" in run(tmp_path, sys.executable, "-c", use)
    assert float(run(tmp_path, sys.executable, "-c", films).split("'accuracy': ")[1].rstrip("}\n")) > 0.9


@pytest.mark.slow
def test_the_page_on_text(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "text.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    make, use, book, *others = code
    run(tmp_path, sys.executable, "-c", make)
    run(tmp_path, sys.executable, "-c", book)
    commands = re.findall(r"^    backlit (.*)$", text, flags=re.MULTILINE)
    printed = [run(tmp_path, sys.executable, "-m", "backlit", *shlex.split(command)) for command in commands]
    assert "naive Bayes, words" in printed[0]
    assert (tmp_path / "predictions.csv").stat().st_size > 0
    assert "'asyncio'" in run(tmp_path, sys.executable, "-c", use)
    assert printed[5].startswith("def ")
    for block in others:
        run(tmp_path, sys.executable, "-c", block)


@pytest.mark.slow
def test_the_first_series(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "series.md").read_text(encoding="utf-8")
    make, use = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    run(tmp_path, sys.executable, "-c", make)
    commands = re.findall(r"^    backlit (.*)$", text, flags=re.MULTILINE)
    assert len(commands) == 4
    printed = [said(tmp_path, *shlex.split(command)) for command in commands]
    assert "same as last week" in printed[0]
    (told,) = re.findall(r"^    (\d+ series, .*)$", text, flags=re.MULTILINE)
    assert told in printed[1]  # the notes are shown with the run
    predicted = (tmp_path / "next.csv").read_text(encoding="utf-8").splitlines()
    assert predicted[0] == "shop,date,prediction,lower,upper"
    assert len(predicted) == 1 + 3 * 7
    assert predicted[1].startswith("Gangnam,2025-07-01,")
    assert "shape: (21, 5)" in run(tmp_path, sys.executable, "-c", use)


@pytest.mark.slow
def test_the_page_on_transformers(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "transformers.md").read_text(encoding="utf-8")
    printed = run(tmp_path, sys.executable, "-c", blocks(text))
    assert "AttentionMap(6 steps; 0/body/2/attention/body/1/attend 2 heads)" in printed
    assert "the cat sat on the mat." in printed
    assert "0/body/3/attention" in printed  # the table of layers
    assert (tmp_path / "attention.png").stat().st_size > 0
    assert (tmp_path / "block.svg").read_text(encoding="utf-8").startswith("<")


@pytest.mark.slow
def test_more_than_one_device(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    losses = [float(line) for line in run(tmp_path, sys.executable, "-c", blocks(text)).split()]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[2] != pytest.approx(losses[0], rel=1e-4)
    assert losses[2] < 2 * losses[0]
    commands = re.findall(r"^    backlit (train .*)$", text, flags=re.MULTILINE)
    all_words = " ".join(commands)
    assert "--shard parameters" in all_words
    assert "--average-every 8" in all_words
    for command in commands:
        if "--devices" in command:
            words = shlex.split(command.replace("--epochs 20", "--epochs 2"))
            run(tmp_path, sys.executable, "-m", "backlit", *words, "--no-report")


@pytest.mark.slow
def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "several-inputs.md").read_text(encoding="utf-8")
    printed = run(tmp_path, sys.executable, "-c", blocks(text))
    shown = re.findall(r"^    (?=\S)(.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    assert len(shown) == 2
    for line in shown:
        assert line in printed, (line, printed)
    for column in ("loss", "kind_accuracy", "val_price_loss", "val_price_mae"):
        assert f"'{column}'" in printed, column
    assert "True ['kind'] {'kind': ['large', 'medium', 'small']}" in printed
    assert "Diagnosis(no findings)" in printed or "no findings" in printed
    assert printed.count("meta {") == 1
    assert (tmp_path / "network.svg").stat().st_size > 1000
    assert (tmp_path / "runs" / "several" / "report.html").is_file()


@pytest.mark.slow
def test_the_page_on_onnx(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "onnx.md").read_text(encoding="utf-8")
    printed = run(tmp_path, sys.executable, "-c", blocks(text))
    assert "setosa [[" in printed
    assert "\nTrue\n" in printed
    assert re.findall(r"^    (\('batch'.*)$", text, flags=re.MULTILINE)[0] in printed
    (command,) = re.findall(r"^    backlit (.*)$", text, flags=re.MULTILINE)
    told = said(tmp_path, *shlex.split(command))
    for line in re.findall(r"```text\n(.*?)```", text, flags=re.DOTALL)[0].splitlines():
        assert line in told, (line, told)


@pytest.mark.slow
def test_fine_tuning(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "fine-tuning.md").read_text(encoding="utf-8")
    printed = run(tmp_path, sys.executable, "-W", "ignore", "-c", blocks(text))
    assert "weight 8×3×3×1 frozen" in printed
    head, whole = map(float, printed.splitlines()[-1].split())
    assert 0.6 < head < 0.9 < whole
    assert (tmp_path / "digits.safetensors").stat().st_size > 0


@pytest.mark.slow
def test_coming_from_elsewhere(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "coming-from.md").read_text(encoding="utf-8")
    printed = run(tmp_path, sys.executable, "-W", "ignore", "-c", blocks(text))
    assert "Sequential(Linear(16), ReLU(), Linear(3))" in printed
    assert "weight 16×4 frozen" in printed
    assert float(printed.split("estimator ")[1].split()[0]) > 0.9
    rows = [line for line in text.splitlines() if re.match(r"\| .*\]\(#", line)]
    headings = {
        re.sub(r"[^a-z -]", "", h.lower()).replace(" ", "-") for h in re.findall("^## (.*)$", text, re.MULTILINE)
    }
    assert len(rows) == 10
    for row in rows:  # each leads to a block that was just run
        assert re.findall(r"\(#([a-z-]+)\)", row)[0] in headings, row


@pytest.mark.slow
def test_the_doctor_in_loops_of_ones_own(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "watch.md").read_text(encoding="utf-8")
    printed = run(tmp_path, sys.executable, "-W", "ignore", "-c", blocks(text))
    shown = re.findall(r"^    ((?:ALARM|  remedy) .*)$", text, flags=re.MULTILINE)
    assert len(shown) == 4
    for line in shown:
        assert line in printed, (line, printed)
    assert "<svg" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_seeing_inside(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "see-inside.md").read_text(encoding="utf-8")
    printed = run(tmp_path, sys.executable, "-c", blocks(text))
    shown = re.findall(
        r"^    (?!backlit|network, \[)(\S.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE
    )
    assert len(shown) == 9
    for line in shown:  # what the page says is printed
        assert line in printed, (line, printed)
    for name in ("graph.svg", "graph.png", "layers.svg", "neurons.png", "operations.svg"):
        assert (tmp_path / name).stat().st_size > 1000, name
    (tmp_path / "graph.svg").unlink()
    for command in re.findall(r"^    backlit (.*)$", text, flags=re.MULTILINE):
        assert said(tmp_path, *shlex.split(command)).strip()
    assert (tmp_path / "graph.svg").is_file()


@pytest.mark.slow
def test_the_page_on_the_doctor(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    printed = run(tmp_path, sys.executable, "-c", blocks(text))
    assert "softmax twice" in printed
    assert "0.3133" in printed
    assert printed.count("ALARM") == 3, printed
    assert "['unscaled inputs']" in printed, printed
    told = said(tmp_path, "diagnose", "runs/sick")
    assert "unscaled inputs" in told
    assert re.search(r"unscaled inputs +a first layer that standardises inputs \(Rescale\) .* kept", printed), printed
    assert "Rescale((" in printed
    commands = re.findall(r"^    backlit (.*)$", text, flags=re.MULTILINE)
    assert len(commands) == 2
    told = [said(tmp_path, *shlex.split(command)) for command in commands][-1]
    assert "mended run: runs/quick" in told
    assert (tmp_path / "runs" / "mended" / "network.json").is_file()


@pytest.mark.slow
def test_the_report(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    backlit (.*)$", text, flags=re.MULTILINE)
    assert len(commands) == 3
    printed = [said(tmp_path, *shlex.split(command)) for command in commands]
    assert "report.html" in printed[0]
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    run(tmp_path, sys.executable, "-c", block + "\nprint(page)")
    for page in ("runs/iris/report.html", "iris.html", "runs/copy/report.html"):
        assert "</html>" in (tmp_path / page).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_start_page(folder: Path) -> None:
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    printed = run(folder, sys.executable, "-c", blocks(text))
    found = re.search(r"'accuracy': ([\d.]+)", printed)
    assert found is not None, printed
    assert float(found[1]) > 0.95
    for name in ("curves.png", "activations.png", "graph.svg"):
        assert (folder / name).stat().st_size > 1000, name
    told = re.findall(r"^    (REMARK .*\n(?:      .*\n)+)", text, flags=re.MULTILINE)
    assert len(told) == 1
    for line in told[0].splitlines():  # what the doctor says on the page is what it says
        assert line.strip() in printed, (line, printed)
    assert "ALARM" not in printed
    commands = re.findall(r"^    (backlit .*)$", text, flags=re.MULTILINE)
    assert commands
    for command in commands:  # they are run with the README's
        assert f"    {command}\n" in README, command


@pytest.mark.slow
def test_the_page_on_extending(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    printed = run(tmp_path, sys.executable, "-c", blocks(text))
    assert "swish(x, beta)" in printed
    found = re.search(r"^(0\.\d+) \[", printed, flags=re.MULTILINE)
    assert found is not None, printed
    assert float(found[1]) > 0.9
    assert "no findings" in printed
    assert "too few updates: batches of 400 of 400 rows" in printed


def told(text: str) -> list[str]:
    """What a page says is printed."""
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.findall(r"^    (?!backlit)(\S.*)$", outside, flags=re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["datasets", "trackers"])
def test_the_pages_on_data_sets_and_trackers(tmp_path: Path, page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    printed = run(tmp_path, sys.executable, "-c", blocks(text))
    assert told(text)
    for line in told(text):
        assert line in printed, (line, printed)
    commands = re.findall(r"^    backlit (.*)$", text, flags=re.MULTILINE)
    assert commands
    for command in commands:
        assert run(tmp_path, sys.executable, "-m", "backlit", *shlex.split(command)).strip()
    found = {path.name.partition(".tfevents")[0] for path in (tmp_path / "logs").rglob("events*")}
    assert found == ({"events.out"} if page == "trackers" else set())


KOREAN = sorted(path.name for path in (ROOT / "docs").glob("*.ko.md"))


@pytest.mark.parametrize("page", KOREAN)
def test_a_korean_page_has_the_code_of_the_english_one(page: str) -> None:
    """So whatever runs there runs here: comments alone may differ."""
    korean, english = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in (page, page.replace(".ko.", ".")))
    python, indented = r"```python\n(.*?)```", r"^    (?=\S).*$"
    for ours, theirs in zip(
        re.findall(python, korean, flags=re.DOTALL), re.findall(python, english, flags=re.DOTALL), strict=True
    ):
        assert ast.dump(ast.parse(ours)) == ast.dump(ast.parse(theirs)), ours
    for pattern in (indented, r"^#+ ", r"^\|"):  # commands and what is printed; as many sections and rows
        ours, theirs = (
            re.findall(pattern, re.sub(python, "", text, flags=re.DOTALL), flags=re.MULTILINE)
            for text in (korean, english)
        )
        assert ours == theirs, page


def table_of(text: str) -> list[list[str]]:
    """Numbers of each row of a page's tables."""
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| |")]
    assert rows
    return [re.findall(r"\d[\d.]*%?", row) for row in rows]


NUMBER = r"\d+(?:\.\d+)?%?"


def told_together(row: list[str], results: str) -> bool:
    """Whether one section of the results has all numbers of a row."""
    sections = re.split(r"(?m)^(?=#{2,} )", results)
    return any(set(row) <= set(re.findall(NUMBER, section)) for section in sections)


def test_every_claim_of_the_readme_is_a_row_of_the_results() -> None:
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    for row in table_of(README):
        assert row
        assert told_together(row, results), row


def test_a_claim_that_nobody_measured_is_noticed() -> None:
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    planted = [
        [
            *row[:place],
            number.replace(digit := re.findall(r"\d", number)[-1], str((int(digit) + 1) % 10)),
            *row[place + 1 :],
        ]
        for row in table_of(README)
        for place, number in enumerate(row)
    ]
    noticed = [not told_together(row, results) for row in planted]
    assert len(planted) > 20
    assert sum(noticed) >= 0.8 * len(planted), [row for row, seen in zip(planted, noticed, strict=True) if not seen]


def test_the_korean_readme_says_what_the_english_one_says() -> None:
    korean = (ROOT / "README.ko.md").read_text(encoding="utf-8")
    assert ast.dump(ast.parse(blocks(korean))) == ast.dump(ast.parse(blocks(README)))
    assert list(map(set, table_of(korean))) == list(map(set, table_of(README)))
    for pattern in (r"^#+ ", r"^    (?:backlit|make|pip) \S+"):
        assert re.findall(pattern, korean, flags=re.MULTILINE) == re.findall(pattern, README, flags=re.MULTILINE)


@pytest.mark.slow
def test_the_picture_of_the_terminal_is_what_the_commands_say() -> None:
    drawn = html.unescape("".join(re.findall(r">([^<>]*)</text>", terminal.PICTURE.read_text(encoding="utf-8"))))
    drawn = re.sub(r"\s+", "", drawn)
    lines = terminal.session()
    told = [
        line
        for line in lines
        if line.startswith("$ ") or line.strip().startswith(("learning rate", "Updates", "remedy"))
    ]
    assert len(told) == 5
    rates = r"--lr[\d.]+$"  # to two digits, which processors may not share
    for line in told:
        assert re.sub(rates, "", re.sub(r"\s+", "", line)) in drawn, line
    scores = [float(line.split()[1]) for line in lines if line.startswith("  accuracy")]
    assert scores[0] < 0.5
    assert scores[1] > 0.95


PAGES = [
    "README.md",
    "README.ko.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]
MADE = ("glossary.md", "lessons/", "reference/")  # for the site, whose build follows these links


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    if page.startswith("docs/"):  # the site's strict build follows these
        links = [link for link in links if not link.startswith(MADE)]
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert not missing, f"{page} links to what isn't there: {missing}"
