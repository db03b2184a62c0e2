"""ListRetirableGrants: the grants that a principal of the caller's account may retire, on keys of any account.

The repository's index says which keys may have some; what is told is read from grants that a head names.
"""

from typing import Final

from keystead.core.keys.attachments import read_grants
from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.states import is_gone
from keystead.core.operations.authorization import Authorization, Authorizations
from keystead.core.operations.context import Context, Done
from keystead.core.operations.grant_tokens import is_grant_id
from keystead.core.operations.granted import name_of
from keystead.core.operations.grants import entry, principal_arn
from keystead.core.operations.lookup import RetirablePage
from keystead.core.operations.paging import page_limit, read_marker, write_marker
from keystead.core.protocols.aws_json.shapes import ListGrantsResponse, ListRetirableGrantsRequest
from keystead.core.records import GRANTS
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, KeyId, Region, is_key_id

KEYS: Final = 12
"""Keys that one page looks at: with all the grants that they may have they fit one frame."""
_NAME: Final = "ListRetirableGrants"


def want_retirable(request: ListRetirableGrantsRequest, _account: AccountId, region: Region) -> RetirablePage:
    """Look up keys with grants that the principal may retire, from the marker on."""
    principal = _principal(request)
    page_limit(_NAME, request.limit)
    start, _ = _place(request)
    return RetirablePage(region, name_of(principal), start, KEYS)


def of_list_retirable(request: ListRetirableGrantsRequest) -> Authorizations:
    """On the retiring principal, by identity policies alone; what names none was refused before."""
    return (Authorization(f"kms:{_NAME}", resource=request.retiring_principal or "*"),)


def list_retirable_grants(context: Context, request: ListRetirableGrantsRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """List grants in order of key and id. A page may hold fewer than asked for, and be none the less not the last."""
    name = name_of(_principal(request))
    _require_own(context, _principal(request), name)
    limit, after = page_limit(_NAME, request.limit), _place(request)
    found = [
        (key.head, grant)
        for key in keys[:KEYS]
        if not is_gone(key.head, context.now)
        for grant in read_grants(key.attachment(GRANTS))
        if grant.retiring and name_of(grant.retiring) == name and (key.head.key_id, grant.grant_id) > after
    ]
    marker = None
    if len(found) > limit:
        head, last = found[limit - 1]
        marker = write_marker(_NAME, f"{head.key_id}/{last.grant_id}")
    elif len(keys) > KEYS:
        marker = write_marker(_NAME, f"{keys[KEYS].head.key_id}/")
    entries = [entry(head, grant) for head, grant in found[:limit]]
    return Done(ListGrantsResponse(grants=entries, next_marker=marker, truncated=marker is not None))


def _principal(request: ListRetirableGrantsRequest) -> str:
    if (request.retiring_principal is None) is (request.retiring_service_principal is None):
        raise ServiceError("ValidationException", "Specify either RetiringPrincipal or RetiringServicePrincipal.")
    if request.retiring_principal is None:
        raise ServiceError("ValidationException", "Service principals are not supported.")
    return principal_arn(request.retiring_principal)


def _require_own(context: Context, principal: str, name: str) -> None:
    """Refuse a principal of another account, as one that the caller's account gives no permission on."""
    if context.account not in {name, *name.split(":")[4:5]}:
        raise ServiceError(
            "AccessDeniedException",
            f"User: {context.claims.principal} is not authorized to perform: kms:{_NAME} on resource: {principal}",
        )


def _place(request: ListRetirableGrantsRequest) -> tuple[KeyId, str]:
    """Return the key to begin with, and the grant of it to begin after; none is before every grant."""
    place = read_marker(_NAME, request.marker)
    key_id, _, grant_id = place.partition("/")
    if place and not (is_key_id(key_id) and (is_grant_id(grant_id) or place == f"{key_id}/")):
        raise ServiceError("InvalidMarkerException")
    return KeyId(key_id), grant_id
