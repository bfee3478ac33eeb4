"""Whose a process is, by its command line, its folder, its parents, and our own ledger."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ai4artsed_desktop.adapters.gpu.process_names import RECHECK_S, ProcessNames, kind_of
from ai4artsed_desktop.adapters.process.child import ChildProcess
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.domain.gpu import ProcessKind
from tests.support.fake_children import python


@pytest.mark.parametrize(
    ("command", "folder", "kind"),
    [
        (["python", "main.py", "--listen"], "/home/a/ComfyUI", "comfyui"),
        (["/opt/ComfyUI/venv/bin/python", "/opt/ComfyUI/main.py"], "", "comfyui"),
        ([r"C:\ComfyUI_windows_portable\python_embeded\python.exe", "-s", r"ComfyUI\main.py"], "", "comfyui"),
        (["python", "dlbackend/ComfyUI/main.py", "--port", "7821"], "", "comfyui"),
        (["python", "main.py"], "/home/a/game", "other"),
        (["ollama", "serve"], "", "ollama"),
        (["/usr/local/bin/ollama", "runner", "--model", "/models/sha256-1"], "", "ollama"),
        ([r"C:\Programs\Ollama\ollama.exe", "serve"], "", "ollama"),
        (["ollama_llama_server"], "", "ollama"),
        (["python", "-u", "sdxl_train_network.py", "--config_file", "x.toml"], "", "trainer"),
        (["accelerate", "launch", "/sd-scripts/flux_train_network.py"], "", "trainer"),
        (["python", "train_network.py"], "", "trainer"),
        (["python", "train_my_cat_model.py"], "", "other"),
        (["llama-server", "-m", "x.gguf"], "", "llama_cpp"),
        (["python", "-m", "ai4artsed_desktop.adapters.llm_child", "{}"], "", "llama_cpp"),
        (["python", "-m", "llama_cpp.server"], "", "llama_cpp"),
        (["blender"], "", "other"),
        ([], "", "other"),
        (["", "\0", "\udcff"], "", "other"),
    ],
)
def test_a_command_line_tells_whose_it_is(command: list[str], folder: str, kind: ProcessKind) -> None:
    assert kind_of(command, folder) == kind


@pytest.mark.parametrize(
    ("own_name", "kind"),
    [("comfyui", "comfyui"), ("built_in/smollm2", "llama_cpp"), ("training cats", "trainer"), ("code art", "other")],
)
def test_the_ledger_knows_our_own(own_name: str, kind: ProcessKind) -> None:
    assert kind_of(["python", "x.py"], own_name=own_name) == kind


async def test_a_child_is_its_parents() -> None:
    names = ProcessNames(lambda: {os.getpid(): "comfyui"})
    async with await ChildProcess.start(python("input()"), name="worker", keep_stdin_open=True) as child:
        (found,) = names.describe({child.pid: 5})
    assert (found.kind, found.name, found.used_bytes) == ("comfyui", "ComfyUI", 5)


def test_a_process_that_ended_is_forgotten_and_one_that_nobody_sees_has_its_number() -> None:
    names = ProcessNames()
    (alive,) = names.describe({os.getpid(): None})
    assert alive.kind == "other" and alive.name == psutil.Process().name()
    (gone,) = names.describe({2**22 + 12345: 7})
    assert (gone.kind, gone.name) == ("other", f"pid {2**22 + 12345}")


class _Counted(ProcessNames):
    """Counts how often a process is asked for its command line."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(self._count, clock)
        self.asked = 0

    def _count(self) -> dict[int, str]:
        self.asked += 1
        return {}


def test_a_process_is_asked_once_though_the_next_card_has_other_ones() -> None:
    now_s = 0.0
    names = _Counted(lambda: now_s)
    for _ in range(20):
        names.describe({os.getpid(): 1})
        names.describe({os.getppid(): 1})
        now_s += RECHECK_S / 2
    assert names.asked == 2


def test_a_number_that_another_process_has_now_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, holders = 0.0, [os.getpid()]
    names = _Counted(lambda: now_s)

    class Given(psutil.Process):
        def __init__(self, pid: int) -> None:
            super().__init__(holders[-1])

    monkeypatch.setattr(psutil, "Process", Given)
    for holder in (os.getpid(), os.getpid(), os.getppid(), os.getppid()):
        holders.append(holder)
        names.describe({7: 1})
        now_s += RECHECK_S
    assert names.asked == 2


def test_one_that_is_not_to_be_seen_yet_is_named_when_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    names = ProcessNames(clock=lambda: now_s)
    with monkeypatch.context() as patch:

        def refuse(pid: int) -> psutil.Process:
            raise psutil.AccessDenied(pid)

        patch.setattr(psutil, "Process", refuse)
        assert names.describe({os.getpid(): 1})[0].name == f"pid {os.getpid()}"
    now_s += RECHECK_S
    assert names.describe({os.getpid(): 1})[0].name == psutil.Process().name()


def test_the_largest_comes_first() -> None:
    found = ProcessNames().describe({os.getpid(): 1, 2**22 + 1: 9, 2**22 + 2: None})
    assert [p.used_bytes for p in found] == [9, 1, None]


def test_the_ledger_names_only_children_that_live(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "processes.json")
    assert ledger.names() == {}
    ledger.add(os.getpid(), ["python"], "comfyui")
    assert ledger.names() == {os.getpid(): "comfyui"}
    (entry,) = json.loads((tmp_path / "processes.json").read_text())
    (tmp_path / "processes.json").write_text(json.dumps([entry | {"started": "1"}]))
    assert ledger.names() == {}  # the pid is another process's now
