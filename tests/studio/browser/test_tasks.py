"""Tasks in the page: an exercise is solved, a teacher makes a link, a pupil opens it and can't go beyond it."""

import re

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
from playwright.sync_api import expect

from tests.studio.browser.test_everyone import serious, too_wide
from tests.studio.browser.watching import at_update, press_play, until


def begin(page, key):
    page.locator('[data-tab="exercises"]').click()
    page.locator(f'[data-exercise="{key}"]').click()
    until(page, f"studio.store.state.assignment?.key === '{key}'")


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ko"])
def test_xor_is_solved_by_a_hidden_layer(open_page, language):
    page = open_page(language)
    begin(page, "xor")
    task = page.locator("studio-task")
    expect(task.locator("h2")).to_be_focused()  # whoever chose it below is led to it
    expect(task.locator("h2")).to_be_in_viewport()
    verdict = task.locator('[data-told="verdict"]')
    expect(verdict).to_contain_text({"en": "Not yet: 1 of 2", "ko": "아직입니다. 조건 2개"}[language])
    task.locator('[data-do="hint"]').click()
    expect(task.locator(".help")).to_contain_text({"en": "straight line", "ko": "직선"}[language])
    expect(task).to_contain_text(
        {"en": "Lesson 2: backlit lesson linear", "ko": "레슨 2: backlit lesson linear"}[language]
    )
    page.locator('[data-do="more-layers"]').click()
    until(page, "studio.store.state.layers.length === 3")
    page.locator('[data-do="speed"]').select_option("100")
    press_play(page, 400)
    expect(verdict).to_have_text(re.compile({"en": "^Reached", "ko": "^달성"}[language]))
    expect(task.locator("h2")).to_contain_text("✓")
    expect(task.locator(".goals .met")).to_have_count(2)


def test_what_the_task_keeps_is_greyed_out_with_the_reason(page):
    begin(page, "xor")
    may = page.evaluate("studio.store.state.assignment.may")
    assert "units" in may
    assert not {"data", "optimizer", "weights"} & set(may)
    for control in ('[data-set="circles"]', '[data-do="draw"]', '[data-do="file"]', '[data-do="optimizer"]'):
        expect(page.locator(control)).to_be_disabled()
    expect(page.locator('fieldset[data-part="data"]')).to_have_attribute("aria-label", "This task keeps it as it is.")
    for control in ("more-layers", "update", "epoch"):
        expect(page.locator(f'[data-do="{control}"]')).to_be_enabled()
    assert page.locator('[data-do="difference"] option').evaluate_all(
        "(options) => options.map((option) => option.value)"
    ) == [key for key in ("rate", "optimizer", "activation", "initializer", "batch") if key in may]
    page.locator('[data-language="ko"]').click()
    expect(page.locator('fieldset[data-part="data"]')).to_have_attribute(
        "aria-label", "이 과제에서는 바꿀 수 없습니다."
    )
    page.locator('[data-do="leave-task"]').click()
    expect(page.locator("studio-task .task")).to_have_count(0)
    expect(page.locator('[data-do="optimizer"]')).to_be_enabled()
    page.locator('[data-set="circles"]').click()
    until(page, "studio.store.state.spec.data.name === 'circles'")


def test_what_the_task_keeps_is_refused_whatever_the_page_sends(page):
    begin(page, "xor")
    page.evaluate("studio.session.configure({data: {name: 'circles'}})")
    expect(page.locator(".message.error")).to_contain_text("this task keeps the data as it is")
    assert page.evaluate("studio.store.state.spec.data.name") == "xor"
    page.locator('[data-language="ko"]').click()
    page.evaluate("studio.session.configure({training: {...studio.store.state.spec.training, optimizer: 'sgd'}})")
    expect(page.locator(".message.error").last).to_contain_text("이 과제에서는 옵티마이저를 바꿀 수 없습니다")
    expect(page.locator('[data-do="optimizer"]')).to_have_value("adam")  # and shows what is so


def test_a_solution_is_shown_on_request(page):
    begin(page, "stop in time")
    assert page.locator('[data-do="see-solution"]').count() == 0
    page.locator('[data-do="solution"]').click()
    page.locator('[data-do="see-solution"]').click()
    at_update(page, 73)
    expect(page.locator('[data-told="verdict"]')).to_contain_text("Reached")
    page.locator('[data-do="restart-task"]').click()
    at_update(page, 0)


def test_a_task_begins_anew_with_the_network_it_had(page):
    task = {"goals": [{"of": "weights", "most": 20}], "start": {"network": {"layers": [{"units": 3}]}}}
    page.evaluate("task => studio.session.ask('assign', { task })", task)
    until(page, "studio.store.state.layers?.[1].units === 3")
    page.locator('[data-layer="0"] [data-do="more-units"]').click()
    until(page, "studio.store.state.layers[1].units === 4")
    page.locator('[data-do="restart-task"]').click()
    until(page, "studio.store.state.layers[1].units === 3")


def test_a_task_is_brought_back_with_what_was_done_in_it(page):
    begin(page, "xor")
    page.locator('[data-do="update"]').click()
    at_update(page, 1)
    until(page, "JSON.parse(localStorage.getItem('backlit-studio-kept'))?.state.at === 1")
    kept = page.evaluate("JSON.parse(localStorage.getItem('backlit-studio-kept'))")
    page.locator('[data-do="leave-task"]').click()  # as in a session that has begun anew
    expect(page.locator("studio-task .task")).to_have_count(0)
    page.locator('[data-set="circles"]').click()
    until(page, "studio.store.state.spec.data.name === 'circles'")
    page.evaluate("kept => studio.store.set({ kept })", kept)
    page.locator('[data-do="bring-back"]').click()
    until(page, "studio.store.state.assignment?.key === 'xor'")
    at_update(page, 1)


def test_a_teacher_makes_a_link_and_a_pupil_solves_it(open_page, studio):
    teacher = open_page()
    teacher.locator('[data-set="circles"]').click()
    until(teacher, "studio.store.state.spec.data.name === 'circles'")
    teacher.locator('[data-tab="exercises"]').click()
    teacher.locator('[data-do="for-a-class"]').click()
    teacher.locator('[data-do="task-title"]').fill("Few weights")
    teacher.locator('[data-do="task-text"]').fill("Reach it with <b>few</b> weights.")
    teacher.locator('[data-goal-number="0"]').fill("60")
    teacher.locator('[data-do="add-goal"]').click()
    teacher.locator('[data-goal-number="1"]').fill("30")
    for name in ("data", "optimizer", "loss", "seed"):
        teacher.locator(f'[data-may="{name}"]').uncheck()
    teacher.locator('[data-do="most-units"]').fill("16")
    teacher.locator('[data-do="pupils"]').fill("12")
    teacher.locator('[data-do="make-link"]').click()
    made = teacher.locator('[data-made="link"]')
    expect(made).to_contain_text("#%7B")
    expect(teacher.locator('[data-made="command"]')).to_contain_text(
        "backlit studio --host 0.0.0.0 --pupils 12 --state "
    )
    assert serious(teacher) == []
    link = made.inner_text().partition("#")[2]
    teacher.keyboard.press("Escape")
    expect(teacher.locator("dialog[open]")).to_have_count(0)

    pupil = open_page(address=f"{studio()}#{link}")
    task = pupil.locator("studio-task")
    expect(task.locator("h2")).to_contain_text("Few weights")
    expect(task.locator(".task-text")).to_have_text("Reach it with <b>few</b> weights.")
    assert task.locator(".task-text b").count() == 0
    expect(task.locator('[data-told="may"]')).not_to_contain_text("optimizer")
    until(pupil, "studio.store.state.spec.data.name === 'circles'")
    pupil.locator('[data-layer="0"] [data-do="more-units"]').click()
    expect(pupil.locator(".message.error")).to_contain_text("at most 16 hidden units; that would be 17")
    pupil.locator('[data-do="less-layers"]').click()
    until(pupil, "studio.store.state.layers.length === 3")
    for units in (7, 6):
        pupil.locator('[data-layer="0"] [data-do="less-units"]').click()
        until(pupil, f"studio.store.state.layers[1].units === {units}")
    few = task.locator(".goals li").nth(1)
    expect(few.locator('[data-told="goal-now"]')).to_contain_text("32")  # 18 + 14 weights
    expect(few).not_to_have_class("met")
    pupil.locator('[data-layer="0"] [data-do="less-units"]').click()
    until(pupil, "studio.store.state.layers[1].units === 5")
    pupil.locator('[data-do="speed"]').select_option("100")
    press_play(pupil, 300)
    expect(task.locator('[data-told="verdict"]')).to_contain_text("Reached")
    pupil.reload()  # the task is still there, and not begun anew
    until(pupil, "studio.store.state.at?.update >= 300")
    expect(pupil.locator("studio-task h2")).to_contain_text("✓")


def test_a_task_by_keyboard_alone(page):
    page.locator('[data-tab="exercises"]').focus()
    page.keyboard.press("Enter")
    page.locator('[data-exercise="rate too high"]').press("Enter")
    until(page, "studio.store.state.assignment?.key === 'rate too high'")
    page.locator('[data-do="for-a-class"]').press("Enter")
    expect(page.locator("dialog[open]")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator('[data-do="hint"]').press("Enter")
    expect(page.locator('[data-do="hint"]')).to_have_attribute("aria-expanded", "true")


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_tasks_have_no_serious_fault_by_axe_and_nothing_sticks_out(open_page, language, size):
    page = open_page(language, size, color_scheme="dark" if language == "ko" else "light")
    begin(page, "vanishing gradients")
    page.locator('[data-do="hint"]').click()
    page.locator('[data-do="solution"]').click()
    expect(page.locator('[data-do="see-solution"]')).to_be_visible()
    expect(page.locator('[data-told="verdict"]')).not_to_be_empty()
    assert serious(page) == []
    assert not too_wide(page)
    page.locator('[data-do="for-a-class"]').click()
    expect(page.locator("dialog[open]")).to_be_visible()
    assert serious(page) == []
    assert not too_wide(page)
