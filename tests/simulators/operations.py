"""A whole service in memory without processes: looks records up as a front end does, performs as a module does.

Accounts are given by number, requests as members of the service model's shapes. A test may change ``records``,
``aliases`` and ``clock`` to play a hostile repository, or the passing of time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from keystead.core.domain.quorum import KOfOperators, Rules
from keystead.core.domain.state import DomainKeyEntry, DomainState, Holder, SlotKind
from keystead.core.keys.head import KeyHead
from keystead.core.keys.opened import OpenedKey, open_record
from keystead.core.operations.aliases import already_exists
from keystead.core.operations.context import Access, Context, Done, Judge
from keystead.core.operations.granted import retirers
from keystead.core.operations.lookup import AliasesPage, Keys, KeysPage, RetirablePage, Wanted
from keystead.core.operations.operation import perform
from keystead.core.operations.recipients import Attestation, NothingBelieved
from keystead.core.operations.references import AliasNamed
from keystead.core.operations.table import find
from keystead.core.policy.grants import Grant
from keystead.core.protocols.aws_json.extension import OPERATIONS as MODEL
from keystead.core.protocols.aws_json.model import Shape
from keystead.core.protocols.proof import LIFETIME, Claims
from keystead.core.records import ALIASES, GRANTS, AliasChange, Change, KeyRecord, merged
from keystead.errors import ConflictError, DuplicateError, ServiceError
from keystead.identifiers import AccountId, AliasName, DomainKeyId, KeyId, OperatorId, Region, root_arn
from keystead.primitives.digest import sha256
from tests.simulators.vault import SimulatedVault

ACCOUNT = AccountId("111122223333")
OTHER_ACCOUNT = AccountId("444455556666")
REGION = Region("eu-central-1")
START = 1_790_000_000_123
ANY_TEXT = "any text"


@contextmanager
def refused(code: str, message: str | None = ANY_TEXT) -> Iterator[None]:
    """Assert that what is called inside answers with this error, and with this very message if one is given."""
    with pytest.raises(ServiceError) as caught:
        yield
    assert caught.value.code == code
    assert message in (ANY_TEXT, caught.value.message)


@dataclass
class SimulatedJudge:
    """Allows everything but the actions in ``denied``; remembers what was asked."""

    denied: set[str] = field(default_factory=set)
    asked: list[Access] = field(default_factory=list)
    refused_policies: set[str] = field(default_factory=set)

    @property
    def permissions(self) -> list[tuple[str, str]]:
        """Actions and resources that were asked for, in order."""
        return [(access.action, access.resource) for access in self.asked]

    def authorize(self, context: Context, access: Access) -> None:
        """Remember what was asked; deny what is in ``denied``."""
        self.asked.append(access)
        if access.action in self.denied:
            raise ServiceError("AccessDeniedException", f"{context.claims.principal} may not {access.action}")

    def admit_retirement(self, context: Context, access: Access, grant: Grant, issuer: AccountId) -> None:
        """Remember what was asked; deny what is in ``denied``."""
        self.authorize(context, access)

    def admit_policy(self, context: Context, access: Access, policy: str, *, bypass_lockout_check: bool) -> None:
        """Refuse what is in ``refused_policies``."""
        if policy in self.refused_policies and not bypass_lockout_check:
            raise ServiceError("MalformedPolicyDocumentException", "refused")


def one_key_domain(domain_key: DomainKeyId) -> DomainState:
    """Return a domain of one module, at its first version with this domain key."""
    entry = DomainKeyEntry(domain_key, bytes(32), 1)
    holder = Holder(bytes(16), bytes(32), SlotKind.FILE, 0)
    return DomainState(bytes(32), 1, (), (), Rules(KOfOperators(1, (bytes(16),))), (entry,), holders=(holder,))


@dataclass
class SimulatedService:
    """Front end, module and repository in one; answers requests one after the other."""

    vault: SimulatedVault = field(default_factory=SimulatedVault)
    judge: SimulatedJudge = field(default_factory=SimulatedJudge)
    policies: Judge | None = None
    """What decides instead of ``judge``, if anything."""
    records: dict[KeyId, KeyRecord] = field(default_factory=dict)
    aliases: dict[tuple[AccountId, Region, AliasName], KeyId] = field(default_factory=dict)
    domain: DomainState = field(default_factory=lambda: one_key_domain(SimulatedVault().domain_key_id))
    clock: int = START
    attestation: Attestation = field(default_factory=NothingBelieved)
    proofs: int = 0
    tamper: Callable[[tuple[KeyRecord, ...]], tuple[KeyRecord, ...]] = lambda records: records
    """What a hostile front end or repository does to the records on their way to the module."""
    done: Done | None = None
    """What came of the last request that succeeded."""

    def call(self, name: str, account: AccountId = ACCOUNT, /, **members: Any) -> Any:
        """Answer a request; every request has a proof of its own."""
        self.proofs += 1
        return self.answer(name, MODEL[name].input(**members), self.claims(name, account))

    def answer(self, name: str, request: Shape, claims: Claims) -> Any:
        """Answer a request with these claims: look up, open, perform, apply."""
        operation = find(name)
        lookup = operation.lookup(request, AccountId(claims.account), Region(claims.region))
        names: tuple[AliasName, ...] = ()
        records: tuple[KeyRecord, ...] = ()
        match lookup:
            case Keys(wanted):
                records = tuple(want.trimmed(self._found(want)) for want in wanted)
            case KeysPage():
                records = self._page_of_keys(lookup)
            case AliasesPage():
                names, records = self._page_of_aliases(lookup)
            case RetirablePage():
                records = self._page_of_retirable(lookup)
        keys = tuple(self.open(record) for record in self.tamper(records))
        judge = self.policies or self.judge
        context = Context(self.clock, claims, self.vault, judge, self.domain, names, self.attestation)
        self.done = perform(operation, context, request, keys)
        if self.done.change is not None:
            self.apply(self.done.change)
        return self.done.answer

    def claims(self, name: str, account: AccountId = ACCOUNT) -> Claims:
        """Return the claims of a request of an account's root user, with the proof id of the number ``proofs``."""
        return Claims(
            id=self.proofs.to_bytes(16, "big"),
            principal=root_arn(account),
            account=account,
            region=REGION,
            action=name,
            body=bytes(32),
            audience=OperatorId(bytes(16)),
            issued=self.clock,
            expires=self.clock + LIFETIME,
            context={},
        )

    def create(self, account: AccountId = ACCOUNT, **members: Any) -> KeyId:
        """Create a key and return its id."""
        return KeyId(self.call("CreateKey", account, **members).key_metadata.key_id)

    def encrypt(self, key_id: str, plaintext: bytes = b"attack at dawn", **members: Any) -> bytes:
        """Encrypt and return the ciphertext."""
        return bytes(self.call("Encrypt", key_id=key_id, plaintext=plaintext, **members).ciphertext_blob)

    def decrypt(self, ciphertext: bytes, **members: Any) -> bytes:
        """Decrypt and return the plaintext."""
        return bytes(self.call("Decrypt", ciphertext_blob=ciphertext, **members).plaintext)

    def open(self, record: KeyRecord) -> OpenedKey:
        """Open a record as a module does."""
        return open_record(self.vault.open_head(record.head), record)

    def head(self, key_id: KeyId) -> KeyHead:
        """Return the present head of a key."""
        return self.open(self.records[key_id]).head

    def apply(self, change: Change) -> None:
        """Make a change as a repository does: compare, then swap, all or nothing."""
        for key in change.keys:
            present = self.records.get(key.key_id)
            if key.replaces == b"" and present is not None:
                raise DuplicateError(key.key_id)
            if key.replaces != b"" and (present is None or sha256(present.head) != key.replaces):
                raise ConflictError(key.key_id)
        for alias in change.aliases:
            if self.aliases.get((alias.account, alias.region, alias.name)) != alias.replaces:
                raise already_exists(alias) if alias.replaces is None else ConflictError(alias.name)
        for key in change.keys:
            empty = KeyRecord(b"", {}, {})
            self.records[key.key_id] = merged(self.records.get(key.key_id, empty), key)
        for alias in change.aliases:
            self._point(alias)

    def _point(self, alias: AliasChange) -> None:
        place = (alias.account, alias.region, alias.name)
        if alias.target is None:
            del self.aliases[place]
        else:
            self.aliases[place] = alias.target

    def _found(self, want: Wanted) -> KeyRecord:
        reference = want.reference
        if isinstance(reference, AliasNamed):
            key_id = self.aliases.get((reference.account, reference.region, reference.alias))
        else:
            key_id = reference.key_id
        record = None if key_id is None else self.records.get(key_id)
        if record is None:
            raise reference.missing()
        return record

    def _page_of_keys(self, page: KeysPage) -> tuple[KeyRecord, ...]:
        heads = {key_id: self.head(key_id) for key_id in sorted(self.records) if key_id > page.after}
        own = [key_id for key_id, head in heads.items() if head.account == page.account]
        return tuple(KeyRecord(self.records[key_id].head, {}, {}) for key_id in own[: page.limit + 1])

    def _page_of_aliases(self, page: AliasesPage) -> tuple[tuple[AliasName, ...], tuple[KeyRecord, ...]]:
        places = sorted(place for place in self.aliases if place[0] == page.account and place[2] > page.after)
        shown = places[: page.limit + 1]
        return tuple(place[2] for place in shown), tuple(
            _listed(self.records[self.aliases[place]], ALIASES) for place in shown
        )

    def _page_of_retirable(self, page: RetirablePage) -> tuple[KeyRecord, ...]:
        records = (self.records[key_id] for key_id in sorted(self.records) if key_id >= page.start)
        found = [
            _listed(one, GRANTS) for one in records if page.principal in retirers(one.attachments.get(GRANTS, b""))
        ]
        return tuple(found[: page.limit + 1])


def _listed(record: KeyRecord, kind: str) -> KeyRecord:
    return KeyRecord(record.head, {}, {one: text for one, text in record.attachments.items() if one == kind})
