"""The roles of one host: the configuration that each is given, and how it is started."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from keystead.bootstrap import request_quotas
from keystead.bootstrap.configuration import dump
from keystead.bootstrap.data_directory import DOMAIN, LOGS, REPOSITORY, RUN
from keystead.bootstrap.host import HostDisk
from keystead.bootstrap.plan import Plan
from keystead.bootstrap.role_configuration import (
    AuthenticationConfiguration,
    CoordinatorConfiguration,
    CryptographyConfiguration,
    ModuleConfiguration,
)
from keystead.bootstrap.supervisor import Role

MODULES: Final = ("module-1", "module-2")
"""Those of the first start."""
COORDINATOR: Final = "coordinator"
AUTHENTICATION: Final = "authentication"
CRYPTOGRAPHY: Final = "cryptography"
OPERATOR_KEY: Final = "operator_key"


def address(name: str) -> str:
    """Return the address of a role's socket, relative to the data directory."""
    return f"unix:{RUN / name}.sock"


def pin_file(module: str) -> Path:
    """Return the file that pins a module to its domain."""
    return Path(module) / "pin"


def operator_key_file(role: str) -> Path:
    """Return the file with the operator key of a role, or of the person ``operator``."""
    return Path(role) / OPERATOR_KEY


def module_role(name: str, plan: Plan) -> Role:
    """Return a security module, with its configuration written."""
    configuration = ModuleConfiguration(
        name=name,
        directory=name,
        listen=address(name),
        pin=str(pin_file(name)),
        attestation_roots=list(plan.attestation_roots),
    )
    return _role(name, "module", configuration)


def coordinator_role(domain: str, modules: Sequence[str]) -> Role:
    """Return the coordinator, with its configuration written."""
    configuration = CoordinatorConfiguration(
        listen=address(COORDINATOR),
        operator_key=str(operator_key_file(COORDINATOR)),
        domain_directory=str(DOMAIN),
        domain=domain,
        modules=[address(name) for name in modules],
        repository=str(REPOSITORY),
    )
    return _role(COORDINATOR, COORDINATOR, configuration)


def authentication_role(domain: str, region: str, modules: Sequence[str]) -> Role:
    """Return the authentication service, with its configuration written."""
    configuration = AuthenticationConfiguration(
        directory=AUTHENTICATION,
        listen=address(AUTHENTICATION),
        operator_key=str(operator_key_file(AUTHENTICATION)),
        domain_directory=str(DOMAIN),
        domain=domain,
        modules=[address(name) for name in modules],
        regions=[region],
    )
    return _role(AUTHENTICATION, AUTHENTICATION, configuration)


def cryptography_role(domain: str, plan: Plan, modules: Sequence[str]) -> Role:
    """Return the front end, with its configuration written."""
    configuration = CryptographyConfiguration(
        operator_key=str(operator_key_file(CRYPTOGRAPHY)),
        domain_directory=str(DOMAIN),
        domain=domain,
        modules=[address(name) for name in modules],
        authentication=address(AUTHENTICATION),
        repository=str(REPOSITORY),
        host=plan.host,
        port=plan.port,
        listener=plan.listener,
        tls_cert=plan.tls_cert,
        tls_key=plan.tls_key,
        request_quotas=request_quotas.read(plan.request_quotas),
    )
    return _role(CRYPTOGRAPHY, CRYPTOGRAPHY, configuration, (plan.listener,))


def _role(name: str, kind: str, configuration: msgspec.Struct, inherited: tuple[int, ...] = ()) -> Role:
    path = RUN / f"{name}.toml"
    # Whole or not at all: a process that runs reads it again and again.
    HostDisk(RUN).write(path.name, dump(configuration).encode())
    arguments = ("serve", kind, "--config", str(path))
    return Role(name=name, arguments=arguments, log=LOGS / f"{name}.log", inherited=inherited)
