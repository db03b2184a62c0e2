"""The configuration of each role, as its TOML file has it; paths are relative to the process's working directory.

They stand apart from the recipes so that whoever writes them need not load what the roles load.
"""

import msgspec


class ModuleConfiguration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Configuration of a security module."""

    name: str
    """What its log calls it."""
    directory: str
    """Where its identity and its installed token rest; readable for this module alone."""
    listen: str
    """Address for operators, such as ``unix:run/module-1.sock``."""
    pin: str
    """File with the hexadecimal id of the only domain that it may join; read while the module is blank."""
    strict: bool = False
    """Refuse to start without ``memfd_secret`` (Linux 5.14), an unlimited RLIMIT_MEMLOCK, or safety from debuggers."""
    group_may_connect: bool = False
    """Whether members of the process's group may connect to its socket, or this user alone."""
    attestation_roots: list[str] = []
    """PEM files with the certificates that attestation documents of recipients must lead to; none: no recipients."""


class CoordinatorConfiguration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Configuration of the coordinator."""

    listen: str
    """Address for who brings domain tokens, such as ``unix:run/coordinator.sock``."""
    operator_key: str
    """OpenSSH private key file of this service as an operator with the permission to carry."""
    domain_directory: str
    """Where it publishes the domain's documents."""
    domain: str
    """Hexadecimal id of the domain that it is pinned to."""
    modules: list[str]
    """Addresses of the security modules; read again while it runs."""
    repository: str
    """SQLite file of the key and token repositories."""
    group_may_connect: bool = False
    """Whether members of the process's group may connect to its socket, or this user alone."""
    notify: list[str] = []
    """URLs to which a notice is posted when an installation is delayed, and when it no longer is; https."""
    notify_after: int = 30
    """Seconds that an installation may last before it counts as delayed."""
    metrics_port: int | None = None
    """Port on the loopback address where Prometheus reads metrics; none by default."""
    rotation_age: int = 0
    """Seconds after which the newest domain key is replaced; 0 for never."""
    rotation_operations: int = 0
    """Operations under the newest domain key after which it is replaced; 0 for never."""
    rotation_settle: int = 60
    """Seconds for which a former domain key is in use beside the newest, so that sessions and proofs are replaced."""


class AuthenticationConfiguration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Configuration of the authentication service."""

    directory: str
    """Where the credentials rest; readable for this service alone."""
    listen: str
    """Address for front ends, such as ``unix:run/authentication.sock``."""
    operator_key: str
    """OpenSSH private key file of this service as an operator with the permission to vouch."""
    domain_directory: str
    """Where the domain's documents are published."""
    domain: str
    """Hexadecimal id of the domain that it is pinned to."""
    modules: list[str]
    """Addresses of the security modules; read again while it runs."""
    regions: list[str]
    """Regions that requests may be signed for."""
    group_may_connect: bool = False
    """Whether members of the process's group may connect to its socket, or this user alone."""


class CryptographyConfiguration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Configuration of a front end of the cryptography service."""

    operator_key: str
    """OpenSSH private key file of this front end as an operator with the permission to serve."""
    domain_directory: str
    """Where the domain's documents are published."""
    domain: str
    """Hexadecimal id of the domain that it is pinned to."""
    modules: list[str]
    """Addresses of the security modules; read again while it runs."""
    authentication: str
    """Address of the authentication service."""
    repository: str
    """SQLite file of the key repository."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 7600
    """Port to listen on."""
    listener: int | None = None
    """File descriptor of a listening socket that is inherited; host and port only describe it then."""
    tls_cert: str | None = None
    """Certificate chain, PEM; without it the front end speaks plain HTTP."""
    tls_key: str | None = None
    """Private key of the certificate, PEM."""
    request_quotas: dict[str, float] = {}
    """Requests a second that an account may make, by quota; ``all`` for those not named, inf for no limit."""
