"""What tests of commands share."""

from __future__ import annotations

import pytest

from ai4artsed_desktop.headless.cli import run_command
from tests.support.asking import Answer, Ask


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that carries out a command line, in English, with no server anywhere."""
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    for server in ("COMFYUI", "SWARMUI", "OLLAMA"):  # whoever runs these tests may have some at work
        monkeypatch.setenv(f"AI4ARTSED_{server}_ADDRESS", "http://127.0.0.1:9")

    def run(*arguments: str) -> Answer:
        capsys.readouterr()
        code = run_command(arguments)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run
