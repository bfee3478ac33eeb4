"""Why there is no result, in the names the person knows, and the buttons that help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject

from ai4artsed_desktop.domain.errors import ErrorInfo, NotRunnableError
from ai4artsed_desktop.domain.runs import OutputRequest, RunRequest
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.ui.actions import WindowAction
from ai4artsed_desktop.ui.create.choices import Choices
from ai4artsed_desktop.ui.create.lora_cards import with_family_names
from ai4artsed_desktop.ui.create.lora_picks import LoraPicks
from ai4artsed_desktop.ui.create.parameters import default_of, parameters_of
from ai4artsed_desktop.ui.create.remedies import Remedy, remedies_for
from ai4artsed_desktop.ui.create.result_view import ResultView
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.session_runs import RunFacts

_SIZE = ("width", "height")
#: Both sides by this: half the pixels, and so about half of the memory that they need.
_SMALLER = 0.75
_STEP_PX = 64


class WaysOn(QObject):
    """Shows errors of runs with one or two ways on.

    Args:
        context: What every page is given.
        result: Shows the error.
        choices: Knows names, and keeps the size that is tried next.
        picks: The LoRAs picked.
        shown: Returns the run in sight.
        make: Makes what stands in the boxes.
        submit: Submits a request.
    """

    def __init__(
        self,
        context: PageContext,
        result: ResultView,
        choices: Choices,
        picks: LoraPicks,
        *,
        shown: Callable[[], RunFacts | None],
        make: Callable[[], None],
        submit: Callable[[RunRequest], object],
    ) -> None:
        super().__init__(result)
        self._context = context
        self._result = result
        self._choices = choices
        self._picks = picks
        self._shown = shown
        self._make = make
        self._submit = submit
        #: Whose own error the card shows; None = none's, such as that of a submit that was refused.
        self._failed: RunFacts | None = None
        #: What the card shows now: id of the run that failed, error, language.
        self._said: tuple[str, ErrorInfo, str] | None = None
        #: The run in sight and its error, as they were last seen.
        self._seen: tuple[str, ErrorInfo | None] = ("", None)
        context.actions.add(
            WindowAction(
                "free_and_retry", "remedy.free_and_retry", self._free_and_retry, "eraser", "", self._has_failed
            )
        )

    def show(self, error: ErrorInfo) -> None:
        """Show an error that is no run's; it stays until another run is in sight, or the one in sight fails."""
        if self._result.error_card.isHidden():
            self._said = None  # it was put away, and has happened again
        self._say(error, None)

    def show_run(self, facts: RunFacts | None) -> None:
        """Show the error of the run that is now in sight, and take away what does not hold any more."""
        before = self._seen
        self._seen = (facts.run_id, facts.error) if facts is not None else ("", None)
        if self._seen == before:
            if self._said is not None:
                # Its names are those of the language.
                self._say(self._said[1], self._failed)
        elif facts is not None and facts.error is not None:
            self._say(facts.error, facts)
        elif self._seen[0] != before[0] or self._failed is not None:
            self.take_away()

    def take_away(self) -> None:
        """Show no error."""
        self._failed = self._said = None
        self._result.error_card.hide()

    def _say(self, error: ErrorInfo, failed: RunFacts | None) -> None:
        """Say why there is no result, and offer what helps; what stands there already is left as it is, with its focus
        and its opened details."""
        said = (failed.run_id if failed is not None else "", error, self._context.kit.translator.language)
        if said == self._said:
            return
        self._failed, self._said = failed, said
        self._result.show_error(self._with_name(error))
        for remedy in remedies_for(error):
            self._offer(remedy, error)

    def _with_name(self, error: ErrorInfo) -> ErrorInfo:
        """Ids are for files; a person knows names."""
        error = with_family_names(self._context.kit, error)
        if error.code != NotRunnableError.code or "id" not in error.params:
            return error
        name = self._choices.entry_name(error.params["id"])
        return ErrorInfo(error.code, {**error.params, "id": name}, error.detail)

    def _offer(self, remedy: Remedy, error: ErrorInfo) -> None:
        card = self._result.error_card
        if remedy.action == "without_lora":
            lora = error.params.get("lora", "")
            own = self._failed.request.loras if self._failed is not None else self._picks.loras
            if any(use.name == lora for use in own):
                card.add_action(remedy.key, lambda: self._make_without(lora))
            else:
                # The interception brings it, and would bring it again.
                card.add_action("remedy.procedure", lambda: self._do("pick_interception"))
            return
        if remedy.action != "smaller":
            card.add_action(remedy.key, lambda: self._do(remedy.action))
            return
        failed = self._failed
        smaller = smaller_output(self._context.facts.engine.catalog, failed) if failed is not None else None
        if smaller is None or failed is None:
            card.add_action("remedy.output", lambda: self._do("pick_output"))
            return
        request = failed.request
        width, height = (smaller.parameters[name] for name in _SIZE)
        card.add_action(remedy.key, lambda: self._use(request, smaller), width=width, height=height)

    def _use(self, request: RunRequest, smaller: OutputRequest) -> None:
        """Make it smaller now, and next time, too."""
        for name in _SIZE:
            self._choices.values.put(smaller.output_id, name, smaller.parameters[name])
        self._choices.medium_box.renew_fields()
        self._choices.refresh()
        outputs = tuple(smaller if output.output_id == smaller.output_id else output for output in request.outputs)
        self._submit(replace(request, outputs=outputs))

    def _make_without(self, lora: str) -> None:
        self._picks.take_out(lora)
        if self._failed is None:
            self._make()
        else:
            kept = tuple(use for use in self._failed.request.loras if use.name != lora)
            self._submit(replace(self._failed.request, loras=kept))

    def _do(self, action: str) -> None:
        # Where nothing was made, what stands in the boxes is tried again, and not the run that happens to be in sight.
        if action == "again" and self._failed is None:
            self._make()
        else:
            self._context.actions.do(action)

    def _has_failed(self) -> bool:
        facts = self._shown()
        return facts is not None and facts.error is not None

    def _free_and_retry(self) -> None:
        facts, context = self._shown(), self._context
        if facts is None:
            return
        engine, ask = context.facts.engine, context.bridge.ask

        def free_and_submit(request: RunRequest) -> None:
            ask(engine.free_memory(), lambda _: self._submit(request), context.show_error)

        # Freeing takes seconds, and by then another run may be in sight.
        ask(engine.runs.request_of(facts.run_id), free_and_submit, context.show_error)


def smaller_output(catalog: Catalog, facts: RunFacts) -> OutputRequest | None:
    """Return the output that failed, with a smaller size; None if it has none, or no smaller one."""
    made = {medium.output_id for medium in facts.media}
    # Outputs are made in order: the first one without a medium is the one that failed.
    output = next((output for output in facts.request.outputs if output.output_id not in made), None)
    if output is None or output.output_id not in catalog.outputs:
        return None
    config = catalog.output(output.output_id).value
    mappings = parameters_of(catalog, output.output_id)
    smaller: dict[str, int] = {}
    for name in _SIZE:
        value = output.parameters.get(name, default_of(config, name, mappings[name]) if name in mappings else None)
        if not isinstance(value, int | float):
            return None
        least = mappings[name].min if name in mappings else None
        smaller[name] = max(round(value * _SMALLER / _STEP_PX) * _STEP_PX, int(least or _STEP_PX))
        if smaller[name] >= value:
            return None
    return replace(output, parameters={**output.parameters, **smaller})
