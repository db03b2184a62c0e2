"""Vectors of ``spec/key-record.md``."""

import hashlib
from typing import Any, Literal

import msgspec

from keystead.core.keys.attachments import (
    GrantConstraint,
    KeyAlias,
    KeyGrant,
    KeyTag,
    write_aliases,
    write_grants,
    write_tags,
)
from keystead.core.keys.head import KeyHead, KeyVersion, RecentProof, encode
from keystead.core.records import ALIASES, GRANTS, POLICY, TAGS
from keystead.identifiers import AccountId, AliasName, KeyId, Region

Vector = dict[str, Any]
_TOKENS = {number: hashlib.sha512(b"token %d" % number).digest() for number in (1, 2)}
_POLICY = b'{"Version": "2012-10-17", "Statement": []}'
_TAGS = write_tags((KeyTag("team", "red"), KeyTag("cost", "")))
_ALIASES = write_aliases((KeyAlias(AliasName("alias/a"), 1, 2), KeyAlias(AliasName("alias/b"), 3, 3)))
_GRANTS = write_grants(
    (
        KeyGrant(
            hashlib.sha256(b"grant").hexdigest(),
            1_790_000_000_123,
            AccountId("111122223333"),
            "arn:aws:iam::111122223333:user/alice",
            "",
            ("Decrypt", "Encrypt"),
            GrantConstraint("Subset", (("team", "red"),)),
            "app",
        ),
    )
)
_ATTACHMENTS = {POLICY: _POLICY, TAGS: _TAGS, ALIASES: _ALIASES}


def generate() -> list[Vector]:
    """Return one vector for each way of being right or wrong."""
    head = _head()
    written = encode(head)
    changed = msgspec.structs.replace
    first, second = head.versions
    granted = encode(changed(head, grants=hashlib.sha256(_GRANTS).digest()))
    rotating = encode(changed(head, rotation_period=365, rotation_due=1_821_536_000_123))
    other = hashlib.sha512(b"other token").digest()
    contradictions = {
        "key id in capitals": changed(head, key_id=KeyId(head.key_id.upper())),
        "generation nought": changed(head, generation=0),
        "no version": changed(head, versions=()),
        "first version missing": changed(head, versions=(second,)),
        "version twice": changed(head, versions=(first, first)),
        "pending deletion without a date": changed(head, state="PendingDeletion"),
        "deletion date of an enabled key": changed(head, deletion=1),
        "days between rotations without a date": changed(head, rotation_period=365),
        "rotation date without days between": changed(head, rotation_due=1),
        "unknown state": changed(head, state="Asleep"),
        "unknown format": changed(head, format=2),
        "no policy": changed(head, policy=b""),
    }
    tampered = {
        "token of another key": ({1: other}, {}),
        "token of another version": ({1: _TOKENS[2]}, {}),
        "token of no version": ({3: _TOKENS[2]}, {}),
        "edited policy": ({}, {POLICY: _POLICY + b" "}),
        "missing policy": ({}, {POLICY: b""}),
        "edited tags": ({}, {TAGS: write_tags((KeyTag("team", "blue"),))}),
        "tags as aliases": ({}, {ALIASES: _TAGS}),
        "deleted aliases": ({}, {ALIASES: b""}),
        "grants of a key without grants": ({}, {GRANTS: b"\x90"}),
        "attachment of an unknown kind": ({}, {"notes": b"x"}),
    }
    return [
        _vector("ok", "ok", written, _TOKENS, _ATTACHMENTS),
        _vector("ok: head alone", "ok", written, {}, {}),
        _vector("ok: one token, one attachment", "ok", written, {2: _TOKENS[2]}, {POLICY: _POLICY}),
        _vector("ok: with grants", "ok", granted, {}, {GRANTS: _GRANTS}),
        _vector("ok: rotates by itself", "ok", rotating),
        _vector("tags as grants", "refused", granted, {}, {GRANTS: _TAGS}),
        _vector("empty", "refused", b""),
        _vector("truncated by one byte", "refused", written[:-1]),
        _vector("trailing byte", "refused", written + b"\x00"),
        _vector("additional field", "refused", msgspec.msgpack.encode([*msgspec.msgpack.decode(written), 0])),
        _vector("length in more bytes than needed", "refused", b"\xdd\x00\x00" + written[1:]),
        *(_vector(name, "refused", encode(wrong)) for name, wrong in contradictions.items()),
        *(_vector(name, "refused", written, tokens, rest) for name, (tokens, rest) in tampered.items()),
    ]


def _head() -> KeyHead:
    return KeyHead(
        account=AccountId("111122223333"),
        region=Region("eu-central-1"),
        key_id=KeyId("1234abcd-12ab-84cd-96ef-1234567890ab"),
        generation=3,
        created=1_790_000_000_123,
        spec="SYMMETRIC_DEFAULT",
        usage="ENCRYPT_DECRYPT",
        origin="AWS_KMS",
        description="für Löhne",
        versions=(_version(1, "CREATED"), _version(2, "ON_DEMAND")),
        policy=hashlib.sha256(_POLICY).digest(),
        tags=hashlib.sha256(_TAGS).digest(),
        aliases=hashlib.sha256(_ALIASES).digest(),
        recent=(RecentProof(hashlib.sha256(b"proof").digest()[:16], 1_790_000_030_123),),
    )


def _version(number: int, kind: Literal["CREATED", "ON_DEMAND"]) -> KeyVersion:
    return KeyVersion(
        number=number,
        material_id=hashlib.sha256(b"material %d" % number).digest(),
        token=hashlib.sha256(_TOKENS[number]).digest(),
        created=1_790_000_000_123 + number,
        kind=kind,
        domain_key=hashlib.sha256(b"domain key").digest()[:16],
    )


def _vector(
    name: str,
    outcome: str,
    head: bytes,
    tokens: dict[int, bytes] | None = None,
    attachments: dict[str, bytes] | None = None,
) -> Vector:
    return {
        "name": name,
        "outcome": outcome,
        "head": head.hex(),
        "tokens": {str(number): token.hex() for number, token in (tokens or {}).items()},
        "attachments": {kind: content.hex() for kind, content in (attachments or {}).items()},
    }
