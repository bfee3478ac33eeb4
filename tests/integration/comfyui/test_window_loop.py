"""The client on the loop that carries the window."""

from __future__ import annotations

from contextlib import aclosing

from tests.conftest import RunInWindowLoop
from tests.support.comfyui_client_kit import client_of, run_with_progress, sampling
from tests.support.comfyui_servers import ServerName, on_every_server, serving
from tests.support.comfyui_worker import recorded_preview


@on_every_server
def test_a_run_and_a_cancel_work_and_leave_nothing_behind(
    server: ServerName, run_in_window_loop: RunInWindowLoop[tuple[int, int]]
) -> None:
    async def body() -> tuple[int, int]:
        async with serving(server) as double, client_of(double) as client:
            double.worker.preview = recorded_preview()
            _, result = await run_with_progress(client, sampling())
            hold = double.hold("3", step=1)
            async with aclosing(client.run(sampling(seed=2))) as updates:
                async for _ in updates:
                    if hold.reached.is_set():
                        break
            return len(result.outputs), double.worker.remaining

    assert run_in_window_loop(body) == (1, 0)
