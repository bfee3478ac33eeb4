"""What the Create page offers when there is no result, and what it shows of runs that work and wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.lora_files import DiskLoraFiles
from ai4artsed_desktop.adapters.model_folders import MediaModelFolders
from ai4artsed_desktop.domain.backend_errors import OutOfMemoryError
from ai4artsed_desktop.domain.chunks import Chunk
from ai4artsed_desktop.domain.errors import AppError, StorageError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.domain.services import ServiceState, ServiceStateChanged, ServiceView
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.lora import NoLoraPlaceError
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.ui.create.strength_strip import StrengthStripSheet
from ai4artsed_desktop.ui.widgets.basics import Button, Label
from ai4artsed_desktop.ui.widgets.picker import PickerSheet
from ai4artsed_desktop.ui.widgets.stage_view import StageState
from tests.conftest import RunInWindowLoop
from tests.support.fake_backend import FakeBackend
from tests.support.fake_models import FakeModels
from tests.support.pictures import lora_file, no_places
from tests.support.ui_media import picture_bytes
from tests.support.ui_window import WindowWorld, open_window, type_into

Run = RunInWindowLoop[None]
#: An interception that brings a LoRA for Stable Diffusion 1.5.
INKED = {
    "pipeline": "text_transformation",
    "name": {"en": "Inked"},
    "description": {"en": "Unchanged, in ink"},
    "meta": {"skip_interception": True, "loras": [{"name": "ink.safetensors"}], "is_ai": False},
}


class SmallCard(FakeBackend):
    """Has memory for 400 pixels and not for sound; shows a preview, and waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.going_on = asyncio.Event()
        self.going_on.set()

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        if int(request.parameters.get("width") or 401) > 400:
            raise OutOfMemoryError("out of memory", backend="ComfyUI", node="KSampler", kind="OutOfMemoryError")
        yield MediaProgress(0.5, node="KSampler", step=2, steps=4, preview=picture_bytes())
        await self.going_on.wait()
        async for update in super().generate(request):
            yield update


class Lacking(FakeBackend):
    """Cannot run anything, for one reason."""

    async def problem(self, chunk: Chunk) -> Reason | None:
        return self.reason


def loras_for_sd15(folder: Path) -> DiskLoraFiles:
    lora_file(folder / "loras" / "ink.safetensors", ss_base_model_version="sd_v1")
    settings = Settings(lora_folders=(folder / "loras",), comfyui_address="http://127.0.0.1:9")
    return DiskLoraFiles(MediaModelFolders(lambda: settings, no_places))


def offered(opened: WindowWorld) -> list[str]:
    card = opened.create.result.error_card
    doors = {card.details_button, card.copy_button}
    return [b.text() for b in card.findChildren(Button) if b not in doors and b.isVisibleTo(card)]


def press(opened: WindowWorld, words: str) -> None:
    card = opened.create.result.error_card
    next(b for b in card.findChildren(Button) if b.text() == words and b.isVisibleTo(card)).click()


@pytest.mark.parametrize(
    ("reason", "button", "page"),
    [
        (Reason("reason.comfyui_no_files", {"files": "a.safetensors"}), "Get the model files", "studio"),
        (Reason("reason.comfyui_not_reachable", {"address": "http://127.0.0.1:9"}), "Look at the services", "studio"),
        (Reason("reason.key_missing", {"provider": "OpenAI"}), "Enter a key", "settings"),
    ],
)
def test_what_cannot_run_is_called_by_its_name_and_leads_to_what_it_lacks(
    run_in_window_loop: Run, app_home: Path, reason: Reason, button: str, page: str
) -> None:
    async def body() -> None:
        lacking = Lacking(reason=reason)
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": lacking}) as opened:
            await opened.make("A red apple", "as_is", "sd15")
            await opened.ended()
            words = " ".join(label.text() for label in opened.create.result.error_card.findChildren(Label))
            assert "“Stable Diffusion 1.5” cannot run here." in words and "doctor" not in words
            assert offered(opened) == [button, "Choose another medium"]
            card = next(card for card in opened.create.choices.cards()[1] if card.id == "sd15")
            assert not card.runnable and card.fix == button, "the picker leads to the same place"
            press(opened, button)
            assert opened.window.stack.currentWidget() is opened.window.pages[page]

    run_in_window_loop(body)


def test_a_full_card_is_answered_with_a_smaller_size(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        backend = SmallCard()
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": backend}) as opened:
            await opened.make("A red apple", "as_is", "sd15")
            failed = await opened.ended()
            assert offered(opened) == ["Free memory and try again", "Use 384 × 384"]
            opened.create.result.error_card.details_button.click()
            opened.window.facts.changed.emit()
            assert opened.create.result.error_card.details_button.isChecked(), "what is being read stays open"
            press(opened, "Use 384 × 384")
            await opened.until(lambda: opened.shown is not failed)
            assert (await opened.ended()).state == "finished"
            assert opened.create.choices.requests()[0].parameters == {"width": 384, "height": 384}

    run_in_window_loop(body)


def test_the_output_that_failed_is_made_smaller_and_not_one_before_it(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        backend = SmallCard()
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": backend}) as opened:
            for side in ("width", "height"):
                opened.create.choices.values.put("sd15", side, 256)
            await opened.make("A red apple", "as_is", "sd15", "sdxl")
            failed = await opened.ended()
            assert [medium.output_id for medium in failed.media] == ["sd15"]
            assert offered(opened) == ["Free memory and try again", "Use 768 × 768"]
            press(opened, "Use 768 × 768")
            await opened.until(lambda: opened.shown is not failed)
            sizes = [dict(output.parameters) for output in (await opened.ended()).request.outputs]
            assert sizes == [{"width": 256, "height": 256}, {"width": 768, "height": 768}]

    run_in_window_loop(body)


def test_a_failed_output_without_a_size_is_not_helped_by_a_smaller_one_behind_it(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        backend = SmallCard()
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": backend}) as opened:
            await opened.make("A red apple", "as_is", "stable_audio_open", "sd15")
            assert (await opened.ended()).media == []
            assert offered(opened) == ["Free memory and try again", "Choose another medium"]

    run_in_window_loop(body)


def test_memory_is_freed_before_the_same_is_tried_again(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": SmallCard()}) as opened:
            await opened.make("A red apple", "as_is", "sd15")
            failed = await opened.ended()
            press(opened, "Free memory and try again")
            await opened.until(lambda: opened.shown is not failed)
            again = await opened.ended()
            assert again.request.seed == failed.request.seed and again.request.outputs == failed.request.outputs

    run_in_window_loop(body)


def test_what_failed_is_tried_again_even_if_another_run_is_in_sight_by_then(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": SmallCard()}) as opened:
            await opened.make("A green apple")
            other = await opened.ended()
            await opened.make("A red apple", "as_is", "sd15")
            failed = await opened.ended()
            press(opened, "Free memory and try again")
            opened.create.show_run(other.run_id)
            await opened.until(lambda: opened.shown is not other)
            again = await opened.ended()
            assert again.request.text == "A red apple" and again.request.seed == failed.request.seed
            assert again.request.outputs == failed.request.outputs

    run_in_window_loop(body)


def test_a_refusal_stays_until_another_run_is_in_sight(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            card, create = opened.create.result.error_card, opened.create
            create.idea.set_text(" ")
            create.make()
            assert card.accessibleName() == "The run was not started."
            opened.window.facts.changed.emit()
            assert card.isVisible() and not create.empty.isVisible()
            await opened.make("A red apple")
            assert card.isHidden()
            create.idea.set_text(" ")
            create.make()
            await opened.ended()
            opened.window.facts.changed.emit()
            assert card.isVisible(), "what the run in sight does has nothing to do with it"
            create.tools.remove()
            assert card.isHidden() and create.empty.isVisible()

    run_in_window_loop(body)


def test_a_refusal_that_was_put_away_is_said_when_it_happens_again(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": FakeBackend()}) as opened:
            create = opened.create
            for _ in range(2):
                create.make()  # nothing stands in the boxes
                assert not create.result.error_card.isHidden()
                create.result.error_card.close_button.click()
                opened.window.facts.changed.emit()
                assert create.result.error_card.isHidden()

    run_in_window_loop(body)


def test_a_refusal_is_not_replaced_by_the_old_error_of_the_run_in_sight(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": SmallCard()}) as opened:
            card, create = opened.create.result.error_card, opened.create
            await opened.make("A red apple", "as_is", "sd15")
            failed = await opened.ended()
            why = card.accessibleName()
            create.idea.set_text(" ")
            create.make()
            opened.window.facts.changed.emit()
            assert card.accessibleName() == "The run was not started." != why
            await opened.make("A green apple")
            assert card.isHidden()
            await opened.ended()
            create.show_run(failed.run_id)
            assert card.isVisible() and card.accessibleName() == why
            opened.window.actions_list.do("new_seed")
            assert opened.shown is not failed and card.isHidden(), "made again, it has not failed yet"
            await opened.ended()
            assert card.isVisible()

    run_in_window_loop(body)


def test_a_pause_that_could_not_end_says_so_until_it_ends(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            card, view = opened.create.result.error_card, opened.create.stages.views[StageName.INTERCEPTION]
            opened.create.choices.rules_box.pause.setChecked(True)
            await opened.make("A red apple", "dada")
            await opened.until(lambda: view.state is StageState.PAUSED)
            type_into(view.text_view, " ")
            view.use_button.click()
            opened.window.facts.changed.emit()
            assert card.isVisible() and view.state is StageState.PAUSED
            type_into(view.text_view, "A blue pear")
            view.use_button.click()
            assert (await opened.ended()).state == "finished" and card.isHidden()

    run_in_window_loop(body)


def test_a_run_that_waits_does_not_show_the_work_of_another(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        backend = SmallCard()
        backend.going_on.clear()
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": backend}) as opened:
            opened.create.choices.values.put("sd15", "width", 256)
            opened.create.choices.values.put("sd15", "height", 256)
            await opened.make("A red apple", "as_is", "sd15")
            first, working = opened.shown, opened.create.result.working
            await opened.until(lambda: not working.preview.isHidden())
            opened.create.make()
            await opened.until(lambda: opened.shown is not first)
            assert working.isVisible() and working.words.text() == "Waiting for its turn"
            assert working.preview.isHidden() and working.detail.isHidden() and working.bar.isHidden()
            opened.create.show_run(first.run_id)
            assert not working.preview.isHidden() and "step 2 of 4" in working.detail.text()
            backend.going_on.set()
            await opened.until(lambda: not opened.window.runs.live())

    run_in_window_loop(body)


def test_the_time_of_a_run_begins_anew_with_its_turn_and_then_only_goes_on(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        backend = SmallCard()
        backend.going_on.clear()
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": backend}) as opened:
            for side in ("width", "height"):
                opened.create.choices.values.put("sd15", side, 256)
            await opened.make("A red apple", "as_is", "sd15")
            first, working = opened.shown, opened.create.result.working
            await opened.until(lambda: not working.preview.isHidden())
            opened.create.make()
            await opened.until(lambda: opened.shown is not first)
            second = opened.shown
            second.started_s -= 90  # as if it had waited so long

            def look_again() -> str:
                opened.create.show_run(first.run_id)
                opened.create.show_run(second.run_id)
                return working.elapsed.text()

            assert look_again().startswith("1 min")
            backend.going_on.set()
            backend.going_on = asyncio.Event()
            await opened.until(lambda: second.state == "running" and not working.preview.isHidden())
            assert not working.elapsed.text().startswith("1 min"), "its turn has come"
            second.started_s -= 90  # as if it had worked so long
            assert look_again().startswith("1 min")
            backend.going_on.set()
            await opened.until(lambda: not opened.window.runs.live())

    run_in_window_loop(body)


def test_a_lora_of_another_family_is_left_out_on_request_and_named_as_people_do(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        backend = FakeBackend()
        files = loras_for_sd15(tmp_path)
        async with open_window(
            app_home, models=FakeModels(()), backends={"comfyui": backend}, lora_files=files
        ) as opened:
            create = opened.create
            create.choices.pick_output("sdxl")
            create.inputs.picks.pick("ink.safetensors")
            await opened.make("A red apple", "as_is", "sdxl")
            failed = await opened.ended()
            words = " ".join(label.text() for label in create.result.error_card.findChildren(Label))
            assert "It was made for Stable Diffusion 1.5; this output works with Stable Diffusion XL." in words
            assert offered(opened) == ["Make it without this LoRA", "Choose another medium"]
            create.choices.medium_box.seed.set_value(7)
            create.inputs.strip_wanted.emit("ink.safetensors")
            sheet = create.findChild(StrengthStripSheet)
            assert sheet is not None
            await opened.until(
                lambda: "It was made for Stable Diffusion 1.5" in sheet.problem.text() and sheet.problem.isVisible()
            )
            sheet.close_sheet()
            await opened.until(lambda: not opened.window.runs.live())
            create.show_run(failed.run_id)
            press(opened, "Make it without this LoRA")
            await opened.until(lambda: opened.shown is not failed)
            assert (await opened.ended()).state == "finished" and not create.inputs.loras

    run_in_window_loop(body)


@pytest.mark.parametrize(
    ("error", "button"),
    [
        (NoLoraPlaceError(lora="ink.safetensors"), "Make it without this LoRA"),
        (StorageError(path="run.json"), "Try again"),
    ],
)
def test_after_a_refusal_what_stands_in_the_boxes_is_made_and_not_the_run_in_sight(
    run_in_window_loop: Run, app_home: Path, error: AppError, button: str
) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": FakeBackend()}) as opened:
            create = opened.create
            await opened.make("A green apple", "as_is", "sd15")
            other = await opened.ended()
            create.idea.set_text("A red apple")
            create.inputs.picks.pick("ink.safetensors")
            create.inputs.picks.pick("gold.safetensors")
            create.ways_on.show(error.info())
            press(opened, button)
            assert opened.shown is not other and opened.shown.request.text == "A red apple"
            names = [use.name for use in opened.shown.request.loras]
            left_out = error.params.get("lora")
            assert names == [name for name in ("ink.safetensors", "gold.safetensors") if name != left_out]
            await opened.ended()

    run_in_window_loop(body)


def test_a_lora_that_the_interception_brings_is_left_out_with_another_interception(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        files = loras_for_sd15(tmp_path)
        async with open_window(
            app_home, models=FakeModels(()), backends={"comfyui": FakeBackend()}, lora_files=files
        ) as opened:
            opened.world.entry("configs/interception/inked.json", INKED)
            await opened.world.engine.reload_catalog()
            await opened.until(lambda: any(card.id == "inked" for card in opened.create.choices.cards()[0]))
            await opened.make("A red apple", "inked", "sdxl")
            failed = await opened.ended()
            assert failed.error is not None and failed.error.code == "error.lora.family"
            assert offered(opened) == ["Choose other rules", "Choose another medium"]
            press(opened, "Choose other rules")
            assert any(sheet.isVisible() for sheet in opened.create.findChildren(PickerSheet))
            assert opened.shown is failed

    run_in_window_loop(body)


def test_a_refused_lora_can_be_left_out_only_if_it_was_picked(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": FakeBackend()}) as opened:
            create = opened.create
            create.choices.pick_output("sd15")
            create.inputs.picks.pick("ink.safetensors")
            create.ways_on.show(NoLoraPlaceError(lora="gold.safetensors").info())
            assert offered(opened) == ["Choose other rules", "Add LoRA"]
            create.ways_on.show(NoLoraPlaceError(lora="ink.safetensors").info())
            await opened.until(lambda: offered(opened) == ["Make it without this LoRA", "Add LoRA"])

    run_in_window_loop(body)


def test_pickers_know_when_a_service_can_be_used_and_when_it_has_gone(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        backend = Lacking()
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": backend}) as opened:

            def fix() -> str:
                return next(card for card in opened.create.choices.cards()[1] if card.id == "sd15").fix

            def heard(state: ServiceState) -> None:
                view = ServiceView("comfyui", "ComfyUI", state, "http://127.0.0.1:9")
                opened.world.engine.bus.publish(ServiceStateChanged(view))

            await opened.until(lambda: not fix())
            backend.reason = Reason("reason.comfyui_not_reachable", {"address": "http://127.0.0.1:9"})
            await opened.make("A red apple", "as_is", "sd15")
            await opened.ended()
            await opened.until(lambda: fix() == "Look at the services")
            backend.reason = None
            heard(ServiceState.READY)
            await opened.until(lambda: not fix())
            backend.reason = Reason("reason.comfyui_not_reachable", {"address": "http://127.0.0.1:9"})
            heard(ServiceState.STOPPED)
            await opened.until(lambda: fix() == "Look at the services")

    run_in_window_loop(body)


def test_a_cancelled_run_says_what_was_kept(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        backend = SmallCard()
        backend.going_on.clear()
        async with open_window(app_home, models=FakeModels(()), backends={"comfyui": backend}) as opened:
            opened.create.choices.values.put("sd15", "width", 256)
            await opened.make("A red apple", "as_is", "sd15")
            await opened.until(lambda: not opened.create.result.working.preview.isHidden())
            opened.create.cancel()
            assert (await opened.ended()).state == "cancelled"
            result = opened.create.result
            assert result.stack.isVisible() and result.stack.currentWidget() is result.cancelled
            assert "is kept" in result.cancelled.words.text()

    run_in_window_loop(body)
