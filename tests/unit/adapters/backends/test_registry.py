"""The media backends are found and built when first asked for."""

from __future__ import annotations

import pytest

from ai4artsed_desktop.adapters.backends.registry import Backends
from ai4artsed_desktop.adapters.local_only import is_on_this_machine
from ai4artsed_desktop.domain.settings import Settings


async def test_a_backend_is_built_once_for_the_address_of_the_settings() -> None:
    backends = Backends(lambda: Settings(comfyui_address="http://127.0.0.1:9"))
    assert "comfyui" in list(backends) and len(backends) >= 1
    first = backends["comfyui"]
    assert backends["comfyui"] is first and first.id == "comfyui" and first.is_local
    await backends.aclose()


@pytest.mark.parametrize("name", ["registry", "comfyui_client", "nobody", ""])
def test_parts_and_strangers_are_no_backends(name: str) -> None:
    backends = Backends(Settings)
    assert backends.get(name) is None


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        ("http://127.0.0.1:8188", True),
        ("http://localhost", True),
        ("http://[::1]:8188", True),
        ("http://127.0.0.1.example:8188", False),
        ("http://192.168.0.7:8188", False),
        ("https://pictures.example", False),
    ],
)
def test_only_loopback_addresses_are_local(address: str, is_ours: bool) -> None:
    assert is_on_this_machine(address) is is_ours
