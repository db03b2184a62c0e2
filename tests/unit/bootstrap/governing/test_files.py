"""Requests, signatures and approvals as files: read strictly, never written over."""

from pathlib import Path

import pytest

from keystead.bootstrap.governing import files
from keystead.bootstrap.governing.view import viewed
from keystead.bootstrap.host import HostDisk
from keystead.core.domain.change_request import NAMESPACE, AddDomainKey
from keystead.core.domain.quorum import Rules
from keystead.errors import OperatorError
from keystead.interfaces.cli.domain import Where
from keystead.transport.domain_directory import publish_genesis, publish_token
from tests.simulators.parties import Parties, k_of, person

ADA = person("ada")


@pytest.fixture
def parties() -> Parties:
    """One operator, one module, no domain key yet."""
    return Parties([ADA], ("module-1",), Rules(k_of(1, ADA)))


def test_a_request_is_its_very_bytes(parties: Parties, tmp_path: Path) -> None:
    """So that ssh-keygen signs what modules judge."""
    encoded = parties.request(AddDomainKey())
    files.write_new(tmp_path / "one.request", encoded)
    assert files.read_request(tmp_path / "one.request")[0] == encoded
    with pytest.raises(OperatorError, match="already"):
        files.write_new(tmp_path / "one.request", encoded)


@pytest.mark.parametrize("content", [b"", b"\x80", b"a text", bytes(100)])
def test_what_is_no_request_is_refused(content: bytes, tmp_path: Path) -> None:
    """With what to do next."""
    (tmp_path / "file").write_bytes(content)
    for read in (files.read_request, files.read_approved):
        with pytest.raises(OperatorError, match="is not"):
            read(tmp_path / "file")
    with pytest.raises(OperatorError, match="no signature"):
        files.read_signatures([tmp_path / "file"])


def test_a_signature_says_whose_it_claims_to_be(parties: Parties, tmp_path: Path) -> None:
    """The operator's id follows from the key in it."""
    encoded = parties.request(AddDomainKey())
    files.write_signature(tmp_path / "one.sig", ADA.key.sign(NAMESPACE, encoded))
    (found,) = files.read_signatures([tmp_path / "one.sig"])
    assert found.operator == ADA.operator.id
    files.write_signature(tmp_path / "other.sig", ADA.key.sign("another", encoded))
    with pytest.raises(OperatorError, match="another namespace"):
        files.read_signatures([tmp_path / "other.sig"])


def published(parties: Parties, directory: Path) -> Path:
    """Publish the domain's documents with one domain key."""
    disk = HostDisk(directory, public=True)
    publish_genesis(disk, parties.genesis)
    token = parties.token(parties.request(AddDomainKey()), ADA)
    publish_token(disk, 1, token)
    parties.follow(token)
    return directory


def where(directory: Path, domain: str | None) -> Where:
    """Name copied documents."""
    return Where(data=directory, directory=directory, domain=domain)


def test_copied_documents_prove_a_domain_without_anything_else(parties: Parties, tmp_path: Path) -> None:
    """An operator's machine need not reach the installation."""
    directory = published(parties, tmp_path / "copied")
    view = viewed(where(directory, parties.state.domain.hex()))
    assert (view.state, view.hash) == (parties.state, parties.hash)
    ((before, successor),) = view.successors()
    assert (before.version, successor.state) == (0, parties.state)


def test_documents_of_another_domain_are_refused(parties: Parties, tmp_path: Path) -> None:
    """The id that was given is what counts."""
    directory = published(parties, tmp_path / "copied")
    with pytest.raises(OperatorError, match="do not prove"):
        viewed(where(directory, "00" * 32))
    with pytest.raises(OperatorError, match="no domain id"):
        viewed(where(directory, "a name"))
    with pytest.raises(OperatorError, match="no genesis"):
        viewed(where(tmp_path / "empty", "00" * 32))
    with pytest.raises(OperatorError, match="only to who knows its id"):
        viewed(where(directory, None))
    with pytest.raises(OperatorError, match="no domain was founded"):
        viewed(Where(data=tmp_path / "nothing", directory=None, domain=None))
