"""Nothing leaves the machine while the switch is on: the gate, every client behind it, and a witness below Python."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import httpx
import pytest

from ai4artsed_desktop.adapters.http import open_client
from ai4artsed_desktop.adapters.local_only import NetworkGuard, answers, is_loopback, is_on_this_machine
from ai4artsed_desktop.domain.errors import LocalOnlyError
from tests.support.openai_double import HttpDouble, Reply, json_reply

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "ai4artsed_desktop"
LIMIT = httpx.Timeout(10.0)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST.", "::1", "[::1]", "::ffff:127.0.0.1", "::1%lo"]
)
def test_this_machine_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "example.org",
        "192.168.1.5",
        "10.0.0.1",
        "0.0.0.0",
        "127.1",
        "2130706433",
        "0x7f.1",
        "localhost.example.org",
        "127.0.0.1.nip.io",
        "a.localhost",
        "::",
        "::ffff:8.8.8.8",
        "fe80::1",
        "1.2.3.4@127.0.0.1",
        "127.0.0.1 ",
    ],
)
def test_everything_else_is_away(host: str) -> None:
    assert not is_loopback(host)


def test_an_address_is_judged_by_its_host_and_not_by_its_looks() -> None:
    assert is_on_this_machine("http://127.0.0.1:11434/v1")
    assert is_on_this_machine("http://user:pass@[::1]:1/x")
    assert not is_on_this_machine("http://127.0.0.1@evil.example/")
    assert not is_on_this_machine("http://evil.example/?127.0.0.1")
    assert not is_on_this_machine("127.0.0.1:8188")  # no scheme: no host


async def test_a_client_is_stopped_before_anything_is_looked_up() -> None:
    async with open_client(NetworkGuard(lambda: True), LIMIT, uses_system_proxy=True) as http:
        with pytest.raises(LocalOnlyError) as caught:
            await http.get("https://does-not-exist.invalid/")
        assert caught.value.params == {"host": "does-not-exist.invalid"}


async def test_a_redirect_away_is_stopped_at_the_hop(caplog: pytest.LogCaptureFixture) -> None:
    double = HttpDouble()
    double.then("/", Reply(302, headers={"location": "http://does-not-exist.invalid/x"}))
    async with double.serving() as url, open_client(NetworkGuard(lambda: True), LIMIT) as http:
        with pytest.raises(LocalOnlyError):
            await http.get(f"{url}/", follow_redirects=True)


async def test_this_machine_is_reached_without_the_proxy_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    double, proxy = HttpDouble(), HttpDouble()
    double.then("/", json_reply({}))
    async with double.serving() as url, proxy.serving() as proxy_url:
        monkeypatch.setenv("http_proxy", proxy_url)
        monkeypatch.setenv("no_proxy", "")
        async with open_client(NetworkGuard(lambda: True), LIMIT, uses_system_proxy=True) as http:
            assert (await http.get(f"{url}/")).status_code == 200
    assert (len(double.heard), proxy.heard) == (1, [])


async def test_the_internet_is_reached_by_the_proxy_of_the_system_while_it_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = HttpDouble()
    proxy.then("http://does-not-exist.invalid/x", json_reply({"by": "proxy"}))
    is_local_only = False
    async with proxy.serving() as proxy_url:
        monkeypatch.setenv("http_proxy", proxy_url)
        monkeypatch.setenv("no_proxy", "")
        async with open_client(NetworkGuard(lambda: is_local_only), LIMIT, uses_system_proxy=True) as http:
            assert (await http.get("http://does-not-exist.invalid/x")).json() == {"by": "proxy"}
            is_local_only = True  # it counts at once
            with pytest.raises(LocalOnlyError):
                await http.get("http://does-not-exist.invalid/x")
    assert len(proxy.heard) == 1


async def test_a_knock_tells_who_listens_and_knocks_nowhere_else() -> None:
    guard = NetworkGuard(lambda: True)
    async with HttpDouble().serving() as url:
        assert await answers(url, guard)
    assert not await answers("http://127.0.0.1:9", guard)
    with pytest.raises(LocalOnlyError):
        await answers("http://does-not-exist.invalid", guard)
    await asyncio.sleep(0)


#: Runs the program's own ways out under a witness: every name that is looked up and every address that is connected to.
WITNESS = """
import asyncio, json, socket, sys
from contextlib import aclosing

seen = []
def witness(event, arguments):
    if event == "socket.connect" or event == "socket.sendto":
        note(arguments[1][0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        note(arguments[0])
def note(host):
    seen.append(host.decode() if isinstance(host, bytes) else str(host))
sys.addaudithook(witness)

from pathlib import Path
from ai4artsed_desktop.adapters.assembly import assemble
from ai4artsed_desktop.adapters.paths import find_paths
from ai4artsed_desktop.adapters.downloads import Downloader, DownloadSpec
from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.text_models import ChatMessage, TextModelInfo, TextRequest

async def attempt(name, work):
    try:
        await work
        said[name] = "done"
    except AppError as exc:
        said[name] = type(exc).__name__

async def speak(engine, provider):
    info = TextModelInfo(f"{provider}/m", "m", provider)  # as if it were local: the gate below must still hold
    async with aclosing(engine.models.stream(info, TextRequest(messages=(ChatMessage("user", "secret"),)))) as deltas:
        async for _ in deltas:
            pass

async def ask(url):
    import httpx
    from ai4artsed_desktop.adapters.http import open_client
    from ai4artsed_desktop.adapters.local_only import NetworkGuard
    async with open_client(NetworkGuard(lambda: local_only), httpx.Timeout(3.0)) as http:
        try:
            await http.get(url)
        except httpx.TransportError:
            pass

async def main():
    assembly = assemble(find_paths())
    engine = assembly.engine
    engine.change_settings(
        local_only=local_only,
        ollama_address="http://ollama.invalid:11434",
        # Names that lead nowhere: the run with the switch off must not reach anybody either.
        providers={name: f"https://{name}.invalid/v1" for name in ("openai", "openrouter", "mistral", "vllm")},
    )
    await assembly.engine.model_services.put_key("openai", "sk-1")
    await assembly.engine.model_services.put_key("openrouter", "sk-1")
    await assembly.engine.model_services.put_key("mistral", "sk-1")
    await attempt("list", engine.models.list_models())
    for provider in ("ollama", "openai", "openrouter", "mistral", "vllm"):
        await attempt(provider, speak(engine, provider))
    library = assembly.engine.served_models._server
    await attempt("pull", library.pull("qwen3:8b", lambda *_: None))
    spec = DownloadSpec("x", "https://download.invalid/x", "x", 3, "0" * 64)
    await attempt("download", Downloader(lambda: local_only, pause_s=0).download(spec, Path(sys.argv[2]), print))
    await attempt("client", ask("http://client.invalid/"))
    await assembly.aclose()

said, local_only = {}, sys.argv[1] == "on"
asyncio.run(main())
print(json.dumps({"seen": sorted(set(seen)), "said": said}))
"""


def witnessed(switch: str, home: Path) -> tuple[list[str], dict[str, str]]:
    """Return the hosts that were looked up or connected to, and how each attempt ended."""
    kept = ("PATH", "SYSTEMROOT", "LANG", "PYTHONPATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", WITNESS, switch, str(home)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
        env={
            **environment,
            "AI4ARTSED_HOME": str(home),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        },
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return told["seen"], told["said"]


#: Every way out that the witness watches.
TEXT_MODELS = ("ollama", "openai", "openrouter", "mistral", "vllm")
OTHERS = ("download", "client")


def test_with_the_switch_on_no_connection_and_no_lookup_leaves_the_machine(tmp_path: Path) -> None:
    seen, said = witnessed("on", tmp_path)
    assert [host for host in seen if not is_loopback(host)] == []
    refused = (*TEXT_MODELS, "pull", *OTHERS)
    assert {name: said[name] for name in refused} == dict.fromkeys(refused, "LocalOnlyError")


def test_the_witness_sees_what_leaves_while_the_switch_is_off(tmp_path: Path) -> None:
    seen, _ = witnessed("off", tmp_path)
    assert set(seen) == {f"{name}.invalid" for name in (*TEXT_MODELS, *OTHERS)}


#: Where clients may be made, and who may open sockets by other means, each after asking the guard.
CLIENT_MAKERS = {"adapters/http.py"}
SOCKET_OPENERS = {"adapters/local_only.py"}


@cache
def calls() -> list[tuple[str, str]]:
    """Every call in the program as (module, dotted name)."""
    return [
        (path.relative_to(PROGRAM).as_posix(), ast.unparse(node.func))
        for path in PROGRAM.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    ]


def test_no_module_makes_an_http_client_of_its_own() -> None:
    direct = {"httpx.AsyncClient", "httpx.Client", "AsyncClient", "httpx.AsyncHTTPTransport", "httpx.HTTPTransport"}
    direct |= {f"httpx.{verb}" for verb in ("get", "post", "put", "head", "request", "stream", "delete")}
    direct |= {"urllib.request.urlopen", "urlopen", "socket.create_connection", "requests.get"}
    assert {module for module, name in calls() if name in direct} == CLIENT_MAKERS


def test_whoever_opens_a_socket_asks_the_guard() -> None:
    openers = {"asyncio.open_connection", "loop.create_connection", "websockets.connect", "connect"}
    found = {module for module, name in calls() if name in openers and module.startswith("adapters/")}
    for module in found - SOCKET_OPENERS:
        assert "guard" in (PROGRAM / module).read_text("utf-8"), f"{module} opens sockets and asks nobody"
