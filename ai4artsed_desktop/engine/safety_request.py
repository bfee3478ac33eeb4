"""What stands in a run's request and its configs before any model has said a word."""

from __future__ import annotations

from collections.abc import Iterator

from ai4artsed_desktop.domain.chunks import ProcessingChunk, TextPassthroughChunk
from ai4artsed_desktop.domain.runs import RunRequest
from ai4artsed_desktop.domain.text import strings_in
from ai4artsed_desktop.engine.catalog import Catalog


def said_by_person(request: RunRequest) -> Iterator[str]:
    """Yield what a person wrote: idea, second text, rules, texts of stages, edits, and texts in parameters."""
    yield from (request.text, request.secondary_text, request.rules or "")
    yield from request.stage_texts.values()
    yield from request.edits.values()
    for output in request.outputs:
        yield from (value for value in output.parameters.values() if isinstance(value, str))


def said_by_configs(request: RunRequest, catalog: Catalog) -> Iterator[str]:
    """Yield what configs and chunks that are not ours would tell a model or put into a medium.

    Ours are checked by a test; in the request that is sent the lists look at all of them again.
    """
    interception = catalog.interception(request.interception_id)
    if interception.origin != "shipped":
        config = interception.value
        if request.rules is None:
            yield from config.context.values() if config.context else ()
            yield from (text for step in config.steps for text in step.context.values())
        yield from strings_in(config.parameters)
        pairs = config.examples.pairs if config.examples is not None else ()
        yield from (text for pair in pairs for text in (pair.idea, pair.text))
    for name in catalog.pipeline(interception.value.pipeline).value.chunks:
        entry = catalog.chunk(name)
        if entry.origin != "shipped" and isinstance(entry.value, ProcessingChunk):
            yield from filter(None, (entry.value.system, entry.value.prompt, entry.value.template))
    for output in request.outputs:
        entry = catalog.output(output.output_id)
        if entry.origin != "shipped":
            yield from (entry.value.meta.optimization_instruction or {}).values()


def has_code(request: RunRequest, catalog: Catalog) -> bool:
    """Tell whether a text of this run may be a program: one of its outputs renders what it is given."""
    chunks = (catalog.chunk(catalog.output(output.output_id).value.chunk).value for output in request.outputs)
    return any(isinstance(chunk, TextPassthroughChunk) and chunk.framework is not None for chunk in chunks)
