"""What a module does with a domain key that is retired: it keeps it, refuses to open with it, and counts."""

import json
from base64 import b64encode

import pytest

from keystead.core.domain.change_request import AddDomainKey, DomainChange, ReinstateDomainKey, RetireDomainKey
from keystead.core.tokens.envelope import named_domain_key
from keystead.errors import RetiredKey
from keystead.identifiers import DomainKeyId
from tests.simulators.modules import FrontEnd, ModuleDomain


def change(domain: ModuleDomain, asked: DomainChange) -> None:
    """Install a change everywhere."""
    domain.install(domain.propose(asked))


@pytest.mark.requirement("P21-03", "CONS-18")
def test_the_old_key_opens_and_never_seals_until_it_is_retired() -> None:
    """Between add and retire what rests under the old key opens, and everything new rests under the new one."""
    domain = ModuleDomain().with_key()
    front_end = FrontEnd(domain)
    old = front_end.create()
    change(domain, AddDomainKey())
    front_end = _again(front_end)
    new = front_end.create()
    first, second = (DomainKeyId(entry.id) for entry in domain.state.domain_keys)
    assert named_domain_key(front_end.records[old].head) == first
    assert named_domain_key(front_end.records[new].head) == second
    plaintext = b64encode(b"secret").decode()
    for key in (old, new):
        sealed = front_end.answer("Encrypt", {"KeyId": key, "Plaintext": plaintext}, front_end.records[key])
        members = {"KeyId": key, "CiphertextBlob": sealed["CiphertextBlob"]}
        assert front_end.answer("Decrypt", members, front_end.records[key])["Plaintext"] == plaintext


def test_what_rests_under_a_retired_key_is_refused_and_counted_until_it_is_reinstated() -> None:
    """The refusals are counted for each key; reinstated it opens again, and the count begins anew with another time."""
    domain = ModuleDomain().with_key()
    front_end = FrontEnd(domain)
    key = front_end.create()
    first = domain.state.newest
    change(domain, AddDomainKey())
    change(domain, RetireDomainKey(first))
    vault = domain.hosts[0].module.vault
    assert vault.refusals == {first: 0}
    front_end = _again(front_end)
    body = json.dumps({"KeyId": key}).encode()
    for times in (1, 2):
        assert front_end.one("DescribeKey", body, front_end.records[key]).code == "KMSInternalException"
        assert vault.refusals == {first: times}
    domain.hosts[0].start()
    change(domain, ReinstateDomainKey(first))
    assert domain.hosts[0].module.vault.refusals == {}
    front_end = _again(front_end)
    assert front_end.one("DescribeKey", body, front_end.records[key]).code == ""


def test_a_session_under_a_retired_key_is_refused() -> None:
    """Its operator key token opens no more: its owner negotiates another before that."""
    domain = ModuleDomain().with_key()
    session = domain.session("front-end")
    first = domain.state.newest
    change(domain, AddDomainKey())
    change(domain, RetireDomainKey(first))
    with pytest.raises(RetiredKey):
        domain.hosts[0].module.sessions.open(session.operator_key_token, domain.clock.now())


def _again(front_end: FrontEnd) -> FrontEnd:
    """Return the front end with sessions of now, and the records that it had."""
    renewed = FrontEnd(front_end.domain)
    renewed.records = front_end.records
    return renewed
