"""Texts in the studio: how they are read, learned, written on, and explained step by step."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest

from backlit.data.text import reading
from backlit.errors import InputError
from backlit.graph import tree
from backlit.languages import Template
from backlit.studio import faults, through_time, writing
from backlit.studio.answers import answer
from backlit.studio.checking import check
from backlit.studio.reading import look
from backlit.studio.session import Session
from backlit.studio.sharing import link_of, state_of
from backlit.studio.state import MOST_TYPED, State
from backlit.studio.texts import MOST_CHARACTERS, MOST_LETTERS, OTHER, examples, read
from backlit.studio.wire import packed, unpacked

CELLS = ("rnn", "lstm", "gru")
TRAINING = {"engine": "numpy", "rate": 0.05}
PROSE = "the cat sat on the mat and the rat ate the oats " * 6


def begun(kind: str = "rnn", units: int = 6, data: dict[str, object] | None = None, **training: object) -> Session:
    layers = [{"kind": kind, "units": units}]
    state = {"data": data or {"name": "hello"}, "network": {"layers": layers}, "training": TRAINING | training}
    return Session(State.from_dict(state))


def ask(session: Session, asked: str, arrays: dict[str, np.ndarray] | None = None, /, **parts: object) -> dict:
    replies = answer(session, {"type": asked, **parts}, arrays)
    for reply in replies:
        check(reply.message, "tell")
        unpacked(packed(reply.message, reply.arrays or {}))
    return replies[0].message | (replies[0].arrays or {})


def refused(session: Session, asked: str, arrays: dict[str, np.ndarray] | None = None, /, **parts: object) -> str:
    message = ask(session, asked, arrays, **parts)
    assert message["type"] == "error"
    return message["what"]["en"]


def framed(session: Session) -> dict:
    reply = session.frame()
    check(reply.message, "tell")
    return reply.message | (reply.arrays or {})


def bits(session: Session) -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in tree.leaves(session.first.timeline.network.params)]


# ------------------------------------------------------------------------------------------------ data


def test_hello_is_the_one_hot_vectors_of_the_notes() -> None:
    x, y, targets = examples("hello")
    assert x.tolist() == [[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]]]
    assert y.tolist() == [[1, 2, 2, 3]]
    assert targets.tokenizer.tokens == ("h", "e", "l", "o")
    data = ask(begun(), "configure", state={})
    assert data["type"] == "state"


def test_windows_cover_all_of_the_text() -> None:
    reading = read("abcdefghijk", 4)
    assert [reading.window(row) for row in range(len(reading.starts))] == ["abcde", "efghi", "ghijk"]
    assert read("ab").steps == 1


def test_other_scripts_are_letters_like_any() -> None:
    session = begun(data={"name": "text", "text": "안녕하세요 🙂👍 안녕"})
    data = answer(session, {"type": "hello", "version": 1})[2].message
    assert data["task"] == "text"
    assert data["classes"] == ["안", "녕", "하", "세", "요", " ", "🙂", "👍"]
    composed = read("한" * 2 + "글")  # jamo that were typed one by one
    assert composed.text == "한한글"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "the text is empty: give at least two characters"),
        (" \n ", "the text is empty: give at least two characters"),
        ("a", "the text has one character, 'a': give at least two, so that one follows another"),
        ("aaaa", "all 4 characters of the text are 'a': there is nothing to tell apart"),
        ("ab\0", "what was typed in isn't text: character 3 is the control character U+0000"),
        ("ab" * MOST_TYPED, "data: a text of 4,000 characters is too long to be typed in, where 2,000 are the most"),
    ],
)
def test_texts_that_can_not_be_learned(text: str, error: str) -> None:
    session = begun()
    before = bits(session)
    assert error in refused(session, "configure", state={"data": {"name": "text", "text": text}})
    assert bits(session) == before


def sent(data: bytes) -> dict[str, np.ndarray]:
    return {"file": np.frombuffer(data, np.uint8)}


def test_an_error_of_a_file_is_told_in_each_language(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise InputError(Template("{path} is odd; save it as CSV", "{path}{은/는} 이상합니다").say(path=str(path)))

    monkeypatch.setattr(reading, "read_as_told", refuse)
    told = ask(begun(), "upload", sent(b"hello"), name="a.txt", kind="text")["what"]
    assert told == {"en": "a.txt is odd; save it as plain text", "ko": "a.txt는 이상합니다"}


def test_what_was_written_before_a_change_by_hand_is_still_told() -> None:
    session = begun("lstm", 8, rate=0.03)
    ask(session, "look", panels=["text"])
    for _ in range(30):
        ask(session, "step", updates=1)
        framed(session)
    log = framed(session)["text"]["log"]
    assert len(log) > 2
    ask(session, "rate", value=0.01)
    assert framed(session)["text"]["log"][: len(log)] == log
    ask(session, "edit", place="1/bias[0]", value=50.0)  # from here on it writes one letter
    changed = framed(session)["text"]
    assert changed["now"] == "hhhhh"
    assert changed["log"] == [*[one for one in log if one[0] < 30], [30, "hhhhh"]]
    ask(session, "seek", update=20)
    ask(session, "freeze", layer="0", unit=1, on=True)
    ask(session, "step", updates=15)
    framed(session)
    assert [one for one in framed(session)["text"]["log"] if one[0] < 20] == [one for one in log if one[0] < 20]
    assert all(update <= 20 or update == 35 for update, _ in framed(session)["text"]["log"])


def test_a_text_file_in_its_own_encoding() -> None:
    session = begun()
    told = ask(session, "upload", sent("가나다라 마바사 ".encode("cp949") * 20), name="글.txt", kind="text")
    assert (told["type"], told["rows"]) == ("uploaded", 180)
    state = ask(session, "configure", state={"data": {"name": "file", "file": told["file"], "steps": 10}})
    assert "read as CP949" in state["notes"][0]["en"]
    assert "길이 10인 구간 18개" in state["notes"][0]["ko"]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "a.txt is empty"),
        (
            b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
            "a.txt isn't what its name says: it is a picture; save it as plain text",
        ),
        (bytes(range(256)) * 40, "a.txt isn't text"),
        (b"x", "the text has one character"),
    ],
)
def test_files_that_are_no_texts(data: bytes, error: str) -> None:
    assert error in refused(begun(), "upload", sent(data), name="a.txt", kind="text")


def test_long_texts_and_many_letters_are_bounded_and_it_is_said() -> None:
    session = begun()
    text = "".join(chr(0xAC00 + i % 300) for i in range(MOST_CHARACTERS + 5000))
    told = ask(session, "upload", sent(text.encode()), name="a.txt", kind="text")
    state = ask(session, "configure", state={"data": {"name": "file", "file": told["file"]}})
    assert "the first 20,000 of 25,000 characters are learned" in state["notes"][0]["en"]
    assert "101 rare characters are taken for one" in state["notes"][0]["en"]
    letters = session.first.timeline.rows.reading.letters
    assert len(letters) == MOST_LETTERS
    assert OTHER in letters


def test_a_replacement_character_of_the_text_is_a_letter_and_no_rare_ones() -> None:
    session = begun(data={"name": "text", "text": f"a{OTHER}b"})
    told = answer(session, {"type": "hello", "version": 1})[1].message
    assert "rare" not in told["notes"][0]["en"]
    assert "different characters: 3" in told["notes"][0]["en"]


# ------------------------------------------------------------------------------------------------ training


@pytest.mark.parametrize("kind", CELLS)
def test_it_learns_to_write_hello_and_a_network_without_state_does_not(kind: str) -> None:
    session, alone = begun(kind, 8), begun("linear", 8)
    for one in (session, alone):
        ask(one, "look", panels=["text"])
        ask(one, "step", updates=150)
    assert framed(session)["text"]["now"] == "hello"
    loss = framed(alone)["loss"]
    assert np.log(2) / 2 < loss < np.log(2) / 2 + 0.02  # after l comes l or o, half each
    assert framed(alone)["text"]["now"] != "hello"


@pytest.mark.parametrize("kind", CELLS)
def test_back_and_forth_and_a_changed_rate_bit_for_bit(kind: str) -> None:
    session = begun(kind, data={"name": "text", "text": PROSE}, batch=4)
    ask(session, "step", updates=7)
    at_seven, curves = bits(session), np.array(session.first.timeline.curves.loss)
    ask(session, "step", updates=9)
    ask(session, "seek", update=7)
    assert bits(session) == at_seven
    assert np.array_equal(session.first.timeline.curves.loss[:7], curves)
    ask(session, "rate", value=0.3)
    ask(session, "step", updates=5)
    changed = bits(session)
    ask(session, "seek", update=3)
    ask(session, "seek", update=12)
    assert bits(session) == changed


def test_a_share_of_right_characters_is_told_for_rows_held_back() -> None:
    session = begun(data={"name": "text", "text": PROSE, "steps": 12}, batch=4, held=0.25)
    for epochs in (0, 3):
        if epochs:
            ask(session, "step", epochs=epochs)
        accuracy = framed(session)["accuracy"]
        timeline = session.first.timeline
        held = timeline.held_rows.astype(bool)
        outputs = np.asarray(timeline.network(timeline.rows.x[held]))
        assert 0 < held.sum() < len(held)
        assert accuracy["held"] == pytest.approx((outputs.argmax(-1) == timeline.rows.y[held]).mean())


@pytest.mark.parametrize("network", [{"layers": [{"kind": "lstm", "units": 5}]}, {"word": "gru:4,4"}])
def test_the_code_that_is_copied_leads_to_the_same_bits(network: dict[str, object]) -> None:
    session = begun(data={"name": "text", "text": "한글과 {code} 'quoted'\nlines" * 3, "steps": 9}, batch=4)
    ask(session, "configure", state={"network": network})
    ask(session, "step", updates=6)
    ask(session, "rate", value=0.2)
    ask(session, "step", updates=4)
    told = ask(session, "code")
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(told["python"], names)  # noqa: S102
    assert [np.asarray(leaf).tobytes() for leaf in tree.leaves(names["network"].params)] == bits(session)


def test_a_network_without_steps_is_refused_for_a_text() -> None:
    assert "no output for each character" in refused(begun(), "configure", state={"network": {"word": "mlp:4"}})


def test_a_held_unit_keeps_all_its_gates() -> None:
    session = begun("gru", 3)
    before = {path: np.asarray(leaf) for path, leaf in tree.items(session.first.timeline.network.params)}
    ask(session, "freeze", layer="0", unit=1, on=True)
    ask(session, "step", updates=5)
    after = {path: np.asarray(leaf) for path, leaf in tree.items(session.first.timeline.network.params)}
    for path in ("0/weight", "0/bias", "0/recurrent/weight"):
        same = (before[path] == after[path]).reshape(9, -1).all(axis=1)
        assert same.tolist() == [False, True, False] * 3
    assert (before["0/recurrent/bias"] == after["0/recurrent/bias"]).tolist() == [False, True, False]


# ------------------------------------------------------------------------------------------------ writing


def test_what_it_writes_is_kept_by_update_and_cut_when_one_goes_back() -> None:
    session = begun("lstm", 8, rate=0.03)
    ask(session, "look", panels=["text"])
    for _ in range(40):
        ask(session, "step", updates=1)
        text = framed(session)["text"]
    assert text["now"] == "hello"
    updates = [update for update, _ in text["log"]]
    assert len(updates) > 1
    assert updates == sorted(updates)
    assert all(one[1] != other[1] for one, other in zip(text["log"], text["log"][1:], strict=False))
    ask(session, "seek", update=updates[-1] - 1)
    assert framed(session)["text"]["log"] == text["log"][:-1]


@pytest.mark.parametrize("kind", CELLS)
def test_writing_equals_reading_all_anew_at_each_character(kind: str) -> None:
    session = begun(kind, data={"name": "text", "text": PROSE}, batch=4)
    ask(session, "step", updates=30)
    network, reading = session.first.timeline.network, session.first.timeline.rows.reading
    steps = writing.write(network, reading.letters, "the c", 12)
    text = "the c"
    for step in steps:
        x = np.eye(len(reading.letters), dtype=np.float32)[reading.numbers(text)][None]
        logits = np.asarray(network.architecture(network.params, x))[0, -1].astype(np.float64)
        chances = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        assert step.letter == reading.letters[int(chances.argmax())]
        assert step.chance == pytest.approx(chances.max(), rel=1e-4)
        assert step.likeliest[0] == (step.letter, step.chance)
        text += step.letter


def test_temperature_draws_by_the_probabilities() -> None:
    random = np.random.default_rng(0)
    chances = np.array([0.7, 0.2, 0.1])
    for temperature in (0.5, 1.0, 2.0):
        drawn = [writing._drawn(chances, temperature, random) for _ in range(4000)]
        wanted = chances ** (1 / temperature)
        assert np.allclose(np.bincount(drawn, minlength=3) / 4000, wanted / wanted.sum(), atol=0.03)


def test_at_the_lowest_temperature_the_likeliest_is_drawn() -> None:
    random = np.random.default_rng(0)
    for temperature in (1e-310, 1e-30):
        assert [writing._drawn(np.array([0.2, 0.7, 0.1, 0.0]), temperature, random) for _ in range(20)] == [1] * 20


def test_what_is_typed_is_read_as_the_text_was() -> None:
    session = begun(data={"name": "text", "text": "caf\N{LATIN SMALL LETTER E WITH ACUTE}\ncaf"})
    said = ask(session, "say", start="cafe\N{COMBINING ACUTE ACCENT}\r\n", characters=1)
    assert said["text"].startswith("caf\N{LATIN SMALL LETTER E WITH ACUTE}\n")
    assert said["start"] == 5


def test_a_second_network_that_is_not_there_does_not_write() -> None:
    session = begun()
    told = ask(session, "say", start="h", side="b")
    assert told["what"]["en"] == "there is no second network; begin with compare"
    assert told["what"]["ko"].startswith("두 번째 신경망이 없습니다")


def test_say_goes_on_with_what_was_typed() -> None:
    session = begun()
    ask(session, "step", updates=100)
    said = ask(session, "say", start="hel", characters=2)
    assert (said["text"], said["start"], said["update"]) == ("hello", 3, 100)
    assert [step["letter"] for step in said["steps"]] == ["l", "o"]
    once, again, other = (ask(session, "say", start="h", temperature=3.0, seed=seed) for seed in (1, 1, 2))
    assert once["text"] == again["text"] != other["text"]


@pytest.mark.parametrize(
    ("start", "error"),
    [("", "say how the text begins"), ("hexl", "the network has never seen 'x'; it knows helo")],
)
def test_what_it_can_not_go_on_with(start: str, error: str) -> None:
    assert error in refused(begun(), "say", start=start)


def test_a_network_of_points_does_not_write() -> None:
    session = Session(State.from_dict({"data": {"rows": 40}, "training": TRAINING}))
    assert "this network learned no text" in refused(session, "say", start="a")


def test_a_network_that_diverged_says_so() -> None:
    session = begun()
    session.first.timeline._now.state["params"]["1"]["bias"][:] = np.nan
    assert "no numbers any more" in refused(session, "say", start="h")
    ask(session, "look", panels=["text", "reading"])
    assert framed(session)["text"]["now"] is None


# ------------------------------------------------------------------------------------------------ looking


@pytest.mark.parametrize("kind", CELLS)
def test_states_gates_and_probabilities_step_by_step(kind: str) -> None:
    torch = pytest.importorskip("torch")
    session = begun(kind, 5)
    ask(session, "step", updates=20)
    told, arrays = look(session.first.timeline, 0)
    assert told["text"] == list("hello")
    params = session.first.timeline.network.astype("float64").params
    x = torch.tensor(session.first.timeline.rows.x.astype(np.float64))
    own = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](4, 5, batch_first=True).double()
    bias = np.zeros(len(params["0"]["bias"]))
    if kind == "gru":
        bias[10:] = params["0"]["recurrent"]["bias"]
    own.weight_ih_l0.data = torch.tensor(params["0"]["weight"])
    own.weight_hh_l0.data = torch.tensor(params["0"]["recurrent"]["weight"])
    own.bias_ih_l0.data, own.bias_hh_l0.data = torch.tensor(params["0"]["bias"]), torch.tensor(bias)
    hidden = own(x)[0]
    logits = hidden @ torch.tensor(params["1"]["weight"]).T + torch.tensor(params["1"]["bias"])
    assert np.allclose(arrays["steps/0/hidden"], hidden[0].detach(), atol=1e-5)
    assert np.allclose(arrays["steps/output"], logits[0].softmax(-1).detach(), atol=1e-5)
    if kind == "lstm":
        f, i, o, g, c = (
            arrays[f"steps/0/{name}"] for name in ("forget_gate", "input_gate", "output_gate", "candidate", "cell")
        )
        assert np.allclose(c[1:], f[1:] * c[:-1] + i[1:] * g[1:], atol=1e-5)
        assert np.allclose(arrays["steps/0/hidden"], o * np.tanh(c), atol=1e-5)


def test_a_frame_has_the_row_and_the_gradient_by_step() -> None:
    session = begun("lstm", data={"name": "text", "text": PROSE, "steps": 8}, batch=4)
    ask(session, "look", panels=["text", "reading", "flow"])
    ask(session, "step", updates=3)
    session.row = 2
    frame = framed(session)
    assert frame["reading"]["row"] == 2
    assert "".join(frame["reading"]["text"]) == PROSE[16:25]
    assert frame["steps/0/forget_gate"].shape == (8, 6)
    assert len(frame["flow"][0]["steps"]) == 8
    assert "constant columns" not in {finding.name for finding in session.first.looks.diagnosis()}


@pytest.mark.parametrize("kind", [*CELLS, "linear"])
def test_a_weights_gradient_is_the_sum_over_steps_of_upstream_times_local(kind: str) -> None:
    session = begun(kind, 4, data={"name": "text", "text": PROSE, "steps": 6}, batch=3)
    ask(session, "configure", state={"network": {"layers": [{"kind": kind, "units": 4}, {"kind": kind, "units": 3}]}})
    ask(session, "step", updates=4)
    params = dict(tree.items(session.first.timeline.network.params))
    rng = np.random.default_rng(0)
    for path, leaf in params.items():
        rows = {int(r) for r in (0, len(leaf) - 1, *rng.integers(0, len(leaf), 2))}
        for row in rows:
            index = ",".join(map(str, (row, *([1] * (np.ndim(leaf) - 1)))))
            told = ask(session, "explain", weight=f"{path}[{index}]", row=1)["weight"]
            steps = told["through_time"]
            assert len(steps) == 6
            assert sum(step["product"] for step in steps) == pytest.approx(told["gradient"], abs=1e-12)
            assert all(s["product"] == pytest.approx(s["upstream"] * s["local"], abs=1e-15) for s in steps)
            batch = ask(session, "explain", weight=f"{path}[{index}]")["weight"]
            session.row = None
            assert sum(s["product"] for s in batch["through_time"]) == pytest.approx(batch["gradient"], abs=1e-12)
            assert batch["through_time"][0]["upstream"] is None


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "momentum"])
def test_the_step_that_is_told_is_the_step_that_is_made(optimizer: str) -> None:
    session = begun("lstm", 4, optimizer=optimizer, rate=0.5, dtype="float64")
    ask(session, "step", updates=3)
    weight = ask(session, "explain", weight="0/recurrent/weight[5,2]")["weight"]
    ask(session, "step", updates=1)
    made = session.first.timeline.network.params["0"]["recurrent"]["weight"][5, 2]
    assert weight["new"] == pytest.approx(made, rel=1e-9)
    assert weight["step"][-1].startswith("w ← w + u = ")


@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_the_step_that_is_told_has_the_penalty_and_what_is_held(penalty: str) -> None:
    session = begun("lstm", 4, optimizer="adam", rate=0.1, dtype="float64", penalty=penalty, strength=0.5)
    ask(session, "step", updates=3)
    ask(session, "freeze", layer="0", unit=1, on=True)
    free, held = (
        ask(session, "explain", weight=place)["weight"] for place in ("0/recurrent/weight[6,2]", "0/weight[5,2]")
    )
    ask(session, "step", updates=1)
    params = session.first.timeline.network.params["0"]
    assert free["new"] == pytest.approx(params["recurrent"]["weight"][6, 2], rel=1e-9)
    assert free["gradient"] == pytest.approx(sum(step["product"] for step in free["through_time"]), abs=1e-12)
    assert sum("λ" in line for line in free["step"]) == 1
    assert held["new"] == held["value"] == params["weight"][5, 2]
    assert held["note"]["en"] == "the unit is held: its weights stay as they are"
    assert free["note"]["en"] == ""


def test_symbols_are_those_of_the_formulas_with_unit_and_letter() -> None:
    session = begun("lstm", 4)
    symbol = [
        ask(session, "explain", weight=place)["weight"]["symbol"]
        for place in ("0/weight[0,1]", "0/recurrent/weight[6,2]", "0/bias[15]", "1/weight[3,2]")
    ]
    assert symbol == ["Wxi[1, e]", "Whf[3, 3]", "bo[4]", "Why[4, 3]"]
    of_gru = begun("gru", 4)
    symbol = [ask(of_gru, "explain", weight=p)["weight"]["symbol"] for p in ("0/weight[9,0]", "0/recurrent/bias[1]")]
    assert symbol == ["Wxn[2, h]", "bhn[2]"]


def test_a_unit_is_told_along_the_row_with_its_weights_by_gate() -> None:
    session = begun("lstm", 4)
    ask(session, "look", panels=["reading"])
    unit = ask(session, "explain", layer="0", unit=2, gate="forget_gate")["unit"]
    assert unit["gates"] == ["input_gate", "forget_gate", "candidate", "output_gate"]
    assert np.allclose(unit["series"], framed(session)["steps/0/hidden"][:, 2])
    assert [one["place"] for one in unit["weights"][:2]] == ["0/weight[6,0]", "0/weight[6,1]"]
    assert unit["weights"][4]["place"] == "0/recurrent/weight[6,0]"
    assert [one["name"] for one in unit["weights"][:4]] == list("helo")
    assert "layer '0' has the gates" in refused(session, "explain", layer="0", unit=2, gate="door")
    assert "there is no unit 9" in refused(session, "explain", layer="0", unit=9)
    assert "유닛 9가 없습니다" in ask(session, "explain", layer="0", unit=9)["what"]["ko"]
    assert "게이트는" in ask(session, "explain", layer="0", unit=2, gate="door")["what"]["ko"]


def test_the_doctor_speaks_of_hello_and_faults_are_such_as_do_harm() -> None:
    session = begun("lstm", 4)
    ask(session, "step", updates=3)
    assert ask(session, "doctor")["type"] == "findings"
    planted = set()
    for seed in range(30):
        assert ask(session, "break", seed=seed)["type"] == "state"
        planted.add(session.planted)
        assert session.told().message["layers"][1]["kind"] == "LSTM"
        assert ask(session, "guess", key=session.planted)["right"]
    assert planted.isdisjoint(faults.OF_ACTIVATIONS)
    assert len(planted) > 3


def test_other_messages_of_a_text_are_answered() -> None:
    session = begun("rnn", 2)
    ask(session, "step", updates=3)
    assert ask(session, "walk", row=0)["type"] == "walked"
    assert ask(session, "surface", grid=5)["loss"].shape == (5, 5)
    assert ask(session, "pull", inputs=[0.0] * 16)["type"] == "pulled"
    compare = ask(session, "compare", change={"network": {"layers": [{"kind": "gru", "units": 2}]}})["compare"]
    assert compare["note"]["en"] == "layers: 2 rnn → 2 gru"
    assert ask(session, "explain", weight="0/recurrent/bias[1]", side="b")["type"] == "explained"
    assert ask(session, "say", start="h", side="b")["type"] == "said"
    ask(session, "look", panels=["text"])
    assert framed(session)["text"]["other"]["now"].startswith("h")


def test_the_cell_and_the_unrolled_network_as_pictures() -> None:
    session = begun("lstm", 4)
    ask(session, "step", updates=3)
    cell = ask(session, "draw", depth="cell", step=2, row=0)
    assert (cell["title"], cell["update"]) == ("LSTM cell at step 2, of 4 units", 3)
    gates = look(session.first.timeline, 0)[1]["steps/0/forget_gate"][1]
    assert f"forget gate: {', '.join(f'{gate:.3g}' for gate in gates)}" in cell["svg"]
    assert ask(session, "draw", depth="time")["title"] == "Network unrolled over 4 steps"
    assert ask(session, "draw", depth="layers")["svg"].startswith("<svg")
    alone = begun("linear", 4)
    assert "is for a chain of layers" in refused(alone, "draw", depth="cell")


def test_where_nothing_measures_letters_there_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*args: object, **options: object) -> None:
        raise ImportError("matplotlib")

    monkeypatch.setattr("backlit.inspect.draw.draw", missing)
    assert "this picture can't be drawn here" in refused(begun(), "draw", depth="cell")


def test_a_link_holds_a_typed_text_and_leads_to_the_same_bits() -> None:
    session = begun("gru", 3, data={"name": "text", "text": PROSE, "steps": 9})
    ask(session, "step", updates=5)
    other = Session(state_of(link_of(session.state)))
    assert bits(other) != bits(session)
    other.seek(other.first.timeline.state.at)
    assert bits(other) == bits(session)


def test_layers_that_can_not_be_explained_by_step_are_named() -> None:
    session = begun()
    with pytest.raises(InputError, match="aren't explained step by step") as error:
        through_time.layer_at(session.first.timeline.network, "")
    assert "단계별로 설명하지 못합니다" in error.value.args[0].within("ko")
