"""What a person builds: data of several kinds, the network by + and − and by dragging, how it is trained."""

import re

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
from playwright.sync_api import expect
from typer.testing import CliRunner

import backlit as bl
from backlit.cli.main import app
from backlit.cli.studio import session_of
from backlit.studio.opening import first_of
from tests.studio.browser.serving import running_studio
from tests.studio.browser.watching import at_update, frame_numbers, shown, units_of, until

CSV = "width,height,kind\n" + "\n".join(
    f"{i / 10},{(i * 7) % 40 / 10},{'wide' if i % 2 else 'tall'}" for i in range(60)
)
NASTY = "<img src=x onerror=alert(1)>,b,kind\n" + "\n".join(
    f"{i},{i % 7},{'<b>one</b>' if i % 2 else 'two'}" for i in range(40)
)


def test_a_built_in_set_is_chosen_and_made_larger(page):
    page.locator('[data-set="xor"]').click()
    expect(page.locator('[data-set="xor"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator('[data-do="data-noise"]')).to_have_value("0.2")  # of `backlit.data.load("xor")`
    assert page.evaluate("studio.store.state.data.rows") == page.evaluate("studio.store.state.spec.data.rows")
    slider = page.locator('[data-do="data-rows"]')
    slider.focus()
    slider.press("End")
    until(page, "studio.store.state.data.rows === 2000")
    assert page.evaluate("studio.store.state.spec.data.name") == "xor"


def test_points_are_drawn_by_hand(page):
    page.locator('[data-do="draw"]').click()
    plane = page.locator("[data-plane=a]")
    for label, places in ((0, [(60, 60), (90, 80), (70, 110)]), (1, [(200, 200), (220, 180), (190, 230)])):
        page.locator(f'[data-brush="{label}"]').click()
        for x, y in places:
            plane.click(position={"x": x, "y": y})
    until(page, "studio.store.state.spec.data.name === 'points' && studio.store.state.data.rows === 6")
    labels = page.evaluate("Array.from(studio.store.state.data.arrays.y.values)")
    assert sorted(labels) == [0, 0, 0, 1, 1, 1]
    page.locator('[data-do="undo-point"]').click()
    until(page, "studio.store.state.data.rows === 5")


def test_points_are_put_down_by_keyboard(page):
    page.locator('[data-do="draw"]').press("Enter")
    for x, label in (("-1", 0), ("-0.5", 0), ("1", 1)):
        page.locator(f'[data-brush="{label}"]').press("Space")
        page.locator(".by-keys input[name=x]").fill(x)
        page.locator(".by-keys input[name=x]").press("Enter")
    until(page, "studio.store.state.data.rows === 3")
    assert [point[0] for point in page.evaluate("studio.store.state.spec.data.points")] == [-1, -0.5, 1]


def test_a_csv_is_shown_as_it_is_understood_and_learned_from(page):
    page.locator('[data-do="file"]').set_input_files(
        {"name": "shapes.csv", "mimeType": "text/csv", "buffer": CSV.encode()}
    )
    table = page.locator(".columns-table")
    expect(table.locator("tbody tr")).to_have_count(3)
    expect(table.locator("tbody tr").nth(0)).to_contain_text("width")
    until(page, "studio.store.state.spec.data.name === 'file'")
    until(page, "studio.store.state.data.columns.join() === 'width,height'")
    assert page.evaluate("studio.store.state.data.classes.toSorted()") == ["tall", "wide"]
    page.locator('[data-do="epoch"]').click()
    at_update(page, page.evaluate("studio.store.state.at.updates_per_epoch"))


DROP = """([place, name, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], name));
  const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
  document.querySelector(place).dispatchEvent(event);
  return event.defaultPrevented;
}"""


def test_a_file_is_dropped_and_its_inputs_are_chosen(page):
    rows = [f"{(i * 11) % 60 / 10},{line}" for i, line in enumerate(CSV.splitlines()[1:])]
    table = "\n".join(["depth,width,height,kind", *rows])
    assert page.evaluate(DROP, ["studio-network", "shapes.csv", table])  # beside it: the page isn't left for the file
    assert page.evaluate("studio.store.state.spec.data.name") == "moons"
    assert page.evaluate(DROP, [".drop", "shapes.csv", table])
    until(page, "studio.store.state.data.columns.join() === 'depth,width,height'")
    expect(page.locator("studio-output")).to_contain_text("a projection of 3 inputs")
    page.get_by_label("height as input").uncheck()
    until(page, "studio.store.state.data.columns.join() === 'depth,width'")
    expect(page.locator("studio-output")).not_to_contain_text("a projection")
    shown(page, "[data-plane=a]")


def test_names_from_a_file_stay_text(page):
    page.locator('[data-do="file"]').set_input_files(
        {"name": "<b>.csv", "mimeType": "text/csv", "buffer": NASTY.encode()}
    )
    expect(page.locator(".columns-table")).to_contain_text("<img src=x")
    until(page, "studio.store.state.spec.data.name === 'file'")
    expect(page.locator(".legend")).to_contain_text("<b>one</b>")
    assert page.locator(".columns-table img, .legend b").count() == 0


def test_a_broken_file_is_refused_in_words_and_nothing_is_lost(page):
    before = page.evaluate("JSON.stringify(studio.store.state.spec)")
    page.locator('[data-do="file"]').set_input_files(
        {"name": "broken.csv", "mimeType": "text/csv", "buffer": b"\x00\x01\x02" * 30}
    )
    expect(page.locator(".message.error")).to_be_visible()
    assert page.evaluate("JSON.stringify(studio.store.state.spec)") == before


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(page):
    most = page.evaluate("studio.store.state.limits.bytes")
    page.evaluate("studio.store.state.limits.bytes = 1000")
    page.locator('[data-do="file"]').set_input_files(
        {"name": "large.csv", "mimeType": "text/csv", "buffer": b"a,b\n" * 1000}
    )
    expect(page.locator(".message.error")).to_contain_text("large.csv has 4 kB; the studio takes 1 kB at most.")
    assert most > 1000


def test_layers_and_units_are_added_and_removed(page):
    before = units_of(page)
    page.locator('[data-layer="0"] [data-do="more-units"]').click()
    until(page, f"studio.store.state.layers[1].units === {before[1] + 1}")
    expect(page.locator('[data-unit^="0/"]')).to_have_count(before[1] + 1)
    page.locator('[data-layer="0"] [data-do="less-units"]').click()
    until(page, f"studio.store.state.layers[1].units === {before[1]}")
    page.locator('[data-do="more-layers"]').click()
    until(page, f"studio.store.state.layers.length === {len(before) + 1}")
    page.locator('[data-do="less-layers"]').click()
    until(page, f"studio.store.state.layers.length === {len(before)}")
    assert units_of(page) == before


def test_activation_dropout_and_initialisation_are_chosen(page):
    page.locator('[data-layer="0"] [data-do="activation"]').select_option("relu")
    until(page, "studio.store.state.spec.network.layers[0].activation === 'relu'")
    page.locator('[data-layer="0"] [data-do="dropout"]').select_option("0.2")
    until(page, "studio.store.state.spec.network.layers[0].dropout === 0.2")
    page.locator('[data-do="initializer"]').select_option("zeros")
    until(page, "studio.store.state.spec.network.initializer === 'zeros'")
    until(page, "studio.store.state.frames.a.arrays['param/0/weight'].values.every((value) => value === 0)")


def test_a_layer_is_dragged_to_another_place(page):
    page.locator('[data-layer="0"] [data-do="more-units"]').click()
    until(page, "studio.store.state.layers[1].units === 9")
    page.locator('[data-grip="0"]').drag_to(page.locator('[data-layer="1"]'))
    until(page, "studio.store.state.layers[2].units === 9")
    page.locator('[data-grip="1"]').press("ArrowLeft")
    until(page, "studio.store.state.layers[1].units === 9")
    expect(page.locator('[data-grip="0"]')).to_be_focused()


def test_a_network_word_builds_what_layers_cannot(page):
    page.locator('[data-do="word"]').select_option("residual:16,16")
    until(page, "studio.store.state.spec.network.word === 'residual:16,16'")
    expect(page.locator("img[data-scene]")).to_be_visible()  # as it is connected, not as columns
    assert page.locator(".unit").count() == 0
    page.locator('[data-do="word"]').select_option("")
    expect(page.locator('[data-layer="0"]')).to_be_visible()


def test_what_is_changed_before_the_session_has_answered_is_kept(page):
    chosen = """() => document.querySelectorAll('[data-do="activation"]').forEach((select) => {
      select.value = "relu";
      select.dispatchEvent(new Event("change"));
    })"""
    page.evaluate(chosen)  # one after the other, sooner than any answer
    until(page, "studio.store.state.spec.network.layers.every(({ activation }) => activation === 'relu')")
    until(page, "studio.store.state.askedNetwork === null")


def test_an_initialisation_that_is_not_listed_is_shown_as_it_is(page):
    page.evaluate(
        """() => studio.session.configure({network: {...studio.store.state.spec.network, initializer: "normal:0.5"}})"""
    )
    until(page, "studio.store.state.spec.network.initializer === 'normal:0.5'")
    expect(page.locator('[data-do="initializer"]')).to_have_value("normal:0.5")
    page.locator('[data-do="initializer"]').select_option("")
    until(page, "studio.store.state.spec.network.initializer === ''")


@pytest.mark.slow
def test_a_runs_folder_is_gone_on_with(open_page, tmp_path):
    """As `backlit studio RUN` begins: the network as it was trained, on its data, which goes on from there."""
    file, folder = tmp_path / "shapes.csv", tmp_path / "run"
    file.write_text(CSV)
    options = ["--target", "kind", "--network", "mlp:5", "--ensemble", "1", "--epochs", "3", "--engine", "numpy"]
    trained = CliRunner().invoke(app, ["train", str(file), *options, "--out", str(folder), "-q", "--no-report"])
    assert trained.exit_code == 0, trained.output
    with running_studio(session=session_of(folder, None, 0)) as address:
        page = open_page(address=address())
        assert units_of(page) == [2, 5, 2]
        first = first_of(bl.load(folder).network).params["0"]["weight"].reshape(-1).tolist()
        assert frame_numbers(page, "param/0/weight") == first
        before = page.evaluate("studio.store.state.at.update")
        page.locator('[data-do="update"]').click()
        at_update(page, before + 1)
        assert frame_numbers(page, "param/0/weight") != first


def test_training_is_set(page):
    for key, value in (("optimizer", "sgd"), ("batch", "64"), ("penalty", "l2"), ("held", "0.5")):
        page.locator(f'[data-do="{key}"]').select_option(value)
        until(page, f"String(studio.store.state.spec.training.{key}) === '{value}'")
    held = "studio.store.state.data.arrays.held.values.reduce((a, b) => a + b) / studio.store.state.data.rows"
    until(page, f"Math.abs({held} - 0.5) < 0.02")  # the rows follow the state, by another message


def test_a_network_that_cannot_be_built_is_refused_in_words(page):
    before = page.evaluate("JSON.stringify(studio.store.state.spec)")
    page.evaluate("studio.session.configure({network: {word: 'mlp:banana'}})")
    expect(page.locator(".message.error")).to_contain_text("banana")
    assert page.evaluate("JSON.stringify(studio.store.state.spec)") == before


def test_many_units_do_not_crowd_out_the_page(page):
    page.evaluate("studio.session.configure({network: {layers: [{units: 64}, {units: 64}]}})")
    expect(page.locator('[data-unit^="2/"]')).to_have_count(64)
    assert page.locator("[data-edge]").count() < 1400
    expect(page.get_by_text(re.compile("The 500 strongest of 4,096 weights are drawn."))).to_be_visible()
    shown(page, "[data-unit='2/63'] canvas")


def test_a_unit_is_carried_within_its_layer_and_to_another(page):
    def order(path):
        tops = page.locator(f'[data-unit^="{path}/"]').evaluate_all(
            "(units) => units.map(({dataset, offsetTop}) => [offsetTop, Number(dataset.unit.split('/').at(-1))])"
        )
        return [unit for _, unit in sorted(tops)]

    weights = page.evaluate("Array.from(studio.store.state.frames.a.arrays['param/0/weight'].values)")
    page.locator('[data-unit="0/5"]').drag_to(page.locator('[data-unit="0/1"]'))
    until(page, "studio.store.state.orders['0']?.indexOf(5) === 1")
    expect(page.locator("#announcements")).to_have_text("unit 6 is now in place 2 of 8")
    assert order("0") == [0, 5, 1, 2, 3, 4, 6, 7]
    assert page.evaluate("Array.from(studio.store.state.frames.a.arrays['param/0/weight'].values)") == weights
    page.locator('[data-unit="0/5"]').focus()
    page.keyboard.press("Alt+ArrowDown")
    until(page, "studio.store.state.orders['0'].indexOf(5) === 2")
    page.keyboard.press("ArrowDown")  # focus follows what is seen
    expect(page.locator('[data-unit="0/2"]')).to_be_focused()
    page.keyboard.press("Alt+ArrowRight")
    until(page, "studio.store.state.layers.map(({units}) => units).join() === '2,7,9,2'")
    page.locator('[data-unit="2/3"]').drag_to(page.locator('[data-unit="0/3"]'))
    until(page, "studio.store.state.layers.map(({units}) => units).join() === '2,8,8,2'")
