"""The recipe of a front end of the cryptography service."""

import asyncio
import resource
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path

from keystead.bootstrap.configuration import load
from keystead.bootstrap.following import follow_modules
from keystead.bootstrap.host import HostClock
from keystead.bootstrap.listener import bind, check_exposure
from keystead.bootstrap.logs import logger
from keystead.bootstrap.membership import operator_identity, pinned_domain
from keystead.bootstrap.request_quotas import rates
from keystead.bootstrap.role_configuration import CryptographyConfiguration
from keystead.bootstrap.running import run, until_told_to_stop
from keystead.components.cryptography_service.admitted import Admission
from keystead.components.cryptography_service.application import Application, Report
from keystead.components.cryptography_service.executed import Execution
from keystead.components.cryptography_service.health import HealthCheck
from keystead.components.cryptography_service.located import Records
from keystead.components.cryptography_service.records_cache import RecordsCache
from keystead.components.cryptography_service.request_ids import RequestIds
from keystead.components.cryptography_service.server import Server, make_server
from keystead.components.key_repository.sqlite_reading import SqliteKeyReader
from keystead.components.key_repository.sqlite_writing import SqliteKeyWriter
from keystead.errors import OperatorError, RepositoryUnavailable
from keystead.primitives.process import harden_process
from keystead.primitives.randomness import SystemRandomness
from keystead.transport.authentication_link import AuthenticationLink
from keystead.transport.domain_directory import follow
from keystead.transport.fleet import Fleet
from keystead.transport.sql import Connection, WriterThread, connect_to_read
from keystead.transport.unix import UnixNetwork


def serve(config: Path) -> int:
    """Run a front end until told to stop; then finish what is in flight. Raises OperatorError."""
    harden_process(strict=False)
    configuration = load(config, CryptographyConfiguration)
    tls = _tls(configuration)
    check_exposure(configuration.host, tls=tls is not None)
    quotas = rates(configuration.request_quotas)
    identity = operator_identity(configuration.operator_key)
    domain = pinned_domain(configuration.domain_directory, configuration.domain)
    clock, randomness, network = HostClock(), SystemRandomness(), UnixNetwork()
    fleet = Fleet(network, configuration.modules, identity, domain, clock, randomness)
    authentication = AuthenticationLink(network, configuration.authentication, identity.operator, identity.key)
    repository = Path(configuration.repository)
    reader = SqliteKeyReader(_reading(repository))
    writing = WriterThread(repository)
    cache = RecordsCache(reader, clock)
    execution = Execution(Records(reader, cache), cache, fleet, SqliteKeyWriter(writing), randomness)
    health = HealthCheck(lambda: fleet.live, authentication, reader)
    admission = Admission(clock, quotas)
    application = Application(authentication, admission, execution, health, RequestIds(randomness), _report())
    _allow_connections()
    with _listener(configuration) as listener:
        links = (
            fleet.run(),
            authentication.run(),
            follow(domain, _complaint("domain_directory_not_followed")),
            follow_modules(config, CryptographyConfiguration, fleet.use, _complaint("configuration_not_followed")),
        )
        run(_serve(make_server(application, tls), listener, links))
    writing.close()
    return 0


async def _serve(server: Server, listener: socket.socket, lasting: Iterable[Coroutine[object, object, None]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        links = [tasks.create_task(one) for one in lasting]
        serving = tasks.create_task(server.serve(sockets=[listener]))
        await until_told_to_stop()
        server.stop()
        await serving
        for link in links:
            link.cancel()


def _allow_connections() -> None:
    """Use all file descriptors that the host allows: each connection takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _complaint(event: str) -> Callable[[str], None]:
    log = logger("cryptography")
    return lambda reason: log.error(event, reason=reason)


def _report() -> Report:
    log = logger("cryptography")

    def report(request_id: str, kind: str) -> None:
        log.error("request_failed", request=request_id, kind=kind)

    return report


def _listener(configuration: CryptographyConfiguration) -> socket.socket:
    if configuration.listener is None:
        return bind(configuration.host, configuration.port)
    try:
        return socket.socket(fileno=configuration.listener)
    except OSError as error:
        raise OperatorError(
            f"file descriptor {configuration.listener} is not a socket: {error.strerror}",
            "remove listener from the configuration, or hand one down",
        ) from None


def _tls(configuration: CryptographyConfiguration) -> ssl.SSLContext | None:
    """The server's context: TLS 1.2 or newer; None without a certificate."""
    certificate, key = configuration.tls_cert, configuration.tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise OperatorError("TLS needs a certificate and its key", "give both tls_cert and tls_key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise OperatorError(
            f"cannot use the certificate {certificate} with the key {key}: {error.strerror or type(error).__name__}",
            "check both files",
        ) from None
    return context


def _reading(path: Path) -> Connection:
    try:
        return connect_to_read(path)
    except RepositoryUnavailable as error:
        raise OperatorError(f"cannot read the key repository {path}: {error}", "make it with keystead up") from None
