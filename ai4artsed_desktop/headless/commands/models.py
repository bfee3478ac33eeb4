"""``ai4artsed models``: every text model of every provider; Ollama's can be brought in, taken out and copied."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ai4artsed_desktop.domain.events import DownloadEnded, DownloadProgressed, Event
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.engine.served_models import ServedModels
from ai4artsed_desktop.headless.context import EXIT_DONE, EXIT_FAILED, Context


class ModelsCommand:
    """Lists text models; with an action, works on those of Ollama."""

    name = "models"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(
            self.name,
            help="list the text models of every provider; bring Ollama's in and out",
            description="Without an action: lists the text models inside the program, of Ollama, and of every service "
            "that is switched on. What a provider lacks (it does not answer, no key) is said on standard error.",
        )
        parser.add_argument("--json", action="store_true", help="print a JSON array of objects")
        actions = parser.add_subparsers(dest="action", metavar="ACTION")
        pull = actions.add_parser("pull", help="let Ollama download a model; goes on where an earlier try stopped")
        delete = actions.add_parser("delete", help="delete a model from Ollama")
        bring = actions.add_parser("import", help="bring a GGUF file into Ollama under a name")
        bring.add_argument("file", type=Path, metavar="FILE")
        out = actions.add_parser("copy-out", help="copy a model of Ollama into a folder (a stick), without a network")
        back = actions.add_parser("copy-in", help="copy a model from such a folder into this machine's Ollama")
        stored = actions.add_parser("stored", help="list what lies in such a folder, or in this machine's Ollama")
        stored.add_argument("folder", type=Path, nargs="?", metavar="DIR")
        for action in (pull, delete, bring, out, back):
            action.add_argument("model", metavar="NAME", help="as Ollama calls it: qwen3:8b")
        for action in (out, back):
            action.add_argument("folder", type=Path, metavar="DIR")
        for action in (pull, delete, bring, out, back, stored):
            # Not False: that would undo a --json before the action.
            action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Print the list, or carry out the action."""
        served = context.engine.served_models
        if options.action is None or served is None:
            return await _list(context)
        match options.action:
            case "stored":
                return await _stored(options.folder, served, context)
            case "delete":
                await served.delete(options.model)
                return _done(options.model, context)
            case "pull":
                return await _work(lambda: served.start_pull(options.model), context)
            case "import":
                return await _work(lambda: served.start_import(options.file, options.model), context)
            case "copy-out":
                return await _work(lambda: served.start_copy_out(options.model, options.folder), context)
            case _:
                return await _work(lambda: served.start_copy_in(options.model, options.folder), context)


async def _list(context: Context) -> int:
    models = await context.engine.models.list_models()
    rows = [_row(info, context) for info in models]
    context.output.json(rows)
    for row in rows:
        context.output.answer(_line(row, context))
    for provider_id, reason in context.engine.models.problems().items():
        context.output.note(f"{provider_id}: {context.messages.text(reason.key, **reason.params)}")
    return EXIT_DONE


async def _stored(folder: Path | None, served: ServedModels, context: Context) -> int:
    rows: list[dict[str, Any]] = []
    for model in await served.list_store(folder):
        reason = context.messages.text(model.problem) if model.problem else ""
        facts = {"name": model.name, "size_bytes": model.size_bytes, "complete": not model.problem, "reason": reason}
        rows.append(facts)
        mark = "○" if model.problem else "●"
        context.output.answer(f"{mark} {model.name:<36} {model.size_bytes / 1e9:.1f} GB {reason}".rstrip())
    context.output.json(rows)
    return EXIT_DONE


async def _work(begin: Callable[[], None], context: Context) -> int:
    """Carry out what takes long: progress on standard error, its end as the answer."""
    ended: asyncio.Future[DownloadEnded] = asyncio.get_running_loop().create_future()
    said = ""

    def hear(event: Event) -> None:
        nonlocal said
        if isinstance(event, DownloadProgressed) and (words := _progress(event, context)) != said:
            said = words
            context.output.note(words)
        elif isinstance(event, DownloadEnded) and not ended.done():
            ended.set_result(event)

    unsubscribe = context.engine.bus.subscribe(hear)
    try:
        begin()
        end = await ended
    finally:
        unsubscribe()
    if end.error is not None:
        context.output.error(end.error, context.messages, model=end.name)
        return EXIT_FAILED
    return _done(end.name, context)


def _progress(event: DownloadProgressed, context: Context) -> str:
    """One line per percent, of each layer where there are several parts: a log of it can be read."""
    if event.step:
        return f"{event.name}: {context.messages.text(event.step)}"
    if event.parts:
        now = event.parts[-1]  # a server brings one after the other
        facts = {
            "name": event.name,
            "layer": now.name,
            "count": str(len(event.parts)),
            "percent": str(int(100 * now.done_bytes / now.total_bytes)) if now.total_bytes else "0",
            "size": _size(now.total_bytes),
            "all": f"{event.done_bytes / 1e9:.1f} GB",
        }
        return context.messages.text("cli.pull.layer", **facts)
    if not event.total_bytes:
        return f"{event.name}: {event.done_bytes / 1e9:.1f} GB"
    percent = int(100 * event.done_bytes / event.total_bytes)
    return f"{event.name}: {percent} % of {event.total_bytes / 1e9:.1f} GB"


def _size(size_bytes: int) -> str:
    """A layer is as large as a model, or as small as its licence."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e8 else f"{max(1, size_bytes // 1000):,} kB"


def _done(name: str, context: Context) -> int:
    context.output.json({"model": name, "done": True})
    context.output.answer(context.messages.text("cli.done", name=name))
    return EXIT_DONE


def _row(info: TextModelInfo, context: Context) -> dict[str, Any]:
    """What the program knows about a model; null = the provider does not tell."""
    return {
        "id": info.id,
        "name": info.name,
        "provider": info.provider,
        "kind": "local" if info.is_local else "cloud",
        "grade": info.grade.value,
        "size_bytes": info.size_bytes,
        "quantisation": info.quantisation,
        "parameters": info.parameters,
        "context_tokens": info.context_tokens,
        "languages": list(info.languages),
        "can_see": info.can_see,
        "can_think": info.can_think,
        "is_loaded": info.is_loaded,
        "loaded_bytes": info.loaded_bytes,
        "size_vram_bytes": info.size_vram_bytes,
        "licence": info.licence,
        "digest": info.digest,
        "path": info.path,
        "runnable": info.problem is None,
        "reason": context.messages.text(info.problem) if info.problem else "",
    }


def _line(row: dict[str, Any], context: Context) -> str:
    size = f"{row['size_bytes'] / 1e9:.1f} GB" if row["size_bytes"] else ""
    context_words = f"{row['context_tokens']:,} tokens".replace(",", " ") if row["context_tokens"] else ""
    parts = [size, row["quantisation"] or "", context_words, row["grade"]]
    if row["is_loaded"]:
        parts.append(context.messages.text("models.loaded"))
        on_card, all_of_it = row["size_vram_bytes"], row["loaded_bytes"]
        if on_card is not None and all_of_it and on_card < all_of_it:
            share = str(round(100 * on_card / all_of_it))
            parts.append(context.messages.text("models.partly_on_processor", share=share))
    if row["kind"] == "cloud":
        parts.append(context.messages.text("models.leaves_machine"))
    if row["reason"]:
        parts.append(row["reason"])
    mark = "●" if row["runnable"] else "○"
    return f"{mark} {row['id']:<36} {' · '.join(filter(None, parts))}"


COMMAND = ModelsCommand()
