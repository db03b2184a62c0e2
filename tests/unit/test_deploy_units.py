"""The shipped systemd units give each role a user of its own and hold it tight."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keystead.bootstrap.configuration import load
from keystead.bootstrap.role_configuration import (
    AuthenticationConfiguration,
    CoordinatorConfiguration,
    CryptographyConfiguration,
    ModuleConfiguration,
)

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
SAMPLES = sorted((FOLDER / "configuration").glob("*.toml"))
KINDS: dict[str, type[msgspec.Struct]] = {
    "module": ModuleConfiguration,
    "coordinator": CoordinatorConfiguration,
    "authentication": AuthenticationConfiguration,
    "cryptography": CryptographyConfiguration,
}
OFFLINE = [path for path in SERVICES if path.name != "keystead-cryptography.service"]
Unit = dict[str, dict[str, list[str]]]

HARDENING = {
    "AmbientCapabilities": [""],
    "CapabilityBoundingSet": [""],
    "LimitCORE": ["0"],
    "LimitMEMLOCK": ["infinity"],
    "LockPersonality": ["yes"],
    "MemoryDenyWriteExecute": ["yes"],
    "MemorySwapMax": ["0"],
    "NoNewPrivileges": ["yes"],
    "PrivateDevices": ["yes"],
    "PrivateTmp": ["yes"],
    "ProcSubset": ["pid"],
    "ProtectClock": ["yes"],
    "ProtectControlGroups": ["yes"],
    "ProtectHome": ["yes"],
    "ProtectHostname": ["yes"],
    "ProtectKernelLogs": ["yes"],
    "ProtectKernelModules": ["yes"],
    "ProtectKernelTunables": ["yes"],
    "ProtectProc": ["invisible"],
    "ProtectSystem": ["strict"],
    "RemoveIPC": ["yes"],
    "RestrictNamespaces": ["yes"],
    "RestrictRealtime": ["yes"],
    "RestrictSUIDSGID": ["yes"],
    "Restart": ["always"],
    "StateDirectoryMode": ["0700"],
    "SystemCallArchitectures": ["native"],
    "SystemCallErrorNumber": ["EPERM"],
    "SystemCallFilter": ["@system-service memfd_secret", "~@privileged @resources @keyring"],
    "Type": ["exec"],
    "UMask": ["0077"],
}


def parse(path: Path) -> Unit:
    """Return the values of each key of each section in order; fail on any line that is not exactly a part of a unit."""
    unit: Unit = {}
    section = ""
    for line in path.read_text(encoding="ascii").splitlines():
        if not line or line.startswith("#"):
            continue
        if header := re.fullmatch(r"\[([A-Z][a-z]+)\]", line):
            section = header[1]
            assert section not in unit, f"{path.name} has two sections {section}"
            unit[section] = defaultdict(list)
            continue
        entry = re.fullmatch(r"([A-Za-z]+)=(\S.*\S|\S|)", line)
        assert entry is not None, f"{path.name} has a line that is no entry: {line}"
        unit[section][entry[1]].append(entry[2])
    return {name: dict(entries) for name, entries in unit.items()}


def role_of(path: Path) -> str:
    """Return the role that the unit's name promises."""
    return path.stem.removeprefix("keystead-").removesuffix("@")


def test_every_role_of_a_host_has_a_unit() -> None:
    """The four roles of the first release are all there."""
    assert {role_of(path) for path in SERVICES} == {"module", "coordinator", "authentication", "cryptography"}


@pytest.mark.parametrize("path", SERVICES, ids=role_of)
def test_a_unit_starts_its_role(path: Path) -> None:
    """A unit runs the role of its name, with that role's configuration, and nothing around it."""
    role = role_of(path)
    name = f"{role}-%i" if "@" in path.name else role
    command = f"/opt/keystead/bin/keystead serve {role} --config /etc/keystead/{name}.toml"
    service = parse(path)["Service"]
    assert service["ExecStart"] == [command]
    assert not {key for key in service if key.startswith("Exec")} - {"ExecStart"}
    assert service["StateDirectory"] == [f"keystead/{name}"]


@pytest.mark.parametrize("path", SERVICES, ids=role_of)
def test_a_unit_is_hardened(path: Path) -> None:
    """Each hardening entry stands in each unit, once and with the one value."""
    service = parse(path)["Service"]
    assert {key: service.get(key) for key in HARDENING} == HARDENING


@pytest.mark.parametrize("path", OFFLINE, ids=role_of)
def test_only_the_front_end_has_a_network(path: Path) -> None:
    """Every other role has Unix sockets in an empty network namespace."""
    service = parse(path)["Service"]
    assert service["PrivateNetwork"] == ["yes"]
    assert service["RestrictAddressFamilies"] == ["AF_UNIX"]


def test_the_front_end_has_internet_sockets_and_no_more() -> None:
    """The cryptography service may listen on the network, but has no raw, packet or netlink socket."""
    service = parse(FOLDER / "keystead-cryptography.service")["Service"]
    assert service["RestrictAddressFamilies"] == ["AF_UNIX AF_INET AF_INET6"]


def test_no_two_roles_share_a_user() -> None:
    """Each role has a user of its own, and it is never root."""
    users = [user for path in SERVICES for user in parse(path)["Service"]["User"]]
    assert sorted(users) == sorted(f"keystead-{role_of(path)}" for path in SERVICES)


def test_what_is_written_outside_of_a_role_s_own_folder() -> None:
    """The public documents of the domain have one writer, the sealed records of the repository have two."""
    writable = {role_of(path): parse(path)["Service"].get("ReadWritePaths") for path in SERVICES}
    assert {role: paths for role, paths in writable.items() if paths} == {
        "coordinator": ["/var/lib/keystead/domain /var/lib/keystead/repository"],
        "cryptography": ["/var/lib/keystead/repository"],
    }


def test_the_groups_let_in_exactly_who_may_connect() -> None:
    """A socket's group has as members its owner and the roles that have business with it."""
    members: dict[str, set[str]] = defaultdict(set)
    for path in SERVICES:
        service = parse(path)["Service"]
        for group in service["Group"] + " ".join(service.get("SupplementaryGroups", [])).split():
            members[group].add(role_of(path))
    assert members == {
        "keystead-to-module": {"module", "coordinator", "authentication", "cryptography"},
        "keystead-to-coordinator": {"coordinator"},
        "keystead-to-authentication": {"authentication", "cryptography"},
        "keystead-to-repository": {"coordinator", "cryptography"},
        "keystead-cryptography": {"cryptography"},
    }


def test_every_user_and_group_is_declared() -> None:
    """The sysusers file makes each user and group that a unit names, as system users without a shell."""
    lines = (FOLDER / "keystead.sysusers.conf").read_text(encoding="ascii").splitlines()
    entries = [line.split(maxsplit=3) for line in lines if line and not line.startswith("#")]
    declared = {name for _kind, name, *_rest in entries}
    services = [parse(path)["Service"] for path in SERVICES]
    named = {name for service in services for key in ("User", "Group") for name in service[key]}
    named |= {name for service in services for name in " ".join(service.get("SupplementaryGroups", [])).split()}
    assert named == declared
    assert all(identity == "-" for _kind, _name, identity, *_rest in entries)


def sample(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the role that a sample configuration is for, with all that the role would read in it."""
    role = path.stem.partition("-")[0]
    return role, msgspec.structs.asdict(load(path, KINDS[role]))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_configuration_stays_where_its_unit_lets_it(path: Path) -> None:
    """It can be read by its role, and names files of its own state folder and of those that are shared alone."""
    role, fields = sample(path)
    own = f"/var/lib/keystead/{path.stem}"
    shared = {"domain_directory": "/var/lib/keystead/domain", "repository": "/var/lib/keystead/repository"}
    for name in ("directory", "operator_key", "pin", "domain_directory", "repository"):
        if name in fields:
            place = Path(str(fields[name]))
            assert place.is_relative_to(shared.get(name, own)), name
    if "listen" in fields:
        assert fields["listen"] == f"unix:/run/keystead/{path.stem}/socket"
        assert fields["group_may_connect"] is True
    assert fields.get("strict", True) is True, role


def test_every_address_in_a_sample_configuration_is_listened_at() -> None:
    """Who is to be connected to listens there; there is a configuration for each unit that the target starts."""
    roles, configurations = zip(*map(sample, SAMPLES), strict=True)
    assert set(roles) == {role_of(path) for path in SERVICES}
    listening = {fields["listen"] for fields in configurations if "listen" in fields}
    for fields in configurations:
        addresses = [*fields.get("modules", ()), *filter(None, [fields.get("authentication")])]
        assert set(addresses) <= listening


def test_the_target_starts_every_unit() -> None:
    """Starting the target starts each role; every role stops with it."""
    wanted = " ".join(parse(FOLDER / "keystead.target")["Unit"]["Wants"]).split()
    assert {re.sub(r"@[0-9]+", "@", name) for name in wanted} == {path.name for path in SERVICES}
    for path in SERVICES:
        unit = parse(path)
        assert unit["Unit"]["PartOf"] == unit["Install"]["WantedBy"] == ["keystead.target"]
