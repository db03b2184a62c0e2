"""One request, signed with everything that operators have, on a machine that has nothing but copied documents."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keystead.bootstrap.commands import HostCommands
from keystead.bootstrap.governing import files
from keystead.bootstrap.host import HostDisk
from keystead.core.domain.change_request import NAMESPACE
from keystead.core.domain.quorum import Rules
from keystead.core.domain.state import Operator, Permission
from keystead.core.domain.succession import approve
from keystead.interfaces.cli.app import run
from keystead.primitives.openssh import OperatorKey
from keystead.transport.domain_directory import publish_genesis
from tests.simulators.parties import Parties, Person, k_of

PASSPHRASE = "an example"
NAMES = ("ada", "ben", "cy")


def ssh_keygen(*arguments: str, **environment: str) -> None:
    """Run the real program."""
    subprocess.run(["ssh-keygen", "-q", *arguments], check=True, env=os.environ | environment)


def keystead(*arguments: object) -> int:
    """Run a command line."""
    return run(HostCommands(), [str(one) for one in arguments])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a key of each operator, made by ssh-keygen."""
    folder = tmp_path_factory.mktemp("keys")
    for name in NAMES:
        ssh_keygen("-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name))
    return folder


@pytest.fixture
def parties(keys: Path) -> Parties:
    """Two of three must sign."""
    people = []
    for name in NAMES:
        key = OperatorKey.load((keys / name).read_bytes(), name)
        people.append(Person(key, Operator.of(name, key.public, frozenset({Permission.GOVERN}))))
    return Parties(people, ("module-1",), Rules(k_of(2, *people)))


@pytest.fixture
def copied(parties: Parties, tmp_path: Path) -> list[object]:
    """Return the options that name the copied documents."""
    publish_genesis(HostDisk(tmp_path / "domain", public=True), parties.genesis)
    return ["--domain-directory", tmp_path / "domain", "--domain", parties.state.domain.hex()]


@pytest.fixture
def request_file(copied: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a request to add a domain key."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "one.request"
    assert keystead("domain", "request", *copied, "--output", path, "add-domain-key") == 0
    return path


@pytest.fixture
def agent(keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run a real ssh-agent that has the key of ben."""
    address = str(tmp_path / "agent")
    running = subprocess.Popen(["ssh-agent", "-D", "-a", address], stdout=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", address)
    subprocess.run(["ssh-add", "-q", str(keys / "ben")], check=True)
    yield
    running.terminate()
    running.communicate()


@pytest.mark.requirement("CONS-02", "CHG-01", "CHG-05", "DOM-13")
@pytest.mark.usefixtures("agent")
def test_signatures_of_every_origin_make_one_quorum(
    request_file: Path, keys: Path, parties: Parties, copied: list[object]
) -> None:
    """A key file, a real ssh-agent and the real ssh-keygen sign the very same bytes, and all are accepted."""
    folder = request_file.parent
    by_file, by_agent, by_keygen = folder / "a.sig", folder / "b.sig", folder / "one.request.sig"
    assert keystead("operator", "sign", request_file, "--key", keys / "ada", "-o", by_file) == 0
    assert keystead("operator", "sign", request_file, "--agent", keys / "ben.pub", "-o", by_agent) == 0
    ssh_keygen("-Y", "sign", "-n", NAMESPACE, "-f", str(keys / "cy"), str(request_file))
    for number, pair in enumerate(((by_file, by_agent), (by_agent, by_keygen), (by_file, by_keygen))):
        target = folder / f"{number}.approved"
        assert keystead("operator", "gather", request_file, *pair, *copied, "-o", target) == 0
        approve(parties.state, parties.hash, files.read_approved(target), None)


@pytest.mark.requirement("CHG-05")
def test_one_signature_of_two_is_no_quorum_and_it_is_told_who_could_add_to_it(
    request_file: Path, keys: Path, copied: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same operator twice counts once."""
    signature = request_file.parent / "a.sig"
    assert keystead("operator", "sign", request_file, "--key", keys / "ada", "-o", signature) == 0
    assert keystead("operator", "gather", request_file, signature, signature, *copied) == 1
    told = capsys.readouterr().err
    assert "signed by ada" in told
    assert "no quorum yet" in told
    assert sorted(told.splitlines()[-1].rpartition(": ")[2].split(", ")) == ["ben", "cy"]


@pytest.mark.requirement("CHG-05")
def test_signatures_of_others_are_refused(request_file: Path, tmp_path: Path, copied: list[object]) -> None:
    """A key that is no operator's spoils the request here as it would at a module."""
    ssh_keygen("-t", "ed25519", "-N", "", "-f", str(tmp_path / "stranger"))
    signature = tmp_path / "s.sig"
    assert keystead("operator", "sign", request_file, "--key", tmp_path / "stranger", "-o", signature) == 0
    assert keystead("operator", "gather", request_file, signature, *copied) == 1
    assert not request_file.with_name("one.request.approved").exists()


def test_a_key_with_a_passphrase_signs_through_ssh_keygen(
    request_file: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks for the passphrase; a wrong one signs nothing."""
    key = tmp_path / "locked"
    key.write_bytes((keys / "ada").read_bytes())
    key.chmod(0o600)
    ssh_keygen("-p", "-P", "", "-N", PASSPHRASE, "-f", str(key))
    asking = tmp_path / "ask"
    asking.write_text('#!/bin/sh\necho "$EXAMPLE_PASSPHRASE"\n')
    asking.chmod(stat.S_IRWXU)
    monkeypatch.setenv("SSH_ASKPASS", str(asking))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("EXAMPLE_PASSPHRASE", "another")
    assert keystead("operator", "sign", request_file, "--key", key) == 1
    monkeypatch.setenv("EXAMPLE_PASSPHRASE", PASSPHRASE)
    assert keystead("operator", "sign", request_file, "--key", key) == 0
    (signature,) = files.read_signatures([request_file.with_name("one.request.sig")])
    signed = OperatorKey.load((keys / "ada").read_bytes()).sign(NAMESPACE, request_file.read_bytes())
    assert signature.signature == signed


def test_what_is_shown_is_read_from_the_bytes_that_are_signed(
    request_file: Path, copied: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    """A request that was changed is another one, or none; the terminal and JSON say the same."""
    assert keystead("operator", "show", request_file, *copied, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["kind"], report["changes_version"]) == ("add-domain-key", 0)
    assert {one["title"] for one in report["sections"]} == {"domain keys"}
    request_file.write_bytes(request_file.read_bytes() + b"\x00")
    assert keystead("operator", "show", request_file, *copied) == 1


def test_fewer_who_may_decide_is_called_weaker(
    copied: list[object], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a change of rules gives away stands in words beside it."""
    monkeypatch.chdir(tmp_path)
    rules = ["change-rules", "--constitutional", "1 of (ada, ben, cy)"]
    assert keystead("domain", "request", *copied, "--output", "weaker.request", *rules) == 0
    assert "weaker: 1 may decide about what the constitution governs where 2 had to" in capsys.readouterr().out
    same = ["change-rules", "--constitutional", "2 of (ada, ben)"]
    assert keystead("domain", "request", *copied, "--output", "same.request", *same) == 0
    assert "weaker" not in capsys.readouterr().out


def test_no_key_at_all_is_told(request_file: Path, keys: Path) -> None:
    """One key signs: neither none, nor a public one, nor a file that is not there."""
    assert keystead("operator", "sign", request_file) == 1
    assert keystead("operator", "sign", request_file, "--key", keys / "ada.pub") == 1
    assert keystead("operator", "sign", request_file, "--key", keys / "nobody") == 1
