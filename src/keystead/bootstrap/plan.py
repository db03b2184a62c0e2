"""What ``keystead up`` is to run: the choices of this start joined with those of the first."""

from pathlib import Path

import msgspec

from keystead.bootstrap import request_quotas
from keystead.bootstrap.data_directory import DEFAULT_ACCOUNT, DEFAULT_REGION, DataDirectory, check_choices
from keystead.errors import OperatorError
from keystead.interfaces.cli.app import UpOptions


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that the supervisor needs to know; handed to it as its only argument."""

    data: str
    host: str
    port: int
    listener: int
    """File descriptor of the listening socket, inherited."""
    region: str
    account_id: str
    tls_cert: str | None
    tls_key: str | None
    request_quotas: tuple[str, ...] = ()
    """As they were given, ``NAME=RATE``."""
    attestation_roots: tuple[str, ...] = ()
    """PEM files."""

    @property
    def endpoint(self) -> str:
        """Return the URL that clients on this host use."""
        scheme = "http" if self.tls_cert is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    def written(self) -> str:
        """Return the plan as an argument."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, argument: str) -> "Plan":
        """Return the plan in an argument."""
        return msgspec.json.decode(argument, type=cls)


def planned(directory: DataDirectory, options: UpOptions, listener: int, port: int) -> Plan:
    """Return the plan; raises OperatorError if a choice contradicts the first start, or half a pair is given."""
    if (options.tls_cert is None) != (options.tls_key is None):
        raise OperatorError("TLS needs a certificate and its key", "give both --tls-cert and --tls-key")
    request_quotas.read(options.request_quotas)
    decided = directory.installation()
    region = _chosen("region", options.region, None if decided is None else decided.region, DEFAULT_REGION)
    account = _chosen("account", options.account_id, None if decided is None else decided.account_id, DEFAULT_ACCOUNT)
    check_choices(account, region)
    return Plan(
        data=str(directory.path),
        host=options.host,
        port=port,
        listener=listener,
        region=region,
        account_id=account,
        tls_cert=_absolute(options.tls_cert),
        tls_key=_absolute(options.tls_key),
        request_quotas=options.request_quotas,
        attestation_roots=tuple([_file(path) for path in options.attestation_roots]),
    )


def _chosen(name: str, asked: str | None, decided: str | None, default: str) -> str:
    if decided is None:
        return asked or default
    if asked not in (None, decided):
        raise OperatorError(
            f"this data directory was made for {name} {decided}", "leave the option out, or start another directory"
        )
    return decided


def _absolute(path: Path | None) -> str | None:
    return None if path is None else _file(path)


def _file(path: Path) -> str:
    if not path.is_file():
        raise OperatorError(f"there is no file {path}", "name a PEM file")
    return str(path.resolve())
