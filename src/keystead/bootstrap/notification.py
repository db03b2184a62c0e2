"""What watches over installations in the coordinator's process: the log, receivers on the web, and metrics."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from keystead.bootstrap.role_configuration import CoordinatorConfiguration
from keystead.components.coordinator.coordinator import Report
from keystead.components.coordinator.delay import Notice
from keystead.components.coordinator.watch import Watch
from keystead.core.ports import Clock, Randomness
from keystead.core.protocols.coordination import Status
from keystead.errors import FormatError, OperatorError
from keystead.transport.webhook import Webhook, webhook_url

_LOOPBACK: Final = "127.0.0.1"


class Posted:
    """A receiver that gets notices as JSON."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook

    def notify(self, notice: Notice) -> None:
        """Have the notice posted."""
        self._webhook.send(msgspec.json.encode(notice))


class Metrics:
    """How the domain is, as Prometheus reads it. The server's thread reads what the event loop sets."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._version = self._gauge("keystead_domain_version", "Version that every member has")
        self._installing = self._gauge("keystead_installation_version", "Version that is being installed, or 0")
        self._delayed = self._gauge("keystead_installation_delayed", "1 while an installation is delayed")
        self._waited_for = self._gauge("keystead_member_waited_for", "1 while an installation waits for it", "member")
        self._reachable = self._gauge("keystead_member_reachable", "1 while the coordinator reaches it", "member")
        self._members: frozenset[str] = frozenset()

    def observe(self, status: Status, delayed: Notice | None) -> None:
        """Set everything anew."""
        self._version.set(status.version)
        self._installing.set(status.in_flight or 0)
        self._delayed.set(delayed is not None)
        members = {one.name: one for one in status.modules if one.name}
        for name, one in members.items():
            self._waited_for.labels(name).set(one.waited_for)
            self._reachable.labels(name).set(one.reachable)
        for name in self._members - members.keys():
            self._waited_for.remove(name)
            self._reachable.remove(name)
        self._members = frozenset(members)

    def serve(self, port: int) -> Callable[[], None]:
        """Answer Prometheus at a port of the loopback address; return what ends that. Raises OperatorError."""
        try:
            server, thread = start_http_server(port, _LOOPBACK, self.registry)
        except OSError as error:
            raise OperatorError(
                f"cannot serve metrics at port {port}: {error.strerror}", "choose another metrics_port"
            ) from None

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return end

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(name, meaning, labels, registry=self.registry)


class Notification:
    """Watch, receivers and metrics of one coordinator."""

    def __init__(
        self,
        configuration: CoordinatorConfiguration,
        status: Callable[[], Status],
        clock: Clock,
        randomness: Randomness,
        report: Report,
    ) -> None:
        """Begin to serve metrics; raises OperatorError for a port that is taken, or a receiver that may not be told."""
        self._webhooks = [_webhook(text, randomness, report) for text in configuration.notify]
        self._metrics = Metrics()
        port = configuration.metrics_port
        self._end_metrics = None if port is None else self._metrics.serve(port)
        receivers = [Posted(webhook) for webhook in self._webhooks]
        patience = configuration.notify_after * 1000
        self._watch = Watch(status, receivers, self._metrics, clock, report, patience)

    async def run(self) -> None:
        """Watch until cancelled; nothing is served afterwards."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch.run())
                for webhook in self._webhooks:
                    tasks.create_task(webhook.run())
        finally:
            if self._end_metrics is not None:
                self._end_metrics()


def _webhook(text: str, randomness: Randomness, report: Report) -> Webhook:
    try:
        return Webhook(webhook_url(text), randomness, report)
    except FormatError as error:
        # The URL may hold a secret, so it is not repeated.
        raise OperatorError(f"a URL in notify cannot be used: {error}", "write https://host/path") from None
