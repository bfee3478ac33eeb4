from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from ai4artsed_desktop.adapters.downloads import RESERVE_BYTES, Downloader, DownloadProgress, DownloadSpec
from ai4artsed_desktop.domain.errors import (
    ChecksumError,
    DownloadError,
    LocalOnlyError,
    NoSpaceForDownloadError,
    StorageError,
    UnverifiedDownloadError,
)
from tests.support.fake_children import until
from tests.support.file_server import FileServer, serving

DATA = os.urandom(300_000)
MUCH = 10**12


class Client:
    """A downloader, a server and an empty folder."""

    def __init__(self, server: FileServer, folder: Path, http: httpx.AsyncClient) -> None:
        self.server = server
        self.folder = folder
        self.http = http
        self.progress: list[DownloadProgress] = []

    @property
    def spec(self) -> DownloadSpec:
        return DownloadSpec("Model", self.server.url, "model.gguf", len(DATA), self.server.sha256)

    @property
    def part(self) -> Path:
        return self.folder / "model.gguf.part"

    def downloader(self, free_bytes: Callable[[Path], int] = lambda _: MUCH, local_only: bool = False) -> Downloader:
        return Downloader(lambda: local_only, free_bytes=free_bytes, http=self.http, pause_s=0.001)

    async def get(self, spec: DownloadSpec | None = None, downloader: Downloader | None = None) -> Path:
        async with asyncio.timeout(20):
            loader = downloader or self.downloader()
            return await loader.download(spec or self.spec, self.folder, self.progress.append)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncGenerator[Client, None]:
    async with serving(FileServer(DATA)) as server, httpx.AsyncClient(trust_env=False) as http:
        yield Client(server, tmp_path / "models", http)


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_a_file_arrives_whole_with_progress_and_leaves_nothing_beside_it(client: Client) -> None:
    path = await client.get()
    assert path.read_bytes() == DATA
    assert left_in(client.folder) == {"model.gguf"}
    received = [step.received_bytes for step in client.progress if step.phase == "load"]
    assert received == sorted(received) and received[-1] == len(DATA)
    assert client.progress[-1] == DownloadProgress(len(DATA), len(DATA), "check")


async def test_an_equal_file_is_kept_without_asking_the_server(client: Client) -> None:
    await client.get()
    await client.get()
    assert len(client.server.requests) == 1


async def test_a_cut_stream_goes_on_where_it_broke(client: Client) -> None:
    client.server.cut_after = [100_000, 50_000]
    assert (await client.get()).read_bytes() == DATA
    assert client.server.ranges() == [None, "bytes=100000-", "bytes=150000-"]


async def test_cancelling_keeps_the_part_and_the_next_call_goes_on(client: Client) -> None:
    client.server.hold = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.get())
        await until(lambda: any(step.received_bytes >= 65536 for step in client.progress))
        task.cancel()
    client.server.hold.set()
    client.server.hold = None
    assert client.part.stat().st_size == 65536
    assert (await client.get()).read_bytes() == DATA
    assert client.server.ranges() == [None, "bytes=65536-"]


async def test_a_file_that_changed_on_the_server_comes_anew(client: Client) -> None:
    await _leave_a_part(client)
    client.server.data = os.urandom(200_000)
    client.server.etag = '"v2"'
    spec = replace(client.spec, sha256=client.server.sha256)
    assert (await client.get(spec)).read_bytes() == client.server.data


async def _leave_a_part(client: Client) -> None:
    client.server.cut_after = [100_000]
    client.server.statuses = []
    limited = Downloader(lambda: False, free_bytes=_space_for_one_try(), http=client.http, pause_s=0.001)
    with pytest.raises(NoSpaceForDownloadError):
        await client.get(downloader=limited)
    assert client.part.stat().st_size == 100_000


def _space_for_one_try() -> Callable[[Path], int]:
    answers = iter([MUCH])
    return lambda _: next(answers, 0)


async def test_without_range_support_the_file_comes_anew(client: Client) -> None:
    client.server.supports_ranges = False
    client.server.cut_after = [100_000]
    assert (await client.get()).read_bytes() == DATA
    assert len(client.server.requests) == 2


async def test_a_weak_etag_resumes_nothing(client: Client) -> None:
    client.server.etag = 'W/"v1"'
    client.server.cut_after = [100_000]
    assert (await client.get()).read_bytes() == DATA
    assert client.server.ranges() == [None, None]


async def test_a_part_longer_than_the_file_is_thrown_away(client: Client) -> None:
    await _leave_a_part(client)
    client.part.write_bytes(bytes(400_000))
    assert (await client.get()).read_bytes() == DATA


async def test_a_complete_part_is_only_checked(client: Client) -> None:
    await _leave_a_part(client)
    client.part.write_bytes(DATA)
    client.server.requests.clear()
    assert (await client.get()).read_bytes() == DATA
    assert client.server.requests == []


async def test_a_damaged_note_beside_the_part_costs_only_the_part(client: Client) -> None:
    await _leave_a_part(client)
    client.part.with_name("model.gguf.part.json").write_text("{")
    client.server.requests.clear()
    assert (await client.get()).read_bytes() == DATA
    assert client.server.ranges() == [None]


async def test_a_wrong_file_is_refused_and_deleted(client: Client) -> None:
    with pytest.raises(ChecksumError):
        await client.get(replace(client.spec, sha256="0" * 64))
    assert left_in(client.folder) == set()


async def test_a_login_page_in_place_of_the_file_is_refused(client: Client) -> None:
    spec = client.spec
    client.server.data = b"<!doctype html><title>Wi-Fi login</title>"
    with pytest.raises(ChecksumError):
        await client.get(spec)
    assert left_in(client.folder) == set()


async def test_the_hub_s_promise_counts_when_we_have_no_hash(client: Client) -> None:
    client.server.linked_etag = f'"{client.server.sha256}"'
    client.server.etag = f'"{"a" * 64}"'  # another kind of hash, from where the hub redirects to
    spec = replace(client.spec, url=client.server.hub_url, sha256=None)
    assert (await client.get(spec)).read_bytes() == DATA
    client.server.linked_etag = f'"{"b" * 64}"'
    with pytest.raises(ChecksumError):
        await client.get(replace(spec, file_name="other.gguf"))


async def test_a_file_nobody_vouches_for_is_refused_before_it_is_loaded(client: Client) -> None:
    for url in (client.server.url, client.server.hub_url):
        with pytest.raises(UnverifiedDownloadError):
            await client.get(replace(client.spec, url=url, sha256=None))
    assert left_in(client.folder) == set()


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_final_answer_is_not_asked_for_again(client: Client, status: int) -> None:
    client.server.statuses = [(status, "")]
    with pytest.raises(DownloadError) as caught:
        await client.get()
    assert str(status) in caught.value.detail
    assert len(client.server.requests) == 1


async def test_a_busy_server_is_asked_again(client: Client) -> None:
    client.server.statuses = [(503, ""), (429, "Retry-After: 0"), (500, "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT")]
    assert (await client.get()).read_bytes() == DATA


async def test_tries_without_a_byte_are_bounded(client: Client) -> None:
    client.server.statuses = [(503, "")] * 50
    with pytest.raises(DownloadError):
        await client.get()
    assert len(client.server.requests) == 4


async def test_no_connection_is_a_download_error(client: Client, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        await client.get(replace(client.spec, url="http://127.0.0.1:1/model.gguf"))
    assert caught.value.params == {"name": "Model"}


async def test_a_full_disk_is_said_before_anything_is_loaded(client: Client) -> None:
    free = len(DATA) + RESERVE_BYTES - 1
    with pytest.raises(NoSpaceForDownloadError) as caught:
        await client.get(downloader=client.downloader(free_bytes=lambda _: free))
    assert caught.value.params == {"name": "Model", "needed_gb": "0.5", "free_gb": "0.5"}
    assert not client.part.exists()


async def test_a_disk_that_fills_up_meanwhile_stops_the_download_and_keeps_the_part(client: Client) -> None:
    client.server.data = os.urandom(9_000_000)
    with pytest.raises(NoSpaceForDownloadError):
        await client.get(downloader=client.downloader(free_bytes=_space_for_one_try()))
    assert client.part.stat().st_size > 0
    assert (await client.get()).read_bytes() == client.server.data
    assert client.server.ranges()[-1] is not None


async def test_local_only_asks_nobody(client: Client) -> None:
    with pytest.raises(LocalOnlyError) as caught:
        await client.get(downloader=client.downloader(local_only=True))
    assert caught.value.params == {"host": "127.0.0.1"}
    assert client.server.requests == []


async def test_a_folder_that_cannot_be_made_is_a_storage_error(client: Client, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(StorageError):
        await client.get()


async def test_the_same_file_is_not_loaded_twice_at_once(client: Client) -> None:
    client.server.hold = asyncio.Event()
    downloader = client.downloader()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(client.get(downloader=downloader))
        await until(lambda: bool(client.progress))
        with pytest.raises(DownloadError):
            await client.get(downloader=downloader)
        client.server.hold.set()
    assert first.result().read_bytes() == DATA


async def test_the_note_beside_a_part_says_what_it_is(client: Client) -> None:
    await _leave_a_part(client)
    facts = json.loads(client.part.with_name("model.gguf.part.json").read_text())
    assert facts == {"url": client.server.url, "etag": '"v1"', "sha256": client.spec.sha256, "total_bytes": len(DATA)}
