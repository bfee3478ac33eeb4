"""Requests made from an earlier run: from a stage on, with another text, with edited code, with another seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ai4artsed_desktop.domain.errors import PersonNamedError
from ai4artsed_desktop.domain.runs import MediumRecord, OutputRequest, RunRequest, StageName
from ai4artsed_desktop.ui.actions import WindowAction
from ai4artsed_desktop.ui.session_runs import RunFacts

#: The stage that is next after the text of a stage.
_NEXT = {
    StageName.TRANSLATION: StageName.INTERCEPTION,
    StageName.INTERCEPTION: StageName.SAFETY,
    StageName.OPTIMISATION: StageName.OUTPUT,
}
#: The output config that runs a person's code, by the kind of its medium.
CODE_OUTPUTS: Mapping[str, str] = {"p5": "p5js_code", "tonejs": "tonejs_code"}


def from_stage(facts: RunFacts, stage: StageName, text: str, seed: int) -> RunRequest:
    """Return the request that does everything behind ``stage`` anew, with ``text`` as its result."""
    texts = {
        name: found.text
        for name in (StageName.TRANSLATION, StageName.INTERCEPTION)
        if (found := facts.stages.get(name)) is not None and found.text and name is not stage
    }
    if stage is StageName.TRANSLATION:
        texts.pop(StageName.INTERCEPTION, None)
    return replace(
        facts.request,
        seed=seed,
        start_stage=_NEXT[stage],
        stage_texts={**texts, stage: text},
        edits={},
        pause_after=frozenset(),
        parent_run_id=facts.run_id,
    )


def with_code(facts: RunFacts, kind: str, code: str, parameters: Mapping[str, int | float]) -> RunRequest:
    """Return the request that runs ``code`` as the medium of a run.

    Args:
        kind: Kind of the medium the code came from, ``p5`` or ``tonejs``.
        parameters: Size and length of what was made from the original code.
    """
    interception = facts.stages.get(StageName.INTERCEPTION)
    text = interception.text if interception is not None and interception.text else facts.request.text
    return replace(
        facts.request,
        outputs=(OutputRequest(CODE_OUTPUTS[kind], dict(parameters)),),
        loras=(),
        images={},
        start_stage=StageName.OUTPUT,
        stage_texts={StageName.INTERCEPTION: text, StageName.OPTIMISATION: code},
        edits={},
        pause_after=frozenset(),
        parent_run_id=facts.run_id,
    )


def code_parameters(facts: RunFacts, medium: MediumRecord) -> dict[str, int | float]:
    """Return the size and length of what a medium's code made before, to be kept."""
    made = next((m for m in facts.media if m.output_id == medium.output_id and m.type in ("image", "audio")), None)
    if made is None:
        return {}
    names = {"p5": (("width", "width_px"), ("height", "height_px")), "tonejs": (("duration_s", "duration_s"),)}
    return {name: made.metadata[fact] for name, fact in names[medium.type] if made.metadata.get(fact)}


def with_names(facts: RunFacts) -> RunRequest:
    """Return the same request, agreeing that the names in it leave the machine."""
    return replace(facts.request, may_name_persons=True, parent_run_id=facts.run_id)


def send_names_action(
    shown: Callable[[], RunFacts | None], submit: Callable[[RunRequest], RunFacts | None]
) -> WindowAction:
    """Return the action that sends the run in sight although it names a person; possible only where that stopped it."""

    def stopped() -> RunFacts | None:
        facts = shown()
        was_names = facts is not None and facts.error is not None and facts.error.code == PersonNamedError.code
        return facts if was_names else None

    def send() -> None:
        if (facts := stopped()) is not None:
            submit(with_names(facts))

    return WindowAction("send_names", "remedy.send_names", send, "cloud", "", lambda: stopped() is not None)


def with_seed(facts: RunFacts, seed: int) -> RunRequest:
    """Return the same request with another seed."""
    return replace(facts.request, seed=seed, parent_run_id=facts.run_id)
