"""NVML through the real binding over a fake library: every figure, and everything a driver does wrong."""

from __future__ import annotations

import ctypes
import itertools
import os
import subprocess
import sys
from collections.abc import Generator
from dataclasses import replace

import pytest

from ai4artsed_desktop.adapters.gpu import nvml as nvml_module
from ai4artsed_desktop.adapters.gpu.nvml import RETRY_PAUSES_S, NvmlSampler
from ai4artsed_desktop.domain.gpu import Gpu, GpuSnapshot
from tests.support import fake_nvml as fake
from tests.support.fake_nvml import GIB, FakeCard, FakeNvml, installed


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def library() -> Generator[FakeNvml]:
    with installed(FakeNvml(FakeCard())) as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sampler(clock: Clock, library: FakeNvml) -> Generator[NvmlSampler]:
    made = NvmlSampler(clock=clock)
    yield made
    made.close()


def only(snapshot: GpuSnapshot) -> Gpu:
    (gpu,) = snapshot.gpus
    return gpu


def test_every_figure_of_a_card_is_read_in_its_unit(sampler: NvmlSampler, library: FakeNvml) -> None:
    library.cards[0].reasons = 0x01 | 0x04 | 0x20 | 0x40
    snapshot = sampler.sample()
    assert snapshot.driver_version == "580.65.06" and snapshot.reason is None and snapshot.notes == ()
    gpu = only(snapshot)
    assert gpu.name == "NVIDIA GeForce RTX 4090" and gpu.uuid.startswith("GPU-1111")
    assert (gpu.total_bytes, gpu.used_bytes, gpu.reserved_bytes) == (24 * GIB, 2 * GIB, GIB // 2)
    assert gpu.free_bytes == 24 * GIB - 2 * GIB - GIB // 2
    assert (gpu.utilisation_percent, gpu.power_w, gpu.power_limit_w, gpu.energy_j) == (45, 230.5, 450.0, 1000.0)
    assert (gpu.temperature_c, gpu.graphics_mhz, gpu.memory_mhz) == (61, 2520, 10_501)
    assert gpu.throttle == ("power_cap", "heat")
    assert gpu.processes == () and not gpu.is_unified and gpu.problem is None


def test_several_cards_are_told_apart(sampler: NvmlSampler, library: FakeNvml) -> None:
    library.cards.append(FakeCard(name=b"NVIDIA RTX A6000", uuid=b"GPU-2", total=48 * GIB, used=0))
    snapshot = sampler.sample()
    assert [(gpu.index, gpu.name) for gpu in snapshot.gpus] == [(0, "NVIDIA GeForce RTX 4090"), (1, "NVIDIA RTX A6000")]
    assert snapshot.main is snapshot.gpus[1]


def test_who_holds_memory_is_named_once_even_if_it_computes_and_draws(sampler: NvmlSampler, library: FakeNvml) -> None:
    card, pid = library.cards[0], os.getpid()
    card.processes = {pid: 5 * GIB, 4_000_000_000: GIB}
    card.drawing = {pid: 5 * GIB, 0: GIB}
    processes = only(sampler.sample()).processes
    assert processes is not None
    assert [(p.pid, p.used_bytes, p.kind) for p in processes] == [
        (pid, 5 * GIB, "other"),
        (4_000_000_000, GIB, "other"),
    ]
    assert processes[1].name == "pid 4000000000"


def test_a_driver_without_sizes_per_process_says_so(sampler: NvmlSampler, library: FakeNvml) -> None:
    library.cards[0].processes = {os.getpid(): fake.NOTHING_64}
    snapshot = sampler.sample()
    processes = only(snapshot).processes
    assert processes is not None and [p.used_bytes for p in processes] == [None]
    assert [note.key for note in snapshot.notes] == ["gpu.note.no_process_sizes"]
    assert only(snapshot).bytes_of("other") is None


@pytest.mark.parametrize("code", [fake.NOT_SUPPORTED, fake.NO_PERMISSION])
def test_a_driver_that_names_no_processes_says_so(sampler: NvmlSampler, library: FakeNvml, code: int) -> None:
    for version in ("v2", "v3"):
        for kind in ("Compute", "Graphics"):
            library.cards[0].failing[f"nvmlDeviceGet{kind}RunningProcesses_{version}"] = code
    snapshot = sampler.sample()
    assert only(snapshot).processes is None and only(snapshot).bytes_of("comfyui") is None
    assert [note.key for note in snapshot.notes] == ["gpu.note.no_processes"]
    assert only(snapshot).used_bytes == 2 * GIB


def test_under_wsl_an_empty_list_means_unknown(
    sampler: NvmlSampler, library: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvml_module.platform, "release", lambda: "5.15.167.4-microsoft-standard-WSL2")
    snapshot = sampler.sample()
    assert only(snapshot).processes is None
    assert [note.key for note in snapshot.notes] == ["gpu.note.wsl"]


FIGURES: dict[str, tuple[str, ...]] = {
    "utilisation_percent": ("nvmlDeviceGetUtilizationRates",),
    "power_w": ("nvmlDeviceGetPowerUsage",),
    "power_limit_w": ("nvmlDeviceGetEnforcedPowerLimit",),
    "energy_j": ("nvmlDeviceGetTotalEnergyConsumption",),
    "temperature_c": ("nvmlDeviceGetTemperature", "nvmlDeviceGetTemperatureV"),
    "graphics_mhz": ("nvmlDeviceGetClockInfo",),
    "throttle": ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"),
}


@pytest.mark.parametrize("code", [fake.NOT_SUPPORTED, fake.NO_PERMISSION, fake.INVALID])
@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_the_card_does_not_give_is_unknown_and_the_others_stay(
    sampler: NvmlSampler, library: FakeNvml, figure: str, code: int
) -> None:
    whole = only(sampler.sample())
    assert getattr(whole, figure) is not None
    library.cards[0].failing = dict.fromkeys(FIGURES[figure], code)
    part = only(sampler.sample())
    assert getattr(part, figure) is None
    also = {"memory_mhz": None} if figure == "graphics_mhz" else {}
    assert part == replace(whole, **{figure: None}, **also)


def test_an_older_driver_without_the_newer_functions_still_gives_every_figure(
    sampler: NvmlSampler, library: FakeNvml
) -> None:
    library.missing = {
        "nvmlDeviceGetMemoryInfo_v2",
        "nvmlDeviceGetTemperatureV",
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlDeviceGetComputeRunningProcesses_v3",
        "nvmlDeviceGetGraphicsRunningProcesses_v3",
    }
    library.cards[0].processes = {os.getpid(): GIB}
    gpu = only(sampler.sample())
    assert gpu.total_bytes == 24 * GIB and gpu.free_bytes == library.cards[0].free and gpu.reserved_bytes is None
    assert gpu.temperature_c == 61 and gpu.throttle == ()
    assert [p.used_bytes for p in gpu.processes or ()] == [GIB]


def test_a_card_without_memory_of_its_own_shows_the_machines(sampler: NvmlSampler, library: FakeNvml) -> None:
    for name in ("nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMemoryInfo_v2"):
        library.cards[0].failing[name] = fake.NOT_SUPPORTED
    snapshot = sampler.sample()
    gpu = only(snapshot)
    assert gpu.is_unified and gpu.total_bytes and gpu.free_bytes and gpu.used_bytes is not None
    assert gpu.used_bytes + gpu.free_bytes == gpu.total_bytes
    assert [note.key for note in snapshot.notes] == ["gpu.note.unified"]


@pytest.mark.parametrize(
    ("change", "unknown"),
    [
        ({"total": fake.NOTHING_64}, {"total_bytes", "used_bytes", "free_bytes", "reserved_bytes"}),
        ({"used": fake.NOTHING_64}, {"used_bytes"}),
        ({"reserved": fake.NOTHING_64}, {"reserved_bytes"}),
        ({"utilisation": fake.NOTHING_32}, {"utilisation_percent"}),
        ({"power": fake.NOTHING_32}, {"power_w"}),
        ({"power_limit": fake.NOTHING_32}, {"power_limit_w"}),
        ({"energy": fake.NOTHING_64}, {"energy_j"}),
        ({"temperature": fake.NOTHING_32}, {"temperature_c"}),
    ],
)
def test_a_figure_that_cannot_be_true_is_unknown(
    sampler: NvmlSampler, library: FakeNvml, change: dict[str, int], unknown: set[str]
) -> None:
    for name, value in change.items():
        setattr(library.cards[0], name, value)
    gpu = only(sampler.sample())
    known = ("total_bytes", "used_bytes", "reserved_bytes", "utilisation_percent", "power_w", "power_limit_w")
    known += ("energy_j", "temperature_c")
    missing = {name for name in known if getattr(gpu, name) is None}
    assert missing == unknown - {"free_bytes"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"\xff\xfe\x80 RTX", "NVIDIA"),
        (b"", "NVIDIA"),
        (b"RTX\x1b[31m\n4090", "RTX[31m4090"),
        (b"X" * 95, "X" * 80),
        ("Geforce Für Ämter".encode(), "Geforce Für Ämter"),
    ],
)
def test_any_name_can_be_shown(sampler: NvmlSampler, library: FakeNvml, name: bytes, shown: str) -> None:
    library.cards[0].name = name
    assert only(sampler.sample()).name == shown


def test_a_uuid_that_is_no_text_gets_a_stand_in(sampler: NvmlSampler, library: FakeNvml) -> None:
    library.cards[0].uuid = b"\xff\xff"
    assert only(sampler.sample()).uuid == "index-0"


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (fake.DRIVER_NOT_LOADED, "gpu.reason.driver_not_loaded"),
        (fake.LIB_RM_VERSION_MISMATCH, "gpu.reason.driver_changed"),
        (fake.NO_PERMISSION, "gpu.reason.no_permission"),
        (fake.UNKNOWN, "gpu.reason.failed"),
    ],
)
def test_a_driver_that_does_not_start_is_a_reason(sampler: NvmlSampler, library: FakeNvml, code: int, key: str) -> None:
    library.init_error = code
    snapshot = sampler.sample()
    assert snapshot.gpus == () and snapshot.reason is not None and snapshot.reason.key == key


def test_no_library_at_all_is_a_reason(clock: Clock) -> None:
    with fake.no_library():
        snapshot = NvmlSampler(clock=clock).sample()
    assert snapshot.reason is not None and snapshot.reason.key == "gpu.reason.no_driver"


def test_a_library_too_old_to_start_is_a_reason(sampler: NvmlSampler, library: FakeNvml) -> None:
    library.missing = {"nvmlInitWithFlags"}
    snapshot = sampler.sample()
    assert snapshot.reason is not None and snapshot.reason.key == "gpu.reason.old_driver"


def test_a_driver_without_a_card_is_a_reason(sampler: NvmlSampler, library: FakeNvml) -> None:
    library.cards.clear()
    snapshot = sampler.sample()
    assert snapshot.gpus == () and snapshot.reason is not None and snapshot.reason.key == "gpu.reason.no_gpu"


def test_a_failing_driver_is_asked_again_with_growing_pauses_only(
    sampler: NvmlSampler, library: FakeNvml, clock: Clock
) -> None:
    library.init_error = fake.DRIVER_NOT_LOADED
    tries: list[float] = []
    for _ in range(600):
        before = library.calls["nvmlInitWithFlags"]
        sampler.sample()
        if library.calls["nvmlInitWithFlags"] > before:
            tries.append(clock.now_s)
        clock.now_s += 0.25
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert pauses[: len(RETRY_PAUSES_S)] == list(RETRY_PAUSES_S) and pauses[-1] == RETRY_PAUSES_S[-1]


@pytest.mark.parametrize("code", [fake.UNINITIALIZED, fake.DRIVER_NOT_LOADED, fake.UNKNOWN])
def test_a_driver_lost_in_mid_flight_is_said_and_found_again(
    sampler: NvmlSampler, library: FakeNvml, clock: Clock, code: int
) -> None:
    assert sampler.sample().gpus
    library.global_error = code
    lost = sampler.sample()
    assert lost.gpus == () and lost.reason is not None and lost.reason.key == "gpu.reason.driver_lost"
    assert sampler.sample().reason == lost.reason  # and not asked before its time
    assert library.starts == 1
    library.global_error = fake.SUCCESS
    clock.now_s += RETRY_PAUSES_S[0]
    assert sampler.sample().gpus and library.starts == 2


def test_one_lost_card_of_two_does_not_hide_the_other(sampler: NvmlSampler, library: FakeNvml, clock: Clock) -> None:
    library.cards.append(FakeCard(uuid=b"GPU-2", name=b"Second"))
    assert all(gpu.problem is None for gpu in sampler.sample().gpus)
    library.cards[1].is_lost = True
    first, second = sampler.sample().gpus
    assert first.used_bytes == 2 * GIB and first.problem is None
    assert second.name == "Second" and second.uuid == "GPU-2" and second.used_bytes is None
    assert second.problem is not None and second.problem.key == "gpu.reason.lost"
    clock.now_s += RETRY_PAUSES_S[0]
    first, second = sampler.sample().gpus  # the library was started anew: only that can find a card again
    assert library.starts == 2 and first.problem is None
    assert (second.name, second.uuid) == ("Second", "GPU-2") and second.problem is not None
    library.cards[1].is_lost = False
    clock.now_s += RETRY_PAUSES_S[1]
    assert all(gpu.problem is None for gpu in sampler.sample().gpus)


def test_a_count_of_processes_that_cannot_be_is_no_crash(
    sampler: NvmlSampler, library: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hostile(name: str, handle: int, count: int, out: int | None) -> int:
        ctypes.cast(count, ctypes.POINTER(ctypes.c_uint)).contents.value = 0x7FFF_FFF0
        return fake.INSUFFICIENT_SIZE

    monkeypatch.setattr(library, "_processes", hostile)
    gpu = only(sampler.sample())
    assert gpu.processes is None and gpu.used_bytes == 2 * GIB


def test_close_lets_the_driver_go(library: FakeNvml, clock: Clock) -> None:
    sampler = NvmlSampler(clock=clock)
    sampler.sample()
    sampler.close()
    assert not library.is_up and library.calls["nvmlShutdown"] == 1


def test_a_machine_without_a_driver_does_not_pay_for_the_binding() -> None:
    code = "import sys; from ai4artsed_desktop.adapters.gpu.nvml import NvmlSampler; "
    code += "reason = NvmlSampler().sample().reason; "
    code += "print(reason is not None and reason.key == 'gpu.reason.no_driver', 'pynvml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() in (["True", "False"], ["False", "True"]), "imported only where there is a library"
