"""Every shipped cloud output: a request without holes, a service that is described, no key in any file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from ai4artsed_desktop.adapters.catalog_files import CatalogFiles
from ai4artsed_desktop.adapters.paths import HOME_VARIABLE, find_paths
from ai4artsed_desktop.adapters.text_models.provider_presets import read_provider_presets
from ai4artsed_desktop.domain.chunks import ApiOutputChunk, mappings_of
from ai4artsed_desktop.domain.configs import OutputConfig
from ai4artsed_desktop.domain.parameters import resolve
from ai4artsed_desktop.domain.procedures import discover_procedures
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.catalog_reader import read_catalog
from ai4artsed_desktop.engine.templates import fill_request, fill_text

ROOT = Path(__file__).parents[2]
CLOUD = sorted(
    path.stem
    for path in (ROOT / "configs" / "output").glob("*.json")
    if json.loads(path.read_text(encoding="utf-8"))["meta"].get("requires_api_key")
)


@pytest.fixture
async def catalog(app_home: Path) -> Catalog:
    """Return the shipped catalogue."""
    paths = find_paths({HOME_VARIABLE: str(app_home)})
    return read_catalog(await CatalogFiles(paths).read(Settings()), procedures=discover_procedures())


def cloud_output(catalog: Catalog, name: str) -> tuple[OutputConfig, ApiOutputChunk]:
    config = catalog.output(name).value
    chunk = catalog.chunk(config.chunk).value
    assert isinstance(chunk, ApiOutputChunk)
    return config, chunk


def values_in(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [value for child in cast("dict[str, Any]", tree).values() for value in values_in(child)]
    if isinstance(tree, list):
        return [value for child in cast("list[Any]", tree) for value in values_in(child)]
    return [tree]


def test_the_services_of_the_plan_are_there() -> None:
    assert len(CLOUD) >= 9


@pytest.mark.parametrize("name", CLOUD)
async def test_the_text_arrives_whole_and_nothing_is_left_unfilled(catalog: Catalog, name: str) -> None:
    config, chunk = cloud_output(catalog, name)
    words = 'Ein "roter" Apfel {{API_KEY}} \\ 🍎\nauf einem Tisch'
    texts = {"PREVIOUS_OUTPUT": words, "INPUT_TEXT": "", "USER_INPUT": "", "LANGUAGE": "de", "SECONDARY_TEXT": ""}
    mappings = mappings_of(chunk)
    parameters = resolve(mappings, {}, config.overrides, lambda source: fill_text(source, texts, name), lambda: 7)
    body = fill_request(chunk.api_config, mappings, parameters, texts)
    found = values_in(body)
    assert found.count(words) == 1
    assert not any(isinstance(value, str) and "{{" in value and value != words for value in found)
    if "seed" in mappings:
        assert 7 in found


@pytest.mark.parametrize("name", CLOUD)
async def test_the_service_is_described_and_asked_safely(catalog: Catalog, name: str) -> None:
    config, chunk = cloud_output(catalog, name)
    api = chunk.api_config
    presets = {preset.id: preset for preset in read_provider_presets(ROOT / "resources" / "providers")}
    preset = presets[api.provider]
    assert preset.needs_key and preset.key_variable and set(preset.data_protection) == {"de", "en"}
    endpoints = [api.endpoint]
    if api.async_polling is not None:
        polling = api.async_polling
        further = (polling.status_endpoint, polling.result_endpoint, polling.cancel_endpoint)
        endpoints += [endpoint for endpoint in further if endpoint]
    assert {urlsplit(endpoint).scheme for endpoint in endpoints} == {"https"}
    assert {urlsplit(endpoint).hostname for endpoint in endpoints} == {urlsplit(preset.address).hostname}
    assert not {"authorization", "x-api-key"} & {header.lower() for header in api.headers}
    assert config.meta.requires_api_key and not config.meta.force_local and config.meta.sources
    assert "cloud" in config.tags["en"]
