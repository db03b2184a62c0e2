"""Keys whose deletion is due are ended by two real members, and by nobody else."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from keystead.core.domain.change_request import AddDomainKey
from keystead.core.keys.ending import CODEC
from keystead.core.keys.head import KeyHead, decode
from keystead.core.protocols.module_session.messages import AttestDue, DueAttested, EndKey, KeyEnded, Refused
from keystead.core.records import ALIASES, Change, KeyRecord
from keystead.errors import DeletionNotDue, FormatError, NotAgreed, RecordError, Refusal, SignatureError
from keystead.identifiers import KeyId
from tests.simulators.modules import FrontEnd, ModuleDomain

WEEK = 7 * 86_400_000


class Scheduled:
    """A domain with a key that has an alias and is due in a week."""

    def __init__(self, modules: int = 2) -> None:
        self.domain = ModuleDomain(modules).with_key()
        self.front_end = FrontEnd(self.domain)
        self.key: KeyId = self.front_end.create()
        self.do("CreateAlias", AliasName="alias/payroll", TargetKeyId=self.key)
        self.do("ScheduleKeyDeletion", KeyId=self.key, PendingWindowInDays=7)

    def do(self, operation: str, **members: Any) -> None:
        """Do an operation on the key."""
        body = json.dumps(members).encode()
        assert self.front_end.one(operation, body, self.record).code == ""

    @property
    def record(self) -> KeyRecord:
        """The key's record as it rests."""
        return self.front_end.records[self.key]

    def head(self) -> KeyHead:
        """What the sealed head says."""
        return decode(self.domain.hosts[0].module.vault.open_head(self.record.head))

    def statement(self, host: int = 0) -> bytes:
        """Return what a module says of the key."""
        answer = self.domain.hosts[host].ask(AttestDue((self.record.head,)))
        assert isinstance(answer, DueAttested)
        (statement,) = answer.statements
        return statement

    def end(self, statement: bytes, host: int = 1, **changed: Any) -> Change | Refused:
        """Ask a module to end the key."""
        attachments = {ALIASES: self.record.attachments[ALIASES]}
        request = replace(EndKey(self.record.head, attachments, statement), **changed)
        answer = self.domain.hosts[host].ask(request)
        if isinstance(answer, Refused):
            return answer
        assert isinstance(answer, KeyEnded)
        return answer.change

    def refuses(self, error: type[Refusal], statement: bytes, host: int = 1, **changed: Any) -> bool:
        """Whether the module refuses with this very error."""
        answer = self.end(statement, host, **changed)
        return isinstance(answer, Refused) and answer.number == error.number


@pytest.fixture
def due() -> Scheduled:
    """The key's week is over."""
    scheduled = Scheduled()
    scheduled.domain.clock.time += WEEK
    return scheduled


def test_two_members_end_a_key_whose_deletion_is_due(due: Scheduled) -> None:
    """It is marked, by no customer's request: its name is free, its head a tombstone one generation on."""
    before = due.head()
    change = due.end(due.statement())
    assert isinstance(change, Change)
    assert [(alias.name, alias.target, alias.replaces) for alias in change.aliases] == [
        ("alias/payroll", None, due.key)
    ]
    due.front_end.apply(change)
    after = due.head()
    assert (after.shredded, after.deletion, after.generation) == (
        due.domain.clock.time,
        0,
        before.generation + 1,
    )
    assert after.aliases == b"" == due.record.attachments[ALIASES]
    assert (after.versions, after.policy, after.recent) == (before.versions, before.policy, before.recent)
    assert due.statement() == b""
    assert due.refuses(DeletionNotDue, b"")


def test_no_member_ends_a_key_by_its_own_clock_alone(due: Scheduled) -> None:
    """Nor by its own word: another active member's is asked for."""
    assert due.refuses(NotAgreed, b"")
    assert due.refuses(NotAgreed, due.statement(1), host=1)
    assert isinstance(due.end(due.statement(1), host=0), Change)


def test_nothing_is_ended_before_its_time() -> None:
    """Neither said to be due, nor marked on the word of a member whose clock is ahead."""
    scheduled = Scheduled()
    scheduled.domain.clock.time += WEEK - 1
    assert scheduled.statement() == b""
    scheduled.domain.clock.time += 1
    early = scheduled.statement()
    scheduled.domain.clock.time -= 1
    assert scheduled.refuses(DeletionNotDue, early)
    records, scheduled.front_end = scheduled.front_end.records, FrontEnd(scheduled.domain)
    scheduled.front_end.records = records
    scheduled.do("CancelKeyDeletion", KeyId=scheduled.key)
    scheduled.domain.clock.time += WEEK
    assert scheduled.statement() == b""
    assert scheduled.refuses(DeletionNotDue, early)


def test_a_statement_is_of_one_head_and_one_member(due: Scheduled) -> None:
    """Of another head of the same key, changed, or in another form, it is worth nothing."""
    statement = due.statement()
    assert due.refuses(FormatError, statement + b"\x00")
    assert due.refuses(SignatureError, statement[:-1] + bytes((statement[-1] ^ 1,)))
    assert due.refuses(RecordError, statement, attachments={})
    assert due.refuses(RecordError, statement, head=due.record.head[:-1])
    given = CODEC.decode(statement)
    for other in (replace(given, head=bytes(32)), replace(given, member=bytes(16)), replace(given, domain=bytes(32))):
        assert due.refuses(NotAgreed, CODEC.encode(other))
    assert due.refuses(NotAgreed, CODEC.encode(replace(given, deletion=given.deletion - 1)))


def test_a_domain_of_one_member_needs_no_other() -> None:
    """There is nobody else whose clock could be asked."""
    alone = Scheduled(1)
    alone.domain.clock.time += WEEK
    assert isinstance(alone.end(b"", host=0), Change)


def test_what_rests_under_a_domain_key_before_is_ended_under_the_newest(due: Scheduled) -> None:
    """So the fence of a rotation takes it."""
    due.domain.change(AddDomainKey())
    change = due.end(due.statement())
    assert isinstance(change, Change)
    assert change.keys[0].head_domain_key == due.domain.state.newest
