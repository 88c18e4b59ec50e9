"""Numbers: a weight, a unit, an input that is pulled, the notes' examples step by step."""

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
from playwright.sync_api import expect

from tests.studio.browser.watching import at_update, frame_numbers, shown, until
from tests.test_worked_examples import W2_AFTER


def click_edge(page, name):
    """A line may lie under others: it is clicked where it is, by its own element."""
    page.locator(f'[data-edge="{name}"]').dispatch_event("click")


def choose_row(page, row):
    page.locator('[data-do="row"]').fill(str(row))
    page.locator('[data-do="row"]').press("Enter")


def test_a_weight_is_upstream_times_local(page):
    page.locator('[data-do="epoch"]').click()
    until(page, "studio.store.state.frames.a?.update > 0")
    choose_row(page, 7)
    click_edge(page, "0/2/1")
    expect(page.locator('[data-told="upstream"]')).to_be_visible()
    told = page.evaluate("studio.store.state.explained.weight")
    assert told["downstream"] == pytest.approx(told["upstream"] * told["local"], rel=1e-9)
    assert told["value"] == pytest.approx(frame_numbers(page, "param/0/weight")[5], rel=1e-6)
    assert told["local"] == pytest.approx(page.evaluate("studio.store.state.data.arrays.plane.values[15]"), rel=1e-5)
    expect(page.locator(".lines")).to_contain_text("∂L/∂w")
    expect(page.locator('[data-wire="0/2/1"]')).to_have_class("edge chosen")


def test_the_optimizers_step_is_what_training_does_next(page):
    page.locator('[data-do="epoch"]').click()
    until(page, "studio.store.state.frames.a?.update > 0")
    click_edge(page, "0/2/1")
    until(page, "studio.store.state.explained?.weight")
    new = page.evaluate("studio.store.state.explained.weight.new")
    at = page.evaluate("studio.store.state.at.update")
    page.locator('[data-do="update"]').click()
    at_update(page, at + 1)
    assert frame_numbers(page, "param/0/weight")[5] == pytest.approx(new, rel=1e-5)


def test_of_several_rows_the_gradient_is_a_mean_and_no_product(page):
    click_edge(page, "0/0/0")
    expect(page.locator('[data-told="downstream"]')).to_be_visible()
    expect(page.locator('[data-told="upstream"]')).to_have_count(0)
    page.locator('[data-do="take-row"]').click()
    expect(page.locator('[data-told="upstream"]')).to_be_visible()


def test_a_weight_is_set_by_hand(page):
    click_edge(page, "2/1/3")
    page.locator('[data-do="edit-value"]').fill("1.5")
    page.locator('[data-do="edit"]').click()
    until(page, "studio.store.state.frames.a.arrays['param/2/weight'].values[8 + 3] === 1.5")
    expect(page.locator('[data-told="weight"]')).to_have_text("1.5")


def test_a_unit_is_looked_at_and_frozen(page):
    page.locator('[data-unit="0/2"]').click()
    expect(page.locator("[data-unit-map]")).to_be_visible()
    shown(page, "[data-unit-map]")
    expect(page.locator(".weights [data-weight]")).to_have_count(2)
    expect(page.locator(".facts")).to_contain_text("Alive")
    page.locator('[data-do="freeze"]').click()
    expect(page.locator('[data-unit="0/2"]')).to_have_class("unit frozen")
    before = frame_numbers(page, "param/0/weight")
    page.locator('[data-do="epoch"]').click()
    until(page, "studio.store.state.frames.a.update > 0")
    after = frame_numbers(page, "param/0/weight")
    assert after[4:6] == before[4:6]
    assert after[0:2] != before[0:2]


def test_the_way_to_a_weight_by_keyboard(page):
    page.locator('[data-unit="0/0"]').focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator('[data-unit="0/1"]')).to_be_focused()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.unit").startswith("2/")
    page.keyboard.press("Enter")
    weight = page.locator('[data-weight="0"]')
    weight.focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-told="downstream"]')).to_be_visible()
    assert page.evaluate("studio.store.state.chosen.input") == 0


def test_a_row_is_chosen_on_the_plane_and_its_values_are_at_the_units(page):
    place = page.evaluate(
        """() => {
          const {data} = studio.store.state;
          const box = document.querySelector("[data-plane=a]").getBoundingClientRect();
          const share = (axis) => {
            const [low, high] = data.range[axis];
            return (data.arrays.plane.values[2 * 5 + axis] - low) / (high - low);
          };
          return {x: share(0) * box.width, y: (1 - share(1)) * box.height};
        }"""
    )
    page.locator("[data-plane=a]").click(position=place)
    expect(page.locator('[data-do="row"]')).not_to_have_value("")
    page.locator('[data-unit="0/2"]').click()
    expect(page.locator('[data-value="0/2"]')).not_to_be_empty()


def test_an_input_is_pulled_and_the_change_flows_forward(page):
    choose_row(page, 3)
    slider = page.locator('[data-do="pull-0"]')
    slider.focus()
    slider.press("End")
    until(page, "studio.store.state.pulled")
    high = page.evaluate("studio.store.state.pulled.output.values")
    slider.press("Home")
    until(page, "Math.abs(studio.store.state.pulled.inputs[0] - studio.store.state.data.range[0][0]) < 0.01")
    assert page.evaluate("studio.store.state.pulled.output.values") != high
    expect(page.locator(".pull .flow tr")).to_have_count(3)
    expect(page.locator(".pull")).to_contain_text("It says:")
    page.locator('[data-do="let-go"]').click()
    expect(page.locator(".pull .flow")).to_have_count(0)


def walk_to_the_end(page, example):
    page.locator('[data-mode="walk"]').click()
    page.locator(f'[data-example="{example}"]').click()
    until(page, f"studio.store.state.walk?.example === '{example}'")
    page.locator('[data-do="next"]').click()
    expect(page.locator(".walk-step")).to_contain_text("Forward pass")
    while page.locator('[data-do="next"]').is_enabled():
        page.locator('[data-do="next"]').click()


def test_w1_forward_and_backward(page):
    walk_to_the_end(page, "W1")
    assert page.locator(".value.forward").all_text_contents() == ["−2", "5", "−4", "3", "−12"]
    assert page.locator(".value.backward").all_text_contents() == ["−4", "−4", "3", "−4", "1"]
    expect(page.locator(".walk-step")).to_contain_text("∂f/∂y")
    page.locator('[data-do="back"]').click()
    assert page.locator(".value.backward").count() == 4
    page.locator('[data-do="first"]').click()
    assert page.locator(".value.backward").count() == 0


def test_w2_forward_backward_and_the_new_weights(page):
    walk_to_the_end(page, "W2")
    values = page.locator(".value.forward").all_text_contents()
    assert values == ["0.1", "0.2", "0.52", "0.5275", "0.6094", "0.6638"]  # the notes' forward pass
    weights = [float(text.replace("−", "-")) for text in page.locator(".wire-weight.updated").all_text_contents()]
    after = sorted(float(f"{weight:.4g}") for weight in np.concatenate(list(W2_AFTER.values()), axis=None))
    assert sorted(weights) == pytest.approx(after)


def test_ones_own_network_step_by_step(page):
    page.evaluate("studio.session.configure({network: {layers: [{units: 3}]}})")
    until(page, "studio.store.state.layers.length === 3")
    page.locator('[data-mode="walk"]').click()
    page.locator('[data-example="own"]').click()
    expect(page.locator(".node")).to_have_count(7)
    page.locator('[data-do="last"]').click()
    expect(page.locator(".value.backward").first).to_be_visible()


def test_a_units_values_are_a_histogram(page):
    page.locator('[data-unit="0/1"]').click()
    bars = page.locator("[data-unit-histogram] rect")
    expect(bars.first).to_be_visible()
    counts = page.evaluate("studio.store.state.explained.unit.histogram")
    assert sum(counts) == page.evaluate("studio.store.state.data.rows")
    expect(bars).to_have_count(sum(count > 0 for count in counts))
    expect(page.locator("[data-unit-histogram] .here")).to_have_count(0)
    page.evaluate("studio.chooseRow(3)")
    expect(page.locator("[data-unit-histogram] .here")).to_have_count(1)
