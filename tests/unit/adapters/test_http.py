from __future__ import annotations

import asyncio
import os

import httpx

from ai4artsed_desktop.adapters.http import streamed_body
from tests.support.file_server import FileServer, serving
from tests.support.lost_generators import watching_lost_generators


async def test_leaving_a_body_early_leaves_no_generator_to_the_garbage_collector() -> None:
    async with (
        serving(FileServer(os.urandom(3_000_000), hold=asyncio.Event())) as server,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        with watching_lost_generators() as lost:
            async with http.stream("GET", server.url) as response, streamed_body(response) as chunks:
                async for _ in chunks:
                    break
            del chunks, response
        assert lost == []


async def test_a_whole_body_arrives_and_an_unread_one_does_no_harm() -> None:
    async with serving(FileServer(b"x" * 500_000)) as server, httpx.AsyncClient(trust_env=False) as http:
        async with http.stream("GET", server.url) as response, streamed_body(response) as chunks:
            assert b"".join([chunk async for chunk in chunks]) == server.data
        async with http.stream("GET", server.url) as response, streamed_body(response):
            pass
