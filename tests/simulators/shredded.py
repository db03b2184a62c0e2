"""A domain in which one key was shredded: for receipts, and what they are judged by."""

import json
from collections.abc import Mapping

from keystead.core.domain.change_request import AddDomainKey, DomainChange, DropDomainKey, RetireDomainKey
from keystead.core.domain.genesis import verify_genesis
from keystead.core.domain.state import DomainState, operator_id
from keystead.core.domain.succession import accept
from keystead.core.keys import receipt as receipts
from keystead.core.keys.receipt import ReceiptSignature
from keystead.core.protocols.module_session.messages import Attached, ReceiptSigned, Refused, SignReceipt
from keystead.core.protocols.module_session.resealing import RestingKey, decode_resealed, encode_reseal
from keystead.core.records import KeyRecord, merged
from keystead.errors import Refusal
from keystead.identifiers import KeyId, root_arn
from keystead.primitives.digest import sha256
from keystead.primitives.openssh import OperatorKey
from tests.simulators.modules import ACCOUNT, FrontEnd, ModuleDomain

_ALLOWING = {"Effect": "Allow", "Principal": {"AWS": root_arn(ACCOUNT)}, "Action": "keystead:*", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [_ALLOWING]})
"""Lets the account's root user shred the key, and nothing else."""


class ShreddedKey:
    """Two modules, one key that was shredded, and the domain key that it was left behind under."""

    def __init__(self) -> None:
        """Tell the story as far as the mark."""
        self.domain = ModuleDomain(2).found()
        self.tokens: list[bytes] = []
        self.change(AddDomainKey())
        self.old = self.domain.state.newest
        self.front_end = FrontEnd(self.domain)
        self.key: KeyId = KeyId(self.answer("CreateKey", {"Policy": POLICY, "BypassPolicyLockoutSafetyCheck": True}))
        assert self.answer("Keystead.ShredKey", {"KeyId": self.key}, self.record) == "SHRED_PENDING"

    @property
    def record(self) -> KeyRecord:
        """The key's record as it rests."""
        return self.front_end.records[self.key]

    def answer(self, action: str, members: dict[str, object], *records: KeyRecord) -> str:
        """Return the id or the status in the answer to a request."""
        answer = self.front_end.answer(action, dict(members), *records)
        found: str = answer["KeyMetadata"]["KeyId"] if "KeyMetadata" in answer else answer["ShreddingStatus"]
        return found

    def change(self, asked: DomainChange) -> None:
        """Change the domain, and keep the token."""
        token = self.domain.propose(asked)
        self.domain.install(token)
        self.tokens.append(token)

    def rotate(self) -> "ShreddedKey":
        """Go on to the drop of the domain key that the key's material is left behind under."""
        self.change(AddDomainKey())
        peer = self.domain.hosts[0].peer()
        assert isinstance(peer.attach(self.domain.session("carrier"), self.domain.randomness.token(16)), Attached)
        resting = RestingKey(self.record.head, self.record.tokens)
        content = peer.exchange(peer.connection.seal(encode_reseal((resting,))))
        assert isinstance(content, bytes)
        (outcome,) = decode_resealed(content).outcomes
        assert outcome.left_behind
        assert outcome.change is not None
        self.front_end.records[self.key] = merged(self.record, outcome.change)
        self.change(RetireDomainKey(self.old))
        self.domain.clock.time += self.domain.state.parameters.retirement
        self.change(DropDomainKey(self.old, self.domain.offers(self.old), ()))
        return self

    def ask(self, host: int = 0, by: OperatorKey | None = None, **changed: object) -> ReceiptSigned | Refusal:
        """Return a module's answer to an operator who asks for its signature; the officer if none is named."""
        asking = by or self.domain.keys["officer"]
        record = self.record
        fields: dict[str, object] = {
            "head": record.head,
            "tokens": record.tokens,
            "operator": operator_id(asking.public),
            "signature": asking.sign(receipts.NAMESPACE, sha256(record.head)),
        }
        answer = self.domain.hosts[host].ask(SignReceipt(**fields | changed))  # type: ignore[arg-type]
        if isinstance(answer, Refused):
            return answer.error()
        assert isinstance(answer, ReceiptSigned)
        return answer

    def receipt(self) -> bytes:
        """Return the receipt, signed by every member."""
        signatures, bodies = [], set()
        for number, host in enumerate(self.domain.hosts):
            answer = self.ask(number)
            assert isinstance(answer, ReceiptSigned), answer
            signatures.append(ReceiptSignature(host.member.id, answer.signature))
            bodies.add(answer.body)
        (body,) = bodies
        return receipts.joined(body, signatures)

    def states(self) -> Mapping[bytes, DomainState]:
        """Return the domain's states by the hash of their tokens."""
        return states_of(self.domain.genesis, self.tokens)


def states_of(genesis: bytes, tokens: list[bytes]) -> Mapping[bytes, DomainState]:
    """Return the states that these documents lead to, by the hash of the token of each."""
    state = verify_genesis(genesis)
    at: bytes = state.domain
    found = {}
    for token in tokens:
        successor = accept(state, at, token, None)
        state, at = successor.state, successor.hash
        found[at] = state
    return found
