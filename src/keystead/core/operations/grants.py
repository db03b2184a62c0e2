"""CreateGrant, ListGrants, RevokeGrant and RetireGrant.

Grants rest beside the key's head, which names them; so nobody adds or removes one without a module.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keystead.core.keys.attachments import GrantConstraint, KeyGrant, read_grants, write_grants
from keystead.core.keys.head import KeyHead
from keystead.core.keys.metadata import seconds
from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.changes import changed
from keystead.core.operations.checks import invalid, not_dry_run
from keystead.core.operations.conditions import of_key
from keystead.core.operations.context import Access, Context, Done
from keystead.core.operations.grant_tokens import GrantToken, call_of, decode, is_grant_id, new_grant_id
from keystead.core.operations.granted import name_of, readable
from keystead.core.operations.lookup import Keys, Wanted
from keystead.core.operations.paging import page_limit, read_marker, write_marker
from keystead.core.operations.references import KeyNamed, key_reference
from keystead.core.operations.terms import constraint_of
from keystead.core.protocols.aws_json.shapes import (
    CreateGrantRequest,
    CreateGrantResponse,
    GrantConstraints,
    GrantListEntry,
    ListGrantsRequest,
    ListGrantsResponse,
    RetireGrantRequest,
    RevokeGrantRequest,
)
from keystead.core.records import GRANTS, Change
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, Region, root_arn

LONGEST: Final = 512 * 1024
"""Octets of all grants of one key: some 2,000 of the ordinary kind."""
MOST_PAIRS: Final = 8
LONGEST_PAIR: Final = 384
"""Characters of a name or a value in a constraint."""
_OF_ANY: Final = frozenset({"CreateGrant", "DescribeKey", "RetireGrant"})
_PUBLIC: Final = _OF_ANY | {"GetPublicKey"}
_ENCRYPTING: Final = frozenset({"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo"})
_SYMMETRIC: Final = (
    _OF_ANY
    | _ENCRYPTING
    | {
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
    }
)
_BY_USAGE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "ENCRYPT_DECRYPT": _PUBLIC | _ENCRYPTING,
        "SIGN_VERIFY": _PUBLIC | {"Sign", "Verify"},
        "GENERATE_VERIFY_MAC": _OF_ANY | {"GenerateMac", "VerifyMac"},
        "KEY_AGREEMENT": _PUBLIC | {"DeriveSharedSecret"},
        "ENCAPSULATE_DECAPSULATE": _PUBLIC | {"Encapsulate", "Decapsulate"},
    }
)
_SYMMETRIC_SPEC: Final = "SYMMETRIC_DEFAULT"


def want_for_retire(request: RetireGrantRequest, account: AccountId, region: Region) -> Keys:
    """Look up the key of the grant, which is named by a token, or by key and id."""
    by_id = request.key_id is not None and request.grant_id is not None
    if by_id is (request.grant_token is not None) or (request.key_id is None) is not (request.grant_id is None):
        raise ServiceError("ValidationException", "Specify either GrantToken, or KeyId and GrantId.")
    if request.key_id is not None:
        return Keys((Wanted(key_reference(request.key_id, account, region), "none"),))
    token = decode(request.grant_token or "")
    if token.region != region:
        raise ServiceError("InvalidGrantTokenException", "The grant token is of another region.")
    return Keys((Wanted(KeyNamed(token.account, token.region, token.key_id), "none"),))


def create_grant(context: Context, request: CreateGrantRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Add a grant. One of the same name that says the same is not made twice; only its token is new."""
    (key,) = keys
    wanted = _new_grant(context, key.head, request)
    not_dry_run(request.dry_run)
    grants = read_grants(key.attachment(GRANTS))
    existing = next((grant for grant in grants if wanted.name and _same(grant, wanted)), None)
    if existing is not None:
        return Done(_created(context, key.head, existing))
    written = write_grants((*grants, wanted))
    if len(written) > LONGEST:
        raise ServiceError("LimitExceededException", "The grants limit has been reached for the given keyId.")
    change = changed(context, key, attachments={GRANTS: written})
    return Done(_created(context, key.head, wanted), Change((change,)))


def list_grants(_context: Context, request: ListGrantsRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """List the grants in order of id, all or those of this id or grantee."""
    (key,) = keys
    if request.grant_id is not None:
        _grant_id(request.grant_id)
    limit = page_limit("ListGrants", request.limit)
    after = read_marker("ListGrants", request.marker)
    if after and not is_grant_id(after):
        raise ServiceError("InvalidMarkerException")
    found = [one for one in read_grants(key.attachment(GRANTS)) if one.grant_id > after and _is_meant(request, one)]
    shown, more = found[:limit], len(found) > limit
    marker = write_marker("ListGrants", shown[-1].grant_id) if more else None
    entries = [entry(key.head, grant) for grant in shown]
    return Done(ListGrantsResponse(grants=entries, next_marker=marker, truncated=more))


def revoke_grant(context: Context, request: RevokeGrantRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """End a grant, as the key's policy allows."""
    (key,) = keys
    grant = _existing(key, request.grant_id)
    not_dry_run(request.dry_run)
    return _without(context, key, grant)


def retire_grant(context: Context, request: RetireGrantRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """End a grant, as the grant itself allows; the policy of the key may forbid it."""
    (key,) = keys
    named = request.grant_id if request.grant_token is None else decode(request.grant_token).grant_id
    grant = _existing(key, named or "")
    access = Access("kms:RetireGrant", key.head.arn, key, lambda: of_key(key))
    context.judge.admit_retirement(context, access, readable(grant), grant.issuer)
    not_dry_run(request.dry_run)
    return _without(context, key, grant)


def _new_grant(context: Context, head: KeyHead, request: CreateGrantRequest) -> KeyGrant:
    if request.grantee_service_principal is not None or request.retiring_service_principal is not None:
        raise ServiceError("ValidationException", "Service principals are not supported.")
    if request.grantee_principal is None:
        raise invalid("Value null at 'granteePrincipal' failed to satisfy constraint: Member must not be null")
    _fitting(head, request)
    return KeyGrant(
        new_grant_id(head.account, head.key_id, context.claims.id),
        context.now,
        context.account,
        principal_arn(request.grantee_principal),
        "" if request.retiring_principal is None else principal_arn(request.retiring_principal),
        tuple(sorted(set(request.operations))),
        _constraint(head, request.constraints),
        request.name or "",
    )


def _fitting(head: KeyHead, request: CreateGrantRequest) -> None:
    fitting = _SYMMETRIC if head.spec == _SYMMETRIC_SPEC else _BY_USAGE[head.usage]
    for operation in request.operations:
        if operation not in fitting:
            raise ServiceError("ValidationException", f"Operation {operation} is not valid for the key {head.arn}.")


def principal_arn(arn: str) -> str:
    """Return the text if it names a principal; InvalidArnException if it does not."""
    try:
        name_of(arn)
    except ServiceError:
        raise ServiceError("InvalidArnException", "ARN does not refer to a valid principal.") from None
    return arn


def _constraint(head: KeyHead, constraints: GrantConstraints | None) -> GrantConstraint | None:
    if constraints is not None and constraints.source_arn is not None:
        raise ServiceError("ValidationException", "SourceArn needs a service principal, which is not supported.")
    constraint = constraint_of(constraints)
    if constraints is None or constraint is None:
        return None
    if constraints.encryption_context_equals is not None and constraints.encryption_context_subset is not None:
        raise ServiceError("ValidationException", "A grant has at most one encryption context constraint.")
    if head.spec != _SYMMETRIC_SPEC:
        raise ServiceError("ValidationException", "Only grants on symmetric encryption keys have constraints.")
    texts = [text for pair in constraint.pairs.items() for text in pair]
    if not 0 < len(constraint.pairs) <= MOST_PAIRS or any(len(text) > LONGEST_PAIR for text in texts):
        raise ServiceError(
            "ValidationException",
            f"A constraint has 1 to {MOST_PAIRS} pairs of at most {LONGEST_PAIR} characters for name and value.",
        )
    return GrantConstraint(constraint.kind, tuple(sorted(constraint.pairs.items())))


def _same(grant: KeyGrant, wanted: KeyGrant) -> bool:
    """Whether both say the same, whenever they were made."""
    return (grant.issuer, grant.grantee, grant.retiring, grant.operations, grant.constraint, grant.name) == (
        wanted.issuer,
        wanted.grantee,
        wanted.retiring,
        wanted.operations,
        wanted.constraint,
        wanted.name,
    )


def _created(context: Context, head: KeyHead, grant: KeyGrant) -> CreateGrantResponse:
    token = GrantToken(head.account, head.region, head.key_id, grant.grant_id, call_of(context.claims.id))
    return CreateGrantResponse(grant_token=token.encode(), grant_id=grant.grant_id)


def _is_meant(request: ListGrantsRequest, grant: KeyGrant) -> bool:
    return (
        request.grant_id in (None, grant.grant_id)
        and request.grantee_principal in (None, grant.grantee)
        and request.grantee_service_principal is None
    )


def entry(head: KeyHead, grant: KeyGrant) -> GrantListEntry:
    """Return what lists tell of a grant of this key."""
    return GrantListEntry(
        key_id=head.arn,
        grant_id=grant.grant_id,
        name=grant.name,
        creation_date=seconds(grant.created),
        grantee_principal=grant.grantee,
        retiring_principal=grant.retiring or None,
        issuing_account=root_arn(grant.issuer),
        operations=list(grant.operations),
        constraints=_told(grant.constraint),
    )


def _told(constraint: GrantConstraint | None) -> GrantConstraints | None:
    if constraint is None:
        return None
    if constraint.kind == "Equals":
        return GrantConstraints(encryption_context_equals=dict(constraint.pairs))
    return GrantConstraints(encryption_context_subset=dict(constraint.pairs))


def _existing(key: OpenedKey, grant_id: str) -> KeyGrant:
    _grant_id(grant_id)
    for grant in read_grants(key.attachment(GRANTS)):
        if grant.grant_id == grant_id:
            return grant
    raise ServiceError("NotFoundException", f"Grant ID {grant_id} not found")


def _grant_id(text: str) -> None:
    if not is_grant_id(text):
        raise ServiceError("InvalidGrantIdException", "The grant ID is not valid.")


def _without(context: Context, key: OpenedKey, ended: KeyGrant) -> Done:
    left = tuple(one for one in read_grants(key.attachment(GRANTS)) if one.grant_id != ended.grant_id)
    return Done(None, Change((changed(context, key, attachments={GRANTS: write_grants(left)}),)))
