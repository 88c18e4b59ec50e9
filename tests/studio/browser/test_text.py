"""A text in the studio, as a person has it: chosen or typed, learned, written on, unrolled, its gates and weights."""

import re

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
from playwright.sync_api import expect

from tests.studio.browser.test_everyone import serious, too_wide
from tests.studio.browser.watching import at_update, frame_numbers, press_play, shown, until

KOREAN = "나는 학교에 간다. 너는 집에 간다. 우리는 모두 간다. 🙂 나는 학교에 간다."


def read_hello(page, kind="rnn"):
    """Choose "hello", with another kind of layer if one likes."""
    page.locator('[data-set="hello"]').click()
    until(
        page,
        "studio.store.state.data?.task === 'text' && studio.store.state.frames.a?.reading?.text.join('') === 'hello'",
    )
    if kind != "rnn":
        page.locator('[data-do="kind"]').select_option(kind)
        until(page, f"studio.store.state.frames.a?.reading?.layers[0]?.kind === '{kind.upper()}'")


def learned(page, kind="rnn"):
    read_hello(page, kind)
    page.locator('[data-do="speed"]').select_option("20")
    press_play(page, 60)
    until(page, "studio.store.state.frames.a.text?.now === 'hello'")


def test_hello_is_learned_and_written(page):
    read_hello(page)
    expect(page.locator('[data-unit="input/0"]')).to_have_accessible_name("Input h")
    assert page.evaluate("studio.store.state.layers.map(({ kind }) => kind)") == ["input", "RNN", "Linear"]
    for _ in range(3):
        page.locator('[data-do="update"]').click()
    at_update(page, 3)
    learned(page)
    expect(page.locator('[data-written="a"]')).to_have_text("hello")
    rows = page.locator("[data-log]")
    expect(rows.first).to_be_visible()
    earlier = int(rows.last.get_attribute("data-log"))
    rows.last.click()  # back to where it wrote something else
    at_update(page, earlier)
    until(page, "studio.store.state.frames.a.text.now !== 'hello'")


def test_it_goes_on_with_what_a_person_types(page):
    learned(page)
    page.locator('[data-do="say-start"]').fill("hel")
    page.locator('[data-do="say-length"]').select_option("10")
    page.locator('[data-do="say-start"]').press("Enter")
    expect(page.locator("[data-said]")).to_contain_text("hello")
    expect(page.locator("#announcements")).to_contain_text("hello")
    page.get_by_text("Probability of each character").click()
    expect(page.locator(".chances tbody tr")).to_have_count(10)
    expect(page.locator(".chances tbody tr").first).to_contain_text("%")
    page.locator('[data-do="temperature"]').select_option("2")
    page.locator('[data-do="say"]').click()
    until(page, "studio.store.state.said.steps.some(({ letter, likeliest }) => letter !== likeliest[0][0])")
    page.locator('[data-do="say-start"]').fill("xyz")
    page.locator('[data-do="say"]').click()
    expect(page.locator(".message")).to_contain_text("never seen 'x' 'y' 'z'; it knows helo")


def test_the_network_unrolled_over_the_letters(page):
    learned(page)
    page.locator('[data-tab="unrolled"]').click()
    expect(page.locator("tr.inputs td .writing")).to_have_text(["h", "e", "l", "l"])
    expect(page.locator("tr.outputs .good")).to_have_count(4)
    expect(page.locator("tr.outputs td").nth(1)).to_contain_text("e")
    expect(page.locator("[data-gradients] .gradient > span")).to_have_count(4)
    shown(page, '[data-state="0/3"]')
    page.locator('[data-step="2"]').focus()
    page.keyboard.press("Enter")
    told = page.locator('[data-step-told="2"]')
    expect(told).to_contain_text("Step 3: reads l, then comes l")
    chances = page.evaluate("Array.from(studio.store.state.frames.a.arrays['steps/output'].values.subarray(8, 12))")
    assert abs(sum(chances) - 1) < 1e-5
    expect(told.locator("tbody tr").first).to_contain_text("l")


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_gates_with_a_number_for_each_square(page, kind):
    read_hello(page, kind)
    page.locator('[data-do="epoch"]').click()
    at_update(page, 1)
    page.locator('[data-tab="gates"]').click()
    name = {"lstm": "forget_gate", "gru": "update_gate"}[kind]
    canvas = page.locator(f'[data-gate="0/{name}"]')
    expect(canvas).to_be_visible()
    shown(page, f'[data-gate="0/{name}"]')
    expect(canvas).to_have_attribute("role", "application")  # it takes the arrow keys
    expect(canvas).to_have_accessible_name(re.compile("8 units over 4 steps"))
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    value = frame_numbers(page, f"steps/0/{name}")[2 * 8 + 1]
    told = page.locator('[data-told="gate"]')
    expect(told).to_contain_text("at step 3 (l), unit 2: ")
    assert float(told.text_content().rpartition(" ")[2]) == pytest.approx(value, abs=1e-4)
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + 3, box["y"] + box["height"] - 3)
    expect(told).to_contain_text("at step 1 (h), unit 8: ")
    page.get_by_text("Unit 8 in numbers").click()
    expect(page.locator(".gate-numbers tbody tr").first.locator("td")).to_have_count(4)
    page.locator('[data-do="draw-cell"]').click()
    expect(page.locator("[data-drawn]")).to_be_visible()
    until(page, "document.querySelector('[data-drawn]').naturalWidth > 300")


def test_a_weight_is_explained_step_by_step(page):
    read_hello(page, "lstm")
    page.locator('[data-do="epoch"]').click()
    at_update(page, 1)
    page.locator('[data-unit="0/1"]').click()
    expect(page.locator(".series td")).to_have_count(4)
    page.locator('[data-do="gate"]').select_option("forget_gate")
    page.locator('[data-place="0/recurrent/weight[9,2]"]').click()
    expect(page.locator("studio-numbers h2")).to_contain_text("Whf[2, 3]")
    rows = page.locator(".through-time tbody tr")
    expect(rows).to_have_count(4)
    weight = page.evaluate("studio.store.state.explained.weight")
    assert sum(step["product"] for step in weight["through_time"]) == pytest.approx(weight["gradient"], abs=1e-12)
    page.locator('[data-do="edit-value"]').fill("0.5")
    page.locator('[data-do="edit"]').click()
    until(page, "studio.store.state.frames.a.arrays['param/0/recurrent/weight'].values[9 * 8 + 2] === 0.5")


def test_a_line_of_the_network_is_a_weight_of_the_candidate(page):
    read_hello(page, "gru")
    page.locator('[data-edge="0/0/1"]').dispatch_event("click")
    expect(page.locator("studio-numbers h2")).to_contain_text("Wxn[1, e]")


def test_a_text_of_ones_own_and_what_is_no_text(page):
    page.locator('[data-set="text"]').click()
    box = page.locator('[data-do="own-text"]')
    expect(box).to_be_focused()
    box.fill("aaaa")
    page.locator('[data-do="learn-text"]').click()
    expect(page.locator(".message")).to_contain_text("there is nothing to tell apart")
    box.fill(KOREAN)
    page.locator('[data-do="learn-text"]').click()
    until(page, "studio.store.state.data?.task === 'text' && studio.store.state.data.classes[0] === '나'")
    page.locator('[data-do="window"]').fill("10")
    page.locator('[data-do="window"]').press("Enter")
    until(page, "studio.store.state.data.text.steps === 10")
    expect(page.locator('[data-told="text-note"]')).to_contain_text("windows of 10 characters")
    page.locator('[data-tab="unrolled"]').click()
    page.locator('[data-do="row-after"]').click()
    until(page, "studio.store.state.frames.a.reading?.row === 1")
    expect(page.locator("tr.inputs td .writing").nth(1)).to_have_text(KOREAN[11])
    page.locator('[data-set="moons"]').click()  # and back to points, with a network for them
    until(page, "studio.store.state.data.task === 'classification' && studio.store.state.layers[1].kind === 'Linear'")
    expect(page.locator('[data-tab="unrolled"]')).to_have_count(0)
    shown(page, "[data-plane=a]")


def test_a_text_file_and_a_file_that_is_none(page):
    chooser = page.locator('[data-do="file"]')
    chooser.set_input_files(
        {"name": "picture.txt", "mimeType": "text/plain", "buffer": b"\x89PNG\r\n\x1a\n" + bytes(200)}
    )
    expect(page.locator(".message")).to_contain_text("save it as plain text")
    chooser.set_input_files({"name": "book.txt", "mimeType": "text/plain", "buffer": b"to be or not to be, " * 20})
    until(page, "studio.store.state.data?.task === 'text' && studio.store.state.data.text.text.startsWith('to be')")
    page.locator('[data-do="update"]').click()
    at_update(page, 1)


def test_two_kinds_of_layer_side_by_side(page):
    read_hello(page)
    page.locator('[data-do="difference"]').select_option("kind")
    page.locator('[data-do="difference-value"]').select_option("linear")
    page.locator('[data-do="compare"]').click()
    expect(page.locator("[data-written]")).to_have_count(2)
    page.locator('[data-do="speed"]').select_option("20")
    press_play(page, 60)
    until(page, "studio.store.state.frames.a.text.now === 'hello'")
    expect(page.locator('[data-written="a"]')).to_have_text("hello")
    expect(page.locator('[data-written="b"]')).not_to_have_text("hello")  # without a state l is followed by l or o
    page.locator('[data-tab="unrolled"]').click()
    expect(page.locator("tr.outputs .good")).to_have_count(4)
    page.locator('[data-side="b"]').click()
    expect(page.locator("tr.outputs .bad")).to_have_count(1)
    expect(page.locator("tr.states")).to_have_count(0)
    page.locator('[data-tab="gates"]').click()
    expect(page.locator("studio-gates")).to_contain_text("no recurrent layer")


@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("ko", "phone")])
def test_texts_for_everyone(open_page, language, size):
    page = open_page(language, size, color_scheme="dark" if language == "ko" else "light")
    read_hello(page, "lstm")
    page.locator('[data-do="epoch"]').click()
    at_update(page, 1)
    page.locator('[data-do="say"]').click()
    until(page, "studio.store.state.said")
    for tab in ("unrolled", "gates"):
        page.locator(f'[data-tab="{tab}"]').click()
        expect(page.locator(f"studio-{tab} h2")).to_be_visible()
        assert serious(page) == [], tab
        assert not too_wide(page), tab
    page.locator('[data-unit="0/1"]').click()
    expect(page.locator(".series td")).to_have_count(4)
    assert serious(page) == []
    page.locator("[data-place]").first.click()
    expect(page.locator(".through-time")).to_be_visible()
    assert serious(page) == []
    assert not too_wide(page)
