"""What a module remembers to save time is bounded, and forgotten when the domain changes."""

import pytest

from keystead.components.security_module import sessions, vault
from keystead.components.security_module.pipeline import opened
from keystead.core.domain.change_request import AddDomainKey
from keystead.core.policy.default import default_policy
from keystead.identifiers import KeyId
from tests.simulators.modules import ACCOUNT, FrontEnd, ModuleDomain


def test_records_and_tokens_are_remembered_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """With more keys than are remembered, every key is served, and no more than the limit is held."""
    monkeypatch.setattr(opened, "CAPACITY", 2)
    monkeypatch.setattr(vault, "CAPACITY", 2)
    domain = ModuleDomain(1).with_key()
    front_end = FrontEnd(domain)
    keys = [front_end.create() for _ in range(4)]
    for _ in range(2):
        for key in keys:
            answer = front_end.answer("Encrypt", {"KeyId": key, "Plaintext": "AAAA"}, front_end.records[key])
            assert answer["KeyId"].endswith(key)
    module = domain.hosts[0].module
    assert len(vars(module.vault)["_tokens"]) == 2
    assert len(vars(vars(module.executor)["_records"])["_opened"]) == 2


def test_long_records_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of what is remembered have a limit of their own; what was forgotten is opened again."""
    monkeypatch.setattr(opened, "REMEMBERED", 3 * 4096)
    domain = ModuleDomain(1).with_key()
    front_end = FrontEnd(domain)
    policy = {"Policy": default_policy(ACCOUNT).ljust(4096)}
    keys = [KeyId(front_end.answer("CreateKey", policy)["KeyMetadata"]["KeyId"]) for _ in range(4)]
    records = vars(domain.hosts[0].module.executor)["_records"]
    for _ in range(2):
        for key in keys:
            answer = front_end.answer("Encrypt", {"KeyId": key, "Plaintext": "AAAA"}, front_end.records[key])
            assert answer["KeyId"].endswith(key)
            assert len(vars(records)["_opened"]) <= 2
            assert records.remembered <= 3 * 4096
    records.forget()
    assert records.remembered == 0


def test_sessions_are_remembered_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """With more sessions than are remembered each still attaches; an expired one is not remembered."""
    monkeypatch.setattr(sessions, "CAPACITY", 2)
    domain = ModuleDomain(1).with_key()
    granted = [domain.session("front-end") for _ in range(4)]
    known = domain.hosts[0].module.sessions
    for session in granted * 2:
        assert known.open(session.operator_key_token, domain.clock.now()).tenure.operator == session.operator
    remembered = vars(known)["_opened"]
    assert len(remembered) == 2
    domain.hosts[0].start()
    fresh = domain.hosts[0].module.sessions
    fresh.open(granted[0].operator_key_token, granted[0].expires)
    assert not vars(fresh)["_opened"]


def test_the_keys_of_sessions_that_are_over_go() -> None:
    """With the first session that is opened after their expiry, those of before are not in memory any more."""
    domain = ModuleDomain(1).with_key()
    known = domain.hosts[0].module.sessions
    over = [domain.session("front-end") for _ in range(3)]
    for session in over:
        known.open(session.operator_key_token, domain.clock.now())
    domain.clock.time = over[-1].expires
    known.open(domain.session("front-end").operator_key_token, domain.clock.now())
    assert len(vars(known)["_opened"]) == 1


def test_nothing_that_was_opened_outlives_its_domain() -> None:
    """After a switch, records, tokens and sessions are opened anew under the keys that are held then."""
    domain = ModuleDomain(1).with_key()
    front_end = FrontEnd(domain)
    key = front_end.create()
    request = {"KeyId": key, "Plaintext": "AAAA"}
    front_end.answer("Encrypt", request, front_end.records[key])
    domain.install(domain.propose(AddDomainKey()))
    module = domain.hosts[0].module
    assert not vars(module.vault)["_tokens"]
    assert not vars(vars(module.executor)["_records"])["_opened"]
    assert not vars(module.sessions)["_opened"]
    assert front_end.answer("Encrypt", request, front_end.records[key])["KeyId"].endswith(key)
