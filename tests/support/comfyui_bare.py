"""What the figures are held against: the least that a script does to get a picture from ComfyUI onto the disk.

``python -m tests.support.comfyui_bare ADDRESS GRAPH.json FOLDER`` does it once, as a person's script would.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect


async def one(http: httpx.AsyncClient, address: str, graph: dict[str, Any], folder: Path) -> Path:
    """Run a graph; return its first picture's path."""
    client_id = str(uuid.uuid4())
    url = f"ws{address.removeprefix('http')}/ws?clientId={client_id}"
    async with connect(url, proxy=None, max_size=None) as socket:
        answer = await http.post("/prompt", json={"prompt": graph, "client_id": client_id})
        prompt_id = answer.json()["prompt_id"]
        async for message in socket:
            if isinstance(message, str):
                frame = json.loads(message)
                data = frame["data"]
                if frame["type"] == "executing" and data.get("node", 0) is None and data.get("prompt_id") == prompt_id:
                    break
    return await fetch(http, prompt_id, folder)


async def fetch(http: httpx.AsyncClient, prompt_id: str, folder: Path) -> Path:
    """Fetch a finished job's first picture; return its path."""
    outputs = (await http.get(f"/history/{prompt_id}")).json()[prompt_id]["outputs"]
    item = next(iter(outputs.values()))["images"][0]
    path = folder / item["filename"]
    path.write_bytes((await http.get("/view", params=item)).content)
    return path


async def many(http: httpx.AsyncClient, address: str, graphs: list[dict[str, Any]], folder: Path) -> int:
    """Queue all graphs at once over one socket and fetch each picture as it is ready; return how many came."""
    client_id = str(uuid.uuid4())
    url = f"ws{address.removeprefix('http')}/ws?clientId={client_id}"
    async with connect(url, proxy=None, max_size=None) as socket, asyncio.TaskGroup() as group:
        waiting = set[str]()
        for graph in graphs:
            answer = await http.post("/prompt", json={"prompt": graph, "client_id": client_id})
            waiting.add(answer.json()["prompt_id"])
        async for message in socket:
            frame: dict[str, Any] = json.loads(message) if isinstance(message, str) else {"type": ""}
            if frame["type"] == "executing" and frame["data"].get("node", 0) is None:
                prompt_id = frame["data"].get("prompt_id")
                if prompt_id in waiting:
                    waiting.discard(prompt_id)
                    group.create_task(fetch(http, prompt_id, folder))
            if not waiting:
                break
    return len(graphs)


async def main(address: str, graph: dict[str, Any], folder: str) -> None:
    """One run."""
    async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
        await one(http, address, graph, Path(folder))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text("utf-8")), sys.argv[3]))
