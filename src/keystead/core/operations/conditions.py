"""What key policies may ask about a request and its key (kms-developer-guide, "Condition keys for AWS KMS").

Names of condition keys ignore case, so they are lower-case here. Truth values are ``true`` and ``false``, numbers
decimal.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from keystead.core.keys.attachments import read_aliases, read_tags
from keystead.core.keys.opened import OpenedKey
from keystead.core.keys.specs import SYMMETRIC
from keystead.core.operations.life_cycle import deletion_window
from keystead.core.operations.recipients import Attested
from keystead.core.operations.references import ALIAS, AliasNamed, any_reference
from keystead.core.operations.rotation import rotation_period
from keystead.core.operations.terms import constraint_of
from keystead.core.policy.variables import Values
from keystead.core.protocols.aws_json.shapes import (
    CreateGrantRequest,
    CreateKeyRequest,
    DecapsulateRequest,
    DecryptRequest,
    DeriveSharedSecretRequest,
    DescribeKeyRequest,
    EnableKeyRotationRequest,
    EncapsulateRequest,
    EncryptRequest,
    GenerateDataKeyPairRequest,
    GenerateDataKeyPairWithoutPlaintextRequest,
    GenerateDataKeyRequest,
    GenerateDataKeyWithoutPlaintextRequest,
    GenerateMacRequest,
    GetPublicKeyRequest,
    PutKeyPolicyRequest,
    ReEncryptRequest,
    ScheduleKeyDeletionRequest,
    SignRequest,
    Tag,
    TagResourceRequest,
    UntagResourceRequest,
    VerifyMacRequest,
    VerifyRequest,
)
from keystead.core.protocols.proof import Claims
from keystead.core.records import ALIASES, TAGS
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, Region

Known: TypeAlias = dict[str, Values]
ConditionsOf: TypeAlias = Callable[[Claims, Any, tuple[OpenedKey, ...], int | None], Known]
"""From claims, request, keys and which of them is asked about, to what may be asked beyond ``of_key``."""


def truth(value: bool | None) -> str:  # noqa: FBT001, the value itself
    """Return a truth value as policies write it; None is false."""
    return "true" if value else "false"


def of_key(key: OpenedKey | None) -> Known:
    """Return what may be asked of every request on this key."""
    if key is None:
        return {}
    head = key.head
    values: Known = {
        "aws:resourceaccount": head.account,
        "kms:keyspec": head.spec,
        "kms:keyusage": head.usage,
        "kms:customermasterkeyspec": head.spec,
        "kms:customermasterkeyusage": head.usage,
        "kms:keyorigin": head.origin,
        "kms:multiregion": truth(head.multi_region is not None),
    }
    if head.multi_region is not None:
        values["kms:multiregionkeytype"] = head.multi_region
    if head.aliases:
        values["kms:resourcealiases"] = tuple(alias.name for alias in read_aliases(key.attachment(ALIASES)))
    return values | _named("aws:resourcetag/", ((tag.key, tag.value) for tag in read_tags(key.attachment(TAGS))))


def of_recipient(recipient: Attested | None) -> Known:
    """Return what may be asked of the attested environment that gets the answer's secret, if there is one."""
    return {} if recipient is None else dict(recipient.conditions)


def of_alias(claims: Claims, key_id: str | None) -> Known:
    """Return the alias by which the request names the key, if it does."""
    if key_id is None or ALIAS not in key_id:
        return {}
    reference = any_reference(key_id, AccountId(claims.account), Region(claims.region))
    return {"kms:requestalias": reference.alias} if isinstance(reference, AliasNamed) else {}


def of_encryption_context(context: Mapping[str, str] | None, algorithm: str | None = None) -> Known:
    """Return what may be asked of an encryption context, and the algorithm that goes with it."""
    values: Known = {"kms:encryptionalgorithm": algorithm or SYMMETRIC}
    if context:
        values["kms:encryptioncontextkeys"] = tuple(context)
        values |= _named("kms:encryptioncontext:", context.items())
    return values


def of_tags(tags: Iterable[Tag]) -> Known:
    """Return what may be asked of tags in a request."""
    values = {tag.tag_key: tag.tag_value for tag in tags}
    return of_tag_keys(values) | _named("aws:requesttag/", values.items())


def of_tag_keys(keys: Iterable[str]) -> Known:
    """Return what may be asked of the tag keys in a request; nothing if there are none."""
    names = tuple(keys)
    return {"aws:tagkeys": names} if names else {}


def none(_claims: Claims, _request: object, _keys: tuple[OpenedKey, ...], _place: int | None) -> Known:
    """Return nothing: the operation adds nothing."""
    return {}


def of_use(
    claims: Claims,
    request: EncryptRequest | DecryptRequest,
    _keys: tuple[OpenedKey, ...],
    _place: int | None,
) -> Known:
    """Return what may be asked of an encryption or a decryption."""
    values = of_encryption_context(request.encryption_context, request.encryption_algorithm)
    return values | of_alias(claims, request.key_id)


def of_data_key(
    claims: Claims,
    request: GenerateDataKeyRequest | GenerateDataKeyWithoutPlaintextRequest,
    _keys: tuple[OpenedKey, ...],
    _place: int | None,
) -> Known:
    """Return what may be asked of a data key that shall be made."""
    return of_encryption_context(request.encryption_context) | of_alias(claims, request.key_id)


def of_data_key_pair(
    claims: Claims,
    request: GenerateDataKeyPairRequest | GenerateDataKeyPairWithoutPlaintextRequest,
    _keys: tuple[OpenedKey, ...],
    _place: int | None,
) -> Known:
    """Return what may be asked of a data key pair that shall be made."""
    values = of_encryption_context(request.encryption_context) | of_alias(claims, request.key_id)
    return values | {"kms:datakeypairspec": request.key_pair_spec}


def of_signature(
    claims: Claims, request: SignRequest | VerifyRequest, _keys: tuple[OpenedKey, ...], _place: int | None
) -> Known:
    """Return what may be asked of a signature that is made or verified."""
    return of_alias(claims, request.key_id) | {
        "kms:signingalgorithm": request.signing_algorithm,
        "kms:messagetype": request.message_type or "RAW",
    }


def of_mac(
    claims: Claims, request: GenerateMacRequest | VerifyMacRequest, _keys: tuple[OpenedKey, ...], _place: int | None
) -> Known:
    """Return what may be asked of a MAC that is made or verified."""
    return of_alias(claims, request.key_id) | {"kms:macalgorithm": request.mac_algorithm}


def of_agreement(
    claims: Claims, request: DeriveSharedSecretRequest, _keys: tuple[OpenedKey, ...], _place: int | None
) -> Known:
    """Return what may be asked of an agreement on a secret."""
    return of_alias(claims, request.key_id) | {"kms:keyagreementalgorithm": request.key_agreement_algorithm}


def of_encapsulation(
    claims: Claims, request: EncapsulateRequest | DecapsulateRequest, _keys: tuple[OpenedKey, ...], _place: int | None
) -> Known:
    """Return what may be asked of an encapsulation that is made or opened."""
    return of_alias(claims, request.key_id) | {"kms:encapsulationalgorithm": request.encapsulation_algorithm}


def of_reencrypt(claims: Claims, request: ReEncryptRequest, keys: tuple[OpenedKey, ...], place: int | None) -> Known:
    """Return what may be asked of the source, the first key, or of the destination."""
    source, destination = keys
    same = {"kms:reencryptonsamekey": truth(source.head.arn == destination.head.arn)}
    if place == 0:
        values = of_encryption_context(request.source_encryption_context, request.source_encryption_algorithm)
        return values | of_alias(claims, request.source_key_id) | same
    values = of_encryption_context(request.destination_encryption_context, request.destination_encryption_algorithm)
    return values | of_alias(claims, request.destination_key_id) | same


def of_describe(
    claims: Claims, request: DescribeKeyRequest | GetPublicKeyRequest, _keys: tuple[OpenedKey, ...], _place: int | None
) -> Known:
    """Return what may be asked of how the key was named."""
    return of_alias(claims, request.key_id)


def of_creation(_claims: Claims, request: CreateKeyRequest, _keys: tuple[OpenedKey, ...], _place: int | None) -> Known:
    """Return what may be asked of the key that shall be made."""
    spec = request.key_spec or request.customer_master_key_spec or SYMMETRIC
    usage = request.key_usage or "ENCRYPT_DECRYPT"
    return of_tags(request.tags or ()) | {
        "kms:keyspec": spec,
        "kms:keyusage": usage,
        "kms:customermasterkeyspec": spec,
        "kms:customermasterkeyusage": usage,
        "kms:keyorigin": request.origin or "AWS_KMS",
        "kms:multiregion": truth(request.multi_region),
        "kms:bypasspolicylockoutsafetycheck": truth(request.bypass_policy_lockout_safety_check),
    }


def of_new_grant(
    _claims: Claims, request: CreateGrantRequest, _keys: tuple[OpenedKey, ...], _place: int | None
) -> Known:
    """Return what may be asked of a grant that shall be made."""
    values: Known = {"kms:grantoperations": tuple(request.operations)} | of_no_service()
    if request.grantee_principal is not None:
        values["kms:granteeprincipal"] = request.grantee_principal
    if request.retiring_principal is not None:
        values["kms:retiringprincipal"] = request.retiring_principal
    constraint = constraint_of(request.constraints)
    if constraint is not None:
        values["kms:grantconstrainttype"] = f"EncryptionContext{constraint.kind}"
        values["kms:encryptioncontextkeys"] = tuple(constraint.pairs)
        values |= _named("kms:encryptioncontext:", constraint.pairs.items())
    return values


def of_grants(_claims: Claims, _request: object, _keys: tuple[OpenedKey, ...], _place: int | None) -> Known:
    """Return what may be asked of a request about a key's grants."""
    return of_no_service()


def of_no_service() -> Known:
    """No service asks on behalf of a user."""
    return {"kms:grantisforawsresource": truth(value=False)}


def of_new_policy(
    _claims: Claims, request: PutKeyPolicyRequest, _keys: tuple[OpenedKey, ...], _place: int | None
) -> Known:
    """Return what may be asked of a change of policy."""
    return {"kms:bypasspolicylockoutsafetycheck": truth(request.bypass_policy_lockout_safety_check)}


def of_deletion(
    _claims: Claims, request: ScheduleKeyDeletionRequest, _keys: tuple[OpenedKey, ...], _place: int | None
) -> Known:
    """Return what may be asked of a scheduled deletion."""
    return {"kms:schedulekeydeletionpendingwindowindays": str(deletion_window(request))}


def of_rotation(
    _claims: Claims, request: EnableKeyRotationRequest, _keys: tuple[OpenedKey, ...], _place: int | None
) -> Known:
    """Return what may be asked of the period of automatic rotation."""
    return {"kms:rotationperiodindays": str(rotation_period(request))}


def of_tagging(_claims: Claims, request: TagResourceRequest, _keys: tuple[OpenedKey, ...], _place: int | None) -> Known:
    """Return what may be asked of tags that are added."""
    return of_tags(request.tags)


def of_untagging(
    _claims: Claims, request: UntagResourceRequest, _keys: tuple[OpenedKey, ...], _place: int | None
) -> Known:
    """Return what may be asked of tags that are removed."""
    return of_tag_keys(request.tag_keys)


def _named(prefix: str, pairs: Iterable[tuple[str, str]]) -> Known:
    """Put each value under its own condition key; two that differ only in case would have the same one."""
    values: Known = {}
    for name, value in pairs:
        condition_key = prefix + name.lower()
        if condition_key in values:
            raise ServiceError("ValidationException", "Names that differ only in case cannot be judged by a policy.")
        values[condition_key] = value
    return values
