"""``ai4artsed train``: plan a LoRA training, and make, start, watch, stop, resume and delete projects."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ai4artsed_desktop.domain.errors import ParameterError
from ai4artsed_desktop.domain.training.errors import VramTooSmallError
from ai4artsed_desktop.domain.training.families import discover_families, family_of
from ai4artsed_desktop.domain.training.records import TrainingProject
from ai4artsed_desktop.engine.training import TrainingSnapshot
from ai4artsed_desktop.headless.context import EXIT_DONE, EXIT_FAILED, Context
from ai4artsed_desktop.headless.train_text import (
    describe,
    plan_json,
    plan_text,
    report_json,
    report_text,
    snapshot_text,
)


class TrainCommand:
    """LoRA trainings."""

    name = "train"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(self.name, help="LoRA trainings (Kohya sd-scripts)")
        actions = parser.add_subparsers(dest="action", required=True)
        plan = actions.add_parser("plan", help="what a training would do; needs neither trainer nor models")
        _add_choices(plan, is_vram_required=True)
        plan.add_argument("--project", default="", metavar="NAME", help="named after the folder if absent")
        plan.add_argument("--toml", action="store_true", help="print exactly the file that the trainer would get")
        check = actions.add_parser("check", help="look through a folder of pictures; nothing is changed")
        check.add_argument("dataset", metavar="DIR")
        check.add_argument("--family", default="sd15", choices=tuple(discover_families()))
        create = actions.add_parser("create", help="make a project with copies of a folder's pictures")
        create.add_argument("project", metavar="PROJECT")
        _add_choices(create, is_vram_required=False)
        start = actions.add_parser("start", help="begin a training; it goes on when this command has ended")
        start.add_argument("--vram", type=_gigabytes, metavar="GB", help="choose the preset for this much memory")
        start.add_argument("--gpus", type=int, default=1, metavar="N", help="spread over so many graphics cards")
        resume = actions.add_parser("resume", help="go on from the last complete state")
        stop = actions.add_parser("stop", help="end a training")
        stop.add_argument("--after-save", action="store_true", help="once the next state is complete")
        status = actions.add_parser("status", help="how far a training is; without PROJECT all of them")
        delete = actions.add_parser("delete", help="remove a project with everything it made")
        delete.add_argument("--yes", action="store_true", help="really; without it only a list is printed")
        for action in (start, resume, stop, delete):
            action.add_argument("project", metavar="PROJECT")
        status.add_argument("project", metavar="PROJECT", nargs="?")
        for action in (start, resume):
            action.add_argument("--wait", action="store_true", help="stay until it has ended")
        for action in (plan, check, create, start, resume, stop, status, delete):
            action.add_argument("--json", action="store_true", help="print one JSON value")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Carry out the action."""
        actions = {
            "plan": _plan,
            "check": _check,
            "create": _create,
            "start": _start,
            "resume": _start,
            "stop": _stop,
            "status": _status,
            "delete": _delete,
        }
        return await actions[options.action](options, context)


async def _plan(options: argparse.Namespace, context: Context) -> int:
    try:
        plan = await context.engine.training.plan(
            options.family,
            options.vram,
            _folder(options.dataset),
            project=options.project,
            trigger=options.trigger,
            steps=options.steps,
            seed=options.seed,
            precision=options.precision,
            changes=_pairs(options.set),
        )
    except VramTooSmallError as exc:
        needed_gb = family_of(options.family).min_vram_gb
        facts: dict[str, Any] = {"family": options.family, "vram_gb": options.vram, "min_required_gb": needed_gb}
        context.output.error(exc.info(), context.messages, **facts)
        return EXIT_FAILED
    if options.toml:
        sys.stdout.write(plan.toml())
        return EXIT_DONE
    context.output.json(plan_json(plan, context.messages))
    context.output.answer(plan_text(plan, context.messages))
    return EXIT_DONE


async def _check(options: argparse.Namespace, context: Context) -> int:
    report = await context.engine.training.scan(_folder(options.dataset), options.family)
    context.output.json(report_json(report, family_of(options.family), context.messages))
    context.output.answer(report_text(report, family_of(options.family), context.messages))
    return EXIT_DONE if report.usable else EXIT_FAILED


async def _create(options: argparse.Namespace, context: Context) -> int:
    training = context.engine.training
    family = family_of(options.family)
    changes = training.parse_options(family, _pairs(options.set))
    project = TrainingProject(
        name=options.project,
        family=family.id,
        trigger=options.trigger,
        vram_gb=options.vram,
        steps=options.steps,
        seed=options.seed,
        precision=options.precision,
        changes={name: list(value) if isinstance(value, tuple) else value for name, value in changes.items()},
    )
    made = await training.create(project, _folder(options.dataset))
    return _say(await training.snapshot(made.name), context)


async def _start(options: argparse.Namespace, context: Context) -> int:
    training = context.engine.training
    if options.action == "start":
        snapshot = await training.start(options.project, vram_gb=options.vram, gpus=options.gpus)
    else:
        snapshot = await training.resume(options.project)
    name = snapshot.project.name
    if not options.wait:
        return _say(snapshot, context)
    await training.wait(name)
    return _say(await training.snapshot(name), context)


async def _stop(options: argparse.Namespace, context: Context) -> int:
    training = context.engine.training
    before = await training.snapshot(options.project)
    if before.progress is not None and not options.after_save:
        context.output.note(
            context.messages.text(
                "train.cli.lost", steps=before.progress.unsaved_steps, seconds=f"{before.progress.unsaved_s or 0:.0f}"
            )
        )
    snapshot = await training.stop(options.project, after_save=options.after_save)
    if options.after_save:
        context.output.note(context.messages.text("train.cli.waiting_for_save"))
        await training.wait(snapshot.project.name)
        snapshot = await training.snapshot(snapshot.project.name)
    _say(snapshot, context)
    return EXIT_DONE


async def _status(options: argparse.Namespace, context: Context) -> int:
    training = context.engine.training
    if options.project is not None:
        snapshot = await training.snapshot(options.project)
        context.output.json(describe(snapshot, context.messages))
        context.output.answer(snapshot_text(snapshot, context.messages))
        return EXIT_DONE
    snapshots = [await training.snapshot(project.name) for project in await training.list_projects()]
    context.output.json([describe(snapshot, context.messages) for snapshot in snapshots])
    for snapshot in snapshots:
        context.output.answer(snapshot_text(snapshot, context.messages))
    return EXIT_DONE


async def _delete(options: argparse.Namespace, context: Context) -> int:
    training, output = context.engine.training, context.output
    if not options.yes:
        places = [str(path) for path in await training.belongings(options.project)]
        output.json({"project": options.project, "deleted": False, "would_delete": places})
        for place in places:
            output.answer(place)
        output.note(context.messages.text("train.cli.confirm_delete"))
        return EXIT_FAILED
    places = [str(path) for path in await training.delete(options.project)]
    left = _existing(places)
    output.json({"project": options.project, "deleted": not left, "removed": places, "left": left})
    for place in places:
        output.answer(place)
    return EXIT_FAILED if left else EXIT_DONE


def _say(snapshot: TrainingSnapshot, context: Context) -> int:
    """Print a snapshot; a training that failed is exit code 1."""
    context.output.json(describe(snapshot, context.messages))
    context.output.answer(snapshot_text(snapshot, context.messages))
    return EXIT_FAILED if snapshot.state in ("failed", "interrupted") else EXIT_DONE


def _add_choices(parser: argparse.ArgumentParser, *, is_vram_required: bool) -> None:
    parser.add_argument("--family", required=True, choices=tuple(discover_families()))
    parser.add_argument(
        "--vram", type=_gigabytes, required=is_vram_required, metavar="GB", help="graphics memory of the card"
    )
    parser.add_argument("--dataset", required=True, metavar="DIR", help="folder with pictures; it is only read")
    parser.add_argument("--trigger", default="", metavar="WORDS", help="words that will call the LoRA's subject")
    parser.add_argument("--steps", type=_steps, metavar="N", help="as many as the pictures ask for if absent")
    parser.add_argument("--seed", type=int, default=42, metavar="N")
    parser.add_argument("--precision", choices=("bf16", "fp16", "no"), default="bf16", help="fp16 for older cards")
    parser.add_argument(
        "--set", action="append", default=[], metavar="OPTION=VALUE", help="any option of the trainer; lists with ;"
    )


def _folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _existing(places: list[str]) -> list[str]:
    """Look again: a deletion is proven, not assumed."""
    return [place for place in places if Path(place).exists()]


def _gigabytes(text: str) -> float:
    value = float(text)
    if not 0 < value < 10_000:
        raise argparse.ArgumentTypeError("more than 0")
    return value


def _steps(text: str) -> int:
    value = int(text)
    if not 0 < value <= 1_000_000:
        raise argparse.ArgumentTypeError("1 to 1000000")
    return value


def _pairs(items: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in items:
        name, separator, value = item.partition("=")
        if not separator or not name.strip():
            raise ParameterError(name="--set", value=item, expected="OPTION=VALUE")
        pairs[name.strip()] = value
    return pairs


COMMAND = TrainCommand()
