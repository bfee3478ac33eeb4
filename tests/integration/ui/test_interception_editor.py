"""The editor in the window: write, try, save, share, delete and bring back; what ships is never touched."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from ai4artsed_desktop.domain.text_models import TextRequest
from ai4artsed_desktop.engine.interception_files import InterceptionDraft
from ai4artsed_desktop.ui.create.interception_editor import InterceptionEditor
from ai4artsed_desktop.ui.widgets.banner import Banner
from ai4artsed_desktop.ui.widgets.stage_view import StageState
from tests.conftest import RunInWindowLoop
from tests.support.fake_models import GOOD, TINY, FakeModels
from tests.support.ui_kit import nameless
from tests.support.ui_window import WindowWorld, open_window, press, type_into

Run = RunInWindowLoop[None]


def rules_in_brackets(request: TextRequest) -> str:
    return f"<{request.messages[0].content}>"


def opened_editor(opened: WindowWorld, action: str = "interception_new") -> InterceptionEditor:
    opened.window.actions_list.do(action)
    editor = opened.create.choices.library.editor
    assert editor is not None and editor.isVisible()
    return editor


def words_of(editor: InterceptionEditor) -> str:
    """Return what stands in the list of problems."""
    lines = (editor.problems.itemAt(i) for i in range(editor.problems.count()))
    widgets = (item.widget() for item in lines if item is not None)
    return "\n".join(label.text() for w in widgets if w is not None for label in w.findChildren(QLabel))


def write(editor: InterceptionEditor) -> None:
    type_into(editor.form.name, "Blue")
    type_into(editor.form.description, "All is blue.")
    editor.form.rules.replace_text("Make all blue. Output only the new text.")


def own_files(opened: WindowWorld) -> list[str]:
    return sorted(path.name for path in opened.world.paths.user_catalog.rglob("*.json"))


def test_a_new_interception_is_written_tried_saved_and_picked(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(answer=rules_in_brackets)) as opened:
            type_into(opened.create.idea.field, "A small boat")
            editor = opened_editor(opened)
            assert not editor.save_button.isEnabled() and "needs a name" in words_of(editor)
            assert editor.preview.sample.toPlainText() == "A small boat"
            write(editor)
            assert editor.save_button.isEnabled() and "No source is named" in words_of(editor)
            editor.preview.try_button.click()
            await opened.until(lambda: editor.preview.result.state is StageState.DONE)
            assert editor.preview.result.text_view.toPlainText() == "<Make all blue. Output only the new text.>"
            assert own_files(opened) == [], "trying saves nothing"
            editor.save_button.click()
            await opened.until(lambda: opened.create.choices.interception_id == "blue")
            assert editor.isHidden() and own_files(opened) == ["blue.json"]
            assert opened.create.choices.rules_box.text == "Make all blue. Output only the new text."
            assert opened.create.shown_run is None, "what was tried does not crowd the strip"

    run_in_window_loop(body)


def test_a_copy_of_a_shipped_one_keeps_both_languages(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.create.choices.pick_interception("dada")
            assert "interception_edit" not in {a.id for a in opened.window.actions_list.all()}
            editor = opened_editor(opened, "interception_copy")
            form = editor.form
            assert form.name.text() == "Dada (copy)" and "→" in form.examples.toPlainText()
            type_into(form.name, "Dada, louder")
            form.language.set_value("de")
            form.language.chosen.emit("de")
            assert form.name.text() == "Dada (Kopie)"
            type_into(form.name, "Dada, lauter")
            editor.save_button.click()
            await opened.until(lambda: opened.create.choices.interception_id != "dada")
            config = opened.create.choices.rules_box.config
            assert config is not None and config.name == {"en": "Dada, louder", "de": "Dada, lauter"}
            original = opened.world.engine.catalog.interception("dada").value
            assert config.examples == original.examples and config.meta == original.meta

    run_in_window_loop(body)


def test_an_own_one_is_edited_in_its_place_and_typed_text_survives_closing(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            editor = opened_editor(opened)
            write(editor)
            press(editor.form.name, Qt.Key.Key_Escape)
            assert editor.isHidden()
            opened_editor(opened)
            assert editor.form.name.text() == "Blue", "Esc by mistake costs nothing"
            editor.save_button.click()
            await opened.until(lambda: opened.create.choices.interception_id == "blue")
            opened_editor(opened, "interception_edit")
            editor.form.rules.replace_text("Make all red. Output only the new text.")
            editor.save_button.click()
            rules = opened.create.choices.rules_box
            await opened.until(lambda: rules.text == "Make all red. Output only the new text.")
            assert own_files(opened) == ["blue.json"]
            opened_editor(opened)
            assert editor.form.name.text() == "", "the next new one begins empty"

    run_in_window_loop(body)


def test_examples_without_an_arrow_are_named_while_typing(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            editor = opened_editor(opened)
            write(editor)
            editor.form.examples.replace_text("A boat -> A blue boat.\nA cat without an arrow")
            assert "A cat without an arrow" in words_of(editor) and not editor.save_button.isEnabled()
            editor.form.examples.replace_text("A boat -> A blue boat.\nA cat => A blue cat.")
            assert editor.save_button.isEnabled()
            pairs = editor.form.draft.content["examples"]["pairs"]
            assert pairs[1] == {"idea": "A cat", "text": "A blue cat."}
            editor.form.examples.replace_text("A boat -> A blue boat.")
            assert not editor.save_button.isEnabled(), "one example is no pattern"

    run_in_window_loop(body)


def test_a_draft_is_tried_with_the_model_chosen_and_can_be_stopped(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        models = FakeModels((GOOD, TINY), lambda _: "A blue boat sails over the quiet lake.")
        models.going_on.clear()
        async with open_window(app_home, models=models) as opened:
            editor = opened_editor(opened)
            write(editor)
            preview = editor.preview
            assert [preview.model.itemText(i) for i in range(preview.model.count())][:2] == [
                "As in the settings",
                "Good",
            ]
            preview.model.set_value(TINY.id)
            preview.try_button.click()
            await opened.until(lambda: bool(models.requests))
            assert models.requests[0][0] == TINY.id and models.requests[0][1].prompt is not None
            assert preview.try_button.text() == "Cancel"
            preview.try_button.click()
            await opened.until(lambda: preview.result.state is StageState.CANCELLED)
            assert preview.try_button.text() == "Try it"
            preview.sample.set_text("")
            preview.try_button.click()
            assert not preview.result.error_card.isHidden(), "an empty sample is refused in words"

    run_in_window_loop(body)


def test_a_deleted_one_is_brought_back_by_its_banner(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            editor = opened_editor(opened)
            write(editor)
            editor.save_button.click()
            await opened.until(lambda: opened.create.choices.interception_id == "blue")
            opened.window.actions_list.do("interception_delete")
            box = opened.create.choices.rules_box
            await opened.until(lambda: bool(box.findChildren(Banner)) and own_files(opened) == [])
            banner = box.findChildren(Banner)[0]
            assert "Blue" in banner.words.text()
            next(b for b in banner.findChildren(QPushButton) if b.text() == "Bring it back").click()
            await opened.until(lambda: own_files(opened) == ["blue.json"])
            await opened.until(lambda: opened.create.choices.rules_box.config is not None)

    run_in_window_loop(body)


def test_a_dropped_interception_is_taken_in_and_other_json_is_text(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            shared, other, broken = (app_home / name for name in ("shared.json", "other.json", "broken.json"))
            content = {
                **InterceptionDraft().content,
                "name": {"de": "Geteilt"},
                "description": "x",
                "context": "Only x.",
            }
            put(shared, json.dumps(content))
            put(other, '{"poem": "a red apple"}')
            put(broken, json.dumps({**content, "secret": 1}))
            opened.window.take_files([str(shared)])
            await opened.until(lambda: opened.create.choices.interception_id == "shared")
            opened.window.take_files([str(other)])
            await opened.until(lambda: "red apple" in opened.create.idea.text)
            opened.window.take_files([str(broken)])
            await opened.until(lambda: not opened.window.error_card.isHidden())
            assert own_files(opened) == ["shared.json"]

    run_in_window_loop(body)


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_menu_offers_what_is_possible_and_everything_has_a_name(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.create.choices.pick_interception("telephone_game")
            choices = opened.create.choices
            menu = choices.library.menu_for(choices.rules_box.menu_button)
            enabled = {action.text(): action.isEnabled() for action in menu.actions()}
            menu.deleteLater()
            assert enabled == {
                "New interception …": True,
                "Copy as my own …": False,
                "Edit …": False,
                "Share interception as a file …": True,
                "Take in a shared interception …": True,
                "Delete": False,
            }
            editor = opened_editor(opened)
            assert not nameless(editor)

    run_in_window_loop(body)
