"""What the coordinator's configuration says about notices and metrics, and what monitoring then reads."""

import asyncio
import socket
from contextlib import suppress
from urllib.request import urlopen

import msgspec
import pytest

from keystead.bootstrap.notification import Metrics, Notification
from keystead.bootstrap.role_configuration import CoordinatorConfiguration
from keystead.components.coordinator.delay import delay
from keystead.core.protocols.coordination import ModuleStatus, Status
from keystead.errors import OperatorError
from keystead.identifiers import DomainId, ModuleId
from keystead.primitives.randomness import SystemRandomness
from tests.simulators.modules import SettableClock

CONFIGURATION = CoordinatorConfiguration(
    listen="", operator_key="", domain_directory="", domain="", modules=[], repository=""
)
MEMBERS = (
    ModuleStatus(ModuleId(bytes(16)), "module-1", reachable=True),
    ModuleStatus(ModuleId(bytes([1]) * 16), "module-2", reachable=False, waited_for=True),
    ModuleStatus(ModuleId(bytes([2]) * 16), "", reachable=True),
)
STATUS = Status(DomainId(bytes(32)), 3, bytes(32), 4, "accepted", MEMBERS, 0)


def value(metrics: Metrics, name: str, member: str | None = None) -> float | None:
    """Return a sample."""
    return metrics.registry.get_sample_value(f"keystead_{name}", {} if member is None else {"member": member})


@pytest.mark.requirement("P21-06")
def test_metrics_say_what_is_installed_and_who_is_waited_for() -> None:
    """Members alone have samples, as long as they are members."""
    metrics = Metrics()
    metrics.observe(STATUS, delay(STATUS, 1, 0))
    assert [value(metrics, f"{name}") for name in ("domain_version", "installation_version")] == [3, 4]
    assert value(metrics, "installation_delayed") == 1
    assert [value(metrics, "member_waited_for", f"module-{number}") for number in (1, 2)] == [0, 1]
    assert [value(metrics, "member_reachable", f"module-{number}") for number in (1, 2)] == [1, 0]
    assert value(metrics, "member_reachable", "") is None
    metrics.observe(msgspec.structs.replace(STATUS, in_flight=None, modules=MEMBERS[:1]), None)
    assert (value(metrics, "installation_version"), value(metrics, "installation_delayed")) == (0, 0)
    assert value(metrics, "member_reachable", "module-2") is None


def notification(**configured: object) -> Notification:
    """Return what a configuration asks for."""
    configuration = msgspec.structs.replace(CONFIGURATION, **configured)
    return Notification(configuration, lambda: STATUS, SettableClock(), SystemRandomness(), lambda *_, **__: None)


def free_port() -> int:
    """Return a port of the loopback address that nobody uses."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_prometheus_reads_them_at_the_loopback_address_while_the_coordinator_runs() -> None:
    """Afterwards nobody answers there."""
    port = free_port()

    async def story() -> str:
        running = asyncio.ensure_future(notification(metrics_port=port, notify_after=0).run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        read = await asyncio.to_thread(lambda: urlopen(f"http://127.0.0.1:{port}/metrics").read().decode())
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        return str(read)

    read = asyncio.run(story())
    assert "keystead_domain_version 3.0" in read
    assert 'keystead_member_waited_for{member="module-2"} 1.0' in read
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/metrics")


def test_a_port_that_is_taken_is_told() -> None:
    """Before anything else begins."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OperatorError, match="cannot serve metrics"):
            notification(metrics_port=taken.getsockname()[1])


def test_a_receiver_beyond_this_host_without_https_is_refused_and_not_repeated() -> None:
    """A URL may hold a secret."""
    with pytest.raises(OperatorError, match="not https") as refused:
        notification(notify=["http://hooks.example/secret"])
    assert "secret" not in refused.value.problem
