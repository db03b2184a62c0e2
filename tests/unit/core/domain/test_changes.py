"""What each kind of change makes of a domain, and what is no change: keys, members, holders, parameters."""

from collections.abc import Callable
from itertools import count

import msgspec
import pytest

from keystead.core.domain import destruction, offer
from keystead.core.domain.change_request import (
    Abandon,
    AddDomainKey,
    AddMember,
    ChangeParameters,
    DomainChange,
    DropDomainKey,
    RecordDestruction,
    Recover,
    ReinstateDomainKey,
    RemoveMember,
    RenewHolder,
    RetireDomainKey,
)
from keystead.core.domain.promise import promisers
from keystead.core.domain.quorum import Rules
from keystead.core.domain.state import Fate, Holder, Member, Parameters, Role, SlotKind, Standing
from keystead.errors import SignatureError, StateMismatch
from keystead.identifiers import DomainKeyId
from keystead.primitives.digest import sha256
from keystead.primitives.hpke import RecipientKey
from tests.simulators.parties import Parties, k_of, member, module, person
from tests.simulators.world import SeededRandomness

ADA = person("ada")
NAMES = ("module-1", "module-2", "module-3")
_numbers = count(1)


@pytest.fixture
def parties() -> Parties:
    """Three modules and two domain keys, of which the older one is retired: version 3."""
    parties = Parties([ADA], NAMES, Rules(k_of(1, ADA)))
    change(parties, AddDomainKey())
    change(parties, AddDomainKey())
    change(parties, RetireDomainKey(old_key(parties)))
    return parties


def change(parties: Parties, asked: DomainChange) -> None:
    """Install a change."""
    parties.follow(parties.token(parties.request(asked), ADA))


def old_key(parties: Parties) -> DomainKeyId:
    """Return the oldest domain key."""
    return DomainKeyId(parties.state.domain_keys[0].id)


def fresh_key() -> bytes:
    """Return the public half of a sealing key that nobody has."""
    return RecipientKey.generate(SeededRandomness(next(_numbers), "fresh")).public


def offer_of(parties: Parties, name: str, **changed: object) -> bytes:
    """Return a module's offer for what follows now; ``changed`` alters it before it is signed."""
    fields: dict[str, object] = {
        "domain": parties.state.domain,
        "predecessor": parties.hash,
        "dropping": b"",
        "number": 1,
        "sealing": fresh_key(),
        "slot": SlotKind.PKCS11,
        "member": module(name).id,
        "key": module(name).signing,
    }
    return offer.CODEC.encode(offer.offer(**fields | changed))  # type: ignore[arg-type]


def offers_of(parties: Parties, *names: str) -> tuple[bytes, ...]:
    """Return offers in the order in which a drop lists them."""
    dropping = old_key(parties)
    return tuple(offer_of(parties, name, dropping=dropping) for name in sorted(names, key=lambda name: module(name).id))


def entries(parties: Parties, name: str) -> list[Holder]:
    """Return the entries of a module in the account of holders."""
    return [one for one in parties.state.holders if one.module == module(name).id]


def fates(parties: Parties, name: str) -> list[Fate]:
    """Return what is known of a module's sealing keys."""
    return [one.fate for one in entries(parties, name)]


def recovery(name: str) -> Member:
    """Return a module as a recovery member."""
    return msgspec.structs.replace(member(name), role=Role.RECOVERY)


def in_order(*members: Member) -> tuple[Member, ...]:
    """Return members as a state lists them."""
    return tuple(sorted(members, key=lambda one: one.id))


def test_a_key_is_retired_reinstated_and_never_the_newest(parties: Parties) -> None:
    """Retiring is reversible, and what seals everything new cannot be retired."""
    assert [entry.standing for entry in parties.state.domain_keys] == [Standing.RETIRED, Standing.ACTIVE]
    assert [entry.since for entry in parties.state.domain_keys] == [1, 2]
    with pytest.raises(StateMismatch, match="newest"):
        change(parties, RetireDomainKey(parties.state.newest))
    change(parties, ReinstateDomainKey(old_key(parties)))
    assert [entry.standing for entry in parties.state.domain_keys] == [Standing.ACTIVE, Standing.ACTIVE]


def test_a_drop_renews_the_sealing_key_of_each_member_that_stays(parties: Parties) -> None:
    """The key is gone, its holders are told as renewed, and what follows is sealed to what was offered."""
    dropped, version = old_key(parties), parties.state.version + 1
    offers = offers_of(parties, *NAMES)
    request = parties.request(DropDomainKey(dropped, offers, ()))
    successor = parties.judged(parties.token(request, ADA))
    state = successor.state
    assert [entry.id for entry in state.domain_keys] == [parties.state.newest]
    assert [(one.id, one.since, one.dropped) for one in state.dropped] == [(dropped, 1, version)]
    assert {one.sealing for one in state.members} == {offer.CODEC.decode(one).sealing for one in offers}
    assert {one.slot for one in state.members} == {SlotKind.PKCS11}
    former = [one for one in state.holders if one.until == version]
    assert [one.fate for one in former] == [Fate.RENEWED] * 3
    assert set(state.holders_of(dropped)) == set(former)
    assert set(state.holders_of(parties.state.newest)) == set(state.holders)


def test_who_is_parked_leaves_and_nobody_knows_of_its_key(parties: Parties) -> None:
    """A member without an offer does not keep the others from dropping a key, but it stays in the account."""
    parked = module("module-2").id
    request = parties.request(DropDomainKey(old_key(parties), offers_of(parties, "module-1", "module-3"), (parked,)))
    state = parties.judged(parties.token(request, ADA)).state
    assert state.member(parked) is None
    assert [one.fate for one in state.holders if one.module == parked] == [Fate.OUTSTANDING]


def test_a_recovery_member_may_lack_an_offer(parties: Parties) -> None:
    """It stays and holds its old key, and so what was sealed to it, until it is renewed and attests."""
    dropped = old_key(parties)
    change(parties, AddMember(recovery("module-4")))
    request = parties.request(DropDomainKey(dropped, offers_of(parties, *NAMES), ()))
    state = parties.judged(parties.token(request, ADA)).state
    held = [one for one in state.holders_of(dropped) if one.fate is not Fate.RENEWED]
    assert [(one.module, one.fate) for one in held] == [(module("module-4").id, Fate.HOLDS)]


def test_a_recovery_members_former_key_is_outstanding_until_it_attests(parties: Parties) -> None:
    """Its renewal shows nothing of what it did with the old key: only its own word does."""
    change(parties, AddMember(recovery("module-4")))
    change(parties, RenewHolder(offer_of(parties, "module-4")))
    assert fates(parties, "module-4") == [Fate.OUTSTANDING, Fate.HOLDS]
    attested = destruction.attest(parties.state.domain, parties.state.version, module("module-4").signing)
    change(parties, RecordDestruction(destruction.CODEC.encode(attested)))
    assert fates(parties, "module-4") == [Fate.DESTROYED, Fate.HOLDS]


def test_who_leaves_right_after_a_renewal_may_have_kept_the_former_key(parties: Parties) -> None:
    """No promise shows that it had the version that renewed it; a promise of the next one would."""
    change(parties, RenewHolder(offer_of(parties, "module-2")))
    assert fates(parties, "module-2") == [Fate.RENEWED, Fate.HOLDS]
    change(parties, RemoveMember(module("module-2").id))
    assert fates(parties, "module-2") == [Fate.OUTSTANDING, Fate.OUTSTANDING]
    change_twice = RenewHolder(offer_of(parties, "module-3"))
    change(parties, change_twice)
    change(parties, AddDomainKey())
    change(parties, RemoveMember(module("module-3").id))
    assert fates(parties, "module-3") == [Fate.RENEWED, Fate.OUTSTANDING]


def test_an_attestation_is_good_for_what_had_ended_by_its_version(parties: Parties) -> None:
    """A module that returns and leaves again must attest again: its first word is no word about its later key."""
    change(parties, RemoveMember(module("module-2").id))
    attested = destruction.attest(parties.state.domain, parties.state.version, module("module-2").signing)
    word = RecordDestruction(destruction.CODEC.encode(attested))
    change(parties, word)
    change(parties, AddMember(msgspec.structs.replace(member("module-2"), sealing=fresh_key())))
    change(parties, RemoveMember(module("module-2").id))
    assert fates(parties, "module-2") == [Fate.DESTROYED, Fate.OUTSTANDING]
    with pytest.raises(StateMismatch, match="outstanding"):
        change(parties, word)


def test_a_module_returns_with_a_fresh_sealing_key_alone(parties: Parties) -> None:
    """What it had before may lie in any backup."""
    change(parties, RemoveMember(module("module-2").id))
    with pytest.raises(StateMismatch, match="used before"):
        change(parties, AddMember(member("module-2")))
    change(parties, AddMember(msgspec.structs.replace(member("module-2"), sealing=fresh_key())))


def test_a_recovery_goes_on_with_the_members_that_the_quorum_names(parties: Parties) -> None:
    """The recovery member becomes active and is the one who must promise; everyone else's key is outstanding."""
    change(parties, AddMember(recovery("module-4")))
    before = parties.state
    new = msgspec.structs.replace(member("module-5"), name="new")
    request = parties.request(Recover(in_order(member("module-4"), new)))
    successor = parties.judged(parties.token(request, ADA, by="module-4"))
    state = successor.state
    assert promisers(before, successor) == {module("module-4").id}
    assert {one.name for one in state.members} == {"module-4", "new"}
    listed = {module("module-4").id, module("module-5").id}
    assert {one.fate for one in state.holders if one.module not in listed} == {Fate.OUTSTANDING}
    assert {one.fate for one in state.holders if one.module in listed} == {Fate.HOLDS}


def test_nobody_waits_for_a_recovery_member(parties: Parties) -> None:
    """Who only waits for a recovery is not among those who must promise."""
    change(parties, AddMember(recovery("module-4")))
    before = parties.state
    successor = parties.judged(parties.token(parties.request(AddDomainKey()), ADA))
    assert promisers(before, successor) == {module(name).id for name in NAMES}


def test_parameters_are_replaced(parties: Parties) -> None:
    """They are part of the state that a quorum sets."""
    change(parties, ChangeParameters(Parameters(1_000)))
    assert parties.state.parameters == Parameters(1_000)


WRONG: dict[str, tuple[str, Callable[[Parties], DomainChange]]] = {
    "retiring a key that is not there": ("no such", lambda _: RetireDomainKey(bytes(16))),
    "retiring a key again": ("stands so", lambda one: RetireDomainKey(old_key(one))),
    "reinstating a key that is active": ("stands so", lambda one: ReinstateDomainKey(one.state.newest)),
    "dropping a key that is not retired": (
        "not retired first",
        lambda one: DropDomainKey(one.state.newest, offers_of(one, *NAMES), ()),
    ),
    "a drop without a member's offer": (
        "made no offer",
        lambda one: DropDomainKey(old_key(one), offers_of(one, *NAMES[:2]), ()),
    ),
    "a drop with offers out of order": (
        "in order",
        lambda one: DropDomainKey(old_key(one), offers_of(one, *NAMES)[::-1], ()),
    ),
    "a drop with two offers of one member": (
        "in order",
        lambda one: DropDomainKey(old_key(one), (*offers_of(one, *NAMES), *offers_of(one, NAMES[0])), ()),
    ),
    "a drop with an offer of who is parked": (
        "no member",
        lambda one: DropDomainKey(old_key(one), offers_of(one, *NAMES), (module(NAMES[0]).id,)),
    ),
    "parking who is no member": (
        "no member",
        lambda one: DropDomainKey(old_key(one), offers_of(one, *NAMES), (module("module-4").id,)),
    ),
    "parking one twice": (
        "each once",
        lambda one: DropDomainKey(old_key(one), offers_of(one, *NAMES[1:]), (module(NAMES[0]).id,) * 2),
    ),
    "parking most": (
        "most of the active",
        lambda one: DropDomainKey(
            old_key(one), offers_of(one, NAMES[0]), tuple(sorted(module(name).id for name in NAMES[1:]))
        ),
    ),
    "an offer for another predecessor": (
        "another predecessor",
        lambda one: RenewHolder(offer_of(one, NAMES[0], predecessor=bytes(32))),
    ),
    "an offer for another domain": (
        "another predecessor",
        lambda one: RenewHolder(offer_of(one, NAMES[0], domain=bytes(32))),
    ),
    "an offer for the drop of a key": (
        "another change",
        lambda one: RenewHolder(offer_of(one, NAMES[0], dropping=old_key(one))),
    ),
    "an offer for another drop": (
        "another change",
        lambda one: DropDomainKey(
            old_key(one), (*offers_of(one, *NAMES)[:2], offer_of(one, NAMES[2], dropping=bytes(16))), ()
        ),
    ),
    "an offer of who is no member": ("no member", lambda one: RenewHolder(offer_of(one, "module-4"))),
    "an offer of the key that is there": (
        "used before",
        lambda one: RenewHolder(offer_of(one, NAMES[0], sealing=member(NAMES[0]).sealing)),
    ),
    "an offer of another member's key": (
        "used before",
        lambda one: RenewHolder(offer_of(one, NAMES[0], sealing=member(NAMES[1]).sealing)),
    ),
    "abandoning as a token": ("makes no token", lambda _: Abandon(bytes(32), ())),
    "a recovery with the members that are there": ("these already", lambda one: Recover(one.state.members)),
    "a recovery with members out of order": (
        "in order",
        lambda _: Recover(in_order(member(NAMES[0]), member(NAMES[1]))[::-1]),
    ),
    "a recovery without anybody who has the keys": ("would go on", lambda _: Recover((member("module-4"),))),
    "a recovery without an active member": ("active member", lambda _: Recover((recovery(NAMES[0]),))),
    "a recovery that changes a sealing key": (
        "keeps its sealing key",
        lambda _: Recover((msgspec.structs.replace(member(NAMES[0]), sealing=member("module-4").sealing),)),
    ),
    "a recovery that changes a slot": (
        "keeps its sealing key",
        lambda _: Recover((msgspec.structs.replace(member(NAMES[0]), slot=SlotKind.MEMORY),)),
    ),
    "an attestation of nothing outstanding": ("outstanding", lambda one: _attested(one, "module-1")),
    "an attestation of a version to come": ("to come", lambda one: _attested(one, "module-1", 99)),
    "an attestation for another domain": (
        "another domain",
        lambda _: RecordDestruction(
            destruction.CODEC.encode(destruction.attest(bytes(32), 1, module("module-1").signing))
        ),
    ),
    "the parameters that are there": ("these already", lambda one: ChangeParameters(one.state.parameters)),
}


def _attested(parties: Parties, name: str, version: int = 1) -> RecordDestruction:
    word = destruction.attest(parties.state.domain, version, module(name).signing)
    return RecordDestruction(destruction.CODEC.encode(word))


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_made_is_refused(parties: Parties, name: str) -> None:
    """Each way of asking for what is no change is refused, though a quorum asked for it."""
    why, asked = WRONG[name]
    with pytest.raises(StateMismatch, match=why):
        parties.token(parties.request(asked(parties)), ADA)


def test_offers_and_attestations_are_signed_by_the_module_itself(parties: Parties) -> None:
    """Another module's signature is refused."""
    forged = offer_of(parties, "module-1", key=module("module-2").signing)
    with pytest.raises(SignatureError):
        parties.token(parties.request(RenewHolder(forged)), ADA)
    word = destruction.attest(parties.state.domain, 1, module("module-2").signing)
    public = module("module-1").signing.public
    lie = msgspec.structs.replace(word, ed25519=public.ed25519, mldsa65=public.mldsa65)
    with pytest.raises(SignatureError):
        parties.token(parties.request(RecordDestruction(destruction.CODEC.encode(lie))), ADA)


def test_a_sealing_key_is_known_by_its_digest(parties: Parties) -> None:
    """The account names sealing keys by SHA-256, with the slot that each rests under."""
    (entry,) = entries(parties, "module-1")
    assert entry == Holder(module("module-1").id, sha256(member("module-1").sealing), SlotKind.FILE, 0)
