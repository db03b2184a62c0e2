"""CreateKey (paragraph 101)."""

from keystead.core.keys.attachments import write_tags
from keystead.core.keys.head import KeyHead
from keystead.core.keys.metadata import metadata
from keystead.core.keys.opened import OpenedKey, attachment_digest
from keystead.core.keys.specs import ENCRYPT, SYMMETRIC, UNAVAILABLE, usages
from keystead.core.operations.changes import new_version, written
from keystead.core.operations.conditions import of_creation
from keystead.core.operations.context import Access, Context, Done
from keystead.core.operations.tags import acceptable_tags
from keystead.core.policy.default import default_policy
from keystead.core.protocols.aws_json.shapes import CreateKeyRequest, CreateKeyResponse, KeySpec, KeyUsageType
from keystead.core.records import POLICY, PUBLIC_KEY, TAGS, Change, TokenChange
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, KeyId, Region, key_arn
from keystead.primitives.digest import labelled_digest
from keystead.primitives.labels import Label


def create_key(context: Context, request: CreateKeyRequest, keys: tuple[OpenedKey, ...]) -> Done:
    """Make a key with fresh material and the policy, tags and description that were asked for.

    Its id follows from the proof of the request, so that the same request cannot make a second key.
    """
    spec, usage = _supported(request)
    tags = write_tags(acceptable_tags(request.tags or []))
    key_id = new_key_id(context.account, context.region, context.claims.id, multi_region=bool(request.multi_region))
    policy = _policy(context, request, keys, key_id).encode()
    token = context.vault.new_token(context.account, context.region, key_id, 1, usage, spec)
    head = KeyHead(
        account=context.account,
        region=context.region,
        key_id=key_id,
        generation=1,
        created=context.now,
        spec=spec,
        usage=usage,
        origin="AWS_KMS",
        multi_region="PRIMARY" if request.multi_region else None,
        description=request.description or "",
        versions=(new_version(token, 1, context.now, "CREATED"),),
        policy=attachment_digest(policy),
    )
    change = written(
        context,
        head,
        replaces=b"",
        tokens=(TokenChange(1, token.domain_key, token.token),),
        attachments=_given({POLICY: policy, TAGS: tags, PUBLIC_KEY: token.public_key}),
    )
    return Done(CreateKeyResponse(key_metadata=metadata(head)), Change((change,)))


def _given(attachments: dict[str, bytes]) -> dict[str, bytes]:
    return {kind: content for kind, content in attachments.items() if content}


def _policy(context: Context, request: CreateKeyRequest, keys: tuple[OpenedKey, ...], key_id: KeyId) -> str:
    """Return the policy of the new key, once it is found acceptable."""
    policy = default_policy(context.account) if request.policy is None else request.policy
    access = Access(
        "kms:CreateKey",
        key_arn(context.region, context.account, key_id),
        None,
        lambda: of_creation(context.claims, request, keys, None),
    )
    bypass = bool(request.bypass_policy_lockout_safety_check)
    context.judge.admit_policy(context, access, policy, bypass_lockout_check=bypass)
    return policy


def new_key_id(account: AccountId, region: Region, proof: bytes, *, multi_region: bool) -> KeyId:
    """Return the id of the key that the request with this proof makes: a UUID of version 8 (RFC 9562, section 5.8)."""
    digest = bytearray(labelled_digest(Label.KEY_ID, account.encode(), region.encode(), proof)[:16])
    if multi_region:
        return KeyId(f"mrk-{digest.hex()}")
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return KeyId("-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])))


def _supported(request: CreateKeyRequest) -> tuple[KeySpec, KeyUsageType]:
    """Return spec and usage of a key that can be made here."""
    spec = request.key_spec or request.customer_master_key_spec or SYMMETRIC
    if request.key_spec and request.customer_master_key_spec and request.key_spec != request.customer_master_key_spec:
        raise ServiceError(
            "ValidationException",
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
            "CustomerMasterKeySpec is deprecated.",
        )
    usage = _fitting_usage(spec, request.key_usage)
    if spec in UNAVAILABLE:
        raise ServiceError("UnsupportedOperationException", f"KeySpec {spec} is not supported.")
    if request.origin not in (None, "AWS_KMS") or request.xks_key_id is not None:
        raise ServiceError("UnsupportedOperationException", f"Origin {request.origin} is not supported.")
    if request.custom_key_store_id is not None:
        raise ServiceError("UnsupportedOperationException", "Custom key stores are not supported.")
    return spec, usage


def _fitting_usage(spec: KeySpec, usage: KeyUsageType | None) -> KeyUsageType:
    if usage is None:
        if spec == SYMMETRIC:
            return ENCRYPT
        raise ServiceError(
            "ValidationException",
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
        )
    if usage not in usages(spec):
        raise ServiceError("ValidationException", f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    return usage
