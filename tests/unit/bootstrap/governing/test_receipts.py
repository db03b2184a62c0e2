"""``keystead shred``: who signs a receipt, whose signature is missing, and what a verifier is told."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from keystead.bootstrap.governing import receipts, requests
from keystead.bootstrap.governing.receipts import Receipts
from keystead.bootstrap.host import HostDisk
from keystead.core.protocols.module_session.messages import ReceiptSigned, SignReceipt
from keystead.errors import NoDomain, NotShredded, OperatorError, PeerUnavailable, Refusal
from keystead.interfaces.cli.domain import Where
from keystead.transport.domain_directory import publish_genesis, publish_token
from tests.simulators.shredded import ShreddedKey

Answers = Mapping[str, ReceiptSigned | Refusal | PeerUnavailable]


class FakePeers(requests.HostPeers):
    """Modules at addresses, each with its answer."""

    def __init__(self, answers: Answers) -> None:
        super().__init__(Path())
        self._answers = answers

    def receipt(self, address: str, question: SignReceipt) -> ReceiptSigned:
        """Give the answer."""
        answer = self._answers[address]
        if isinstance(answer, Refusal | PeerUnavailable):
            raise answer
        return answer


@pytest.fixture(scope="module")
def story() -> ShreddedKey:
    """A key that was shredded, to the drop."""
    return ShreddedKey().rotate()


def signed(story: ShreddedKey, host: int) -> ReceiptSigned:
    """Return what a module signs."""
    answer = story.ask(host)
    assert isinstance(answer, ReceiptSigned)
    return answer


def gathered(story: ShreddedKey, monkeypatch: pytest.MonkeyPatch, answers: Answers) -> dict[bytes, ReceiptSigned]:
    """Gather what these modules sign."""
    monkeypatch.setattr(requests, "modules_here", lambda: list(answers))
    question = SignReceipt(b"", {}, story.domain.operators["officer"].id, b"")
    return receipts._signatures(story.domain.state, question, FakePeers(answers))  # noqa: SLF001 - what decides


def test_a_module_that_is_no_member_does_not_spoil_a_receipt(
    story: ShreddedKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that waits to be let in listens beside the members, and one may be down that is none."""
    found = gathered(
        story,
        monkeypatch,
        {"1": signed(story, 0), "2": NoDomain("blank"), "3": signed(story, 1), "4": PeerUnavailable("down")},
    )
    assert found.keys() == story.domain.state.active


@pytest.mark.parametrize(
    ("other", "told"),
    [(PeerUnavailable("down"), "did not sign"), (NotShredded("not yet"), "does not sign: not yet")],
)
def test_a_member_that_does_not_sign_is_told(
    story: ShreddedKey, monkeypatch: pytest.MonkeyPatch, other: Refusal | PeerUnavailable, told: str
) -> None:
    """A receipt of some members only is none."""
    with pytest.raises(OperatorError, match=told):
        gathered(story, monkeypatch, {"1": signed(story, 0), "2": other})


def test_a_signature_counts_for_whose_it_is(story: ShreddedKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same module at two addresses is one; what nobody signed is nobody's."""
    mine = signed(story, 0)
    forged = ReceiptSigned(mine.body, bytes(len(mine.signature)))
    for other in (mine, forged):
        with pytest.raises(OperatorError, match="did not sign"):
            gathered(story, monkeypatch, {"1": mine, "2": other})


def test_a_receipt_is_verified_with_the_domains_documents_alone(
    story: ShreddedKey, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 0 for what is complete; altered, it proves nothing."""
    disk = HostDisk(tmp_path / "domain", public=True)
    publish_genesis(disk, story.domain.genesis)
    for version, token in enumerate(story.tokens, 1):
        publish_token(disk, version, token)
    where = Where(data=tmp_path, directory=tmp_path / "domain", domain=story.domain.state.domain.hex())
    receipt = tmp_path / "one.receipt"
    receipt.write_bytes(story.receipt())
    assert Receipts().verify_receipt(where, receipt, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["outstanding"]) == ("SHRED_COMPLETE", [])
    assert told["key"].endswith(f":key/{story.key}")
    assert Receipts().verify_receipt(where, receipt, as_json=False) == 0
    assert "promises nothing against an image of that disk" in capsys.readouterr().out
    receipt.write_bytes(story.receipt()[:-1])
    with pytest.raises(OperatorError, match="proves nothing"):
        Receipts().verify_receipt(where, receipt, as_json=False)
