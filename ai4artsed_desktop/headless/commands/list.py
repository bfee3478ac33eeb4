"""``ai4artsed list``: what there is, and what of it can run here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ai4artsed_desktop.domain.chunks import Chunk
from ai4artsed_desktop.domain.configs import InterceptionConfig, OutputConfig
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.engine.catalog import CatalogEntry
from ai4artsed_desktop.engine.catalog_rules import procedure_of
from ai4artsed_desktop.headless.context import EXIT_DONE, Context

KINDS = ("interception", "output", "pipelines", "chunks", "models")


class ListCommand:
    """Lists one kind of thing."""

    name = "list"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(self.name, help="list what there is")
        parser.add_argument("kind", choices=KINDS)
        parser.add_argument("--json", action="store_true", help="print a JSON array of objects")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Print the list."""
        await context.engine.reload_catalog()
        rows = await rows_of(options.kind, context)
        context.output.json(rows)
        for row in rows:
            mark = "●" if row["runnable"] else "○"
            reason = f" – {row['reason']}" if row["reason"] else ""
            context.output.answer(f"{mark} {row['id']:<28} {row['name']}{reason}")
        return EXIT_DONE


async def rows_of(kind: str, context: Context) -> list[dict[str, Any]]:
    """Return one object per entry: ``id``, ``name``, ``runnable``, ``reason`` and what is special to its kind."""
    engine = context.engine
    models = await engine.models.list_models()
    match kind:
        case "interception":
            return [await _interception(c, models, context) for c in engine.catalog.sorted_interceptions()]
        case "output":
            return [await _output(c, models, context) for c in engine.catalog.sorted_outputs()]
        case "pipelines":
            return [
                _row(p.value.id, localized(p.value.name, context.messages.language), None, context, kind=p.value.kind)
                for p in engine.catalog.pipelines.values()
            ]
        case "chunks":
            return [await _chunk(c, context) for c in engine.catalog.chunks.values()]
        case _:
            return [_model(m, context) for m in models]


async def _interception(
    config: InterceptionConfig, models: Sequence[TextModelInfo], context: Context
) -> dict[str, Any]:
    reason = await context.engine.interception_problem(config, models)
    kind = "procedure" if procedure_of(config) else "none" if config.meta.skip_interception else "model"
    return _row(
        config.id,
        localized(config.name, context.messages.language),
        reason,
        context,
        description=localized(config.description, context.messages.language),
        group=config.display.category,
        done_by=kind,
    )


async def _output(config: OutputConfig, models: Sequence[TextModelInfo], context: Context) -> dict[str, Any]:
    reason = await context.engine.output_problem(config, models)
    return _row(
        config.id,
        localized(config.name, context.messages.language),
        reason,
        context,
        description=localized(config.description, context.messages.language),
        chunk=config.chunk,
        media=config.media_preferences.default_output,
        is_ai=config.meta.is_ai,
    )


async def _chunk(entry: CatalogEntry[Chunk], context: Context) -> dict[str, Any]:
    chunk = entry.value
    reason = await context.engine.chunk_problem(entry)
    backend = getattr(chunk, "backend_type", "")
    return _row(chunk.name, chunk.name, reason, context, type=chunk.type, backend_type=backend, path=entry.path)


def _model(info: TextModelInfo, context: Context) -> dict[str, Any]:
    return _row(
        info.id,
        info.name,
        Reason(info.problem) if info.problem else None,
        context,
        provider=info.provider,
        grade=info.grade.value,
        size_bytes=info.size_bytes,
        quantisation=info.quantisation,
        parameters=info.parameters,
        context_tokens=info.context_tokens,
        path=info.path,
    )


def _row(entry_id: str, name: str, reason: Reason | None, context: Context, **more: Any) -> dict[str, Any]:
    said = context.messages.text(reason.key, **reason.params) if reason else ""
    return {"id": entry_id, "name": name, "runnable": reason is None, "reason": said, **more}


COMMAND = ListCommand()
