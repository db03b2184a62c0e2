"""The operations of the service: one row each. Front ends, modules, tests and ``docs/reference/operations.md`` read it.

An operation of the service model without a row here is not built: it is answered with UnsupportedOperationException.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from keystead.core.operations import (
    agreement,
    aliases,
    authorization,
    conditions,
    creation,
    data_keys,
    encryption,
    grants,
    life_cycle,
    listing,
    macs,
    policies,
    quotas,
    retirable,
    rotation,
    shredding,
    signing,
    tags,
)
from keystead.core.operations.authorization import on_key, on_nothing
from keystead.core.operations.conditions import ConditionsOf
from keystead.core.operations.lookup import Keys, Token, Wanted
from keystead.core.operations.operation import Handler, LookupOf, Operation, Unit
from keystead.core.operations.references import any_reference, key_reference
from keystead.core.protocols.aws_json.extension import DESCRIBE_SHREDDING, SHRED_KEY
from keystead.core.protocols.aws_json.extension import OPERATIONS as MODEL
from keystead.errors import ServiceError


def _no_key(_request: object, _account: object, _region: object) -> Keys:
    return Keys()


def _any_form(token: Token) -> LookupOf:
    return lambda request, account, region: Keys((Wanted(any_reference(request.key_id, account, region), token),))


def _key_only(token: Token) -> LookupOf:
    return lambda request, account, region: Keys((Wanted(key_reference(request.key_id, account, region), token),))


def _use(name: str, handler: Handler, of: ConditionsOf, quota: quotas.QuotaOf, needs: Token = "newest") -> Operation:
    """Return the row of a use of one key, with its newest private material or with what is public of it alone."""
    return Operation(
        name=name,
        lookup=_any_form(needs),
        authorizations=on_key(name),
        conditions=of,
        handler=handler,
        unit="use",
        cross_account=True,
        quota=quota,
    )


def _manage(name: str, handler: Handler, unit: Unit, **more: Any) -> Operation:  # noqa: ANN401, fields of Operation
    """Return the row of an operation on one key of the caller's account, named by id or ARN."""
    return Operation(
        name=name, lookup=_key_only("none"), authorizations=on_key(name), handler=handler, unit=unit, **more
    )


_ROWS: Final = (
    _manage("CancelKeyDeletion", life_cycle.cancel_key_deletion, "change"),
    Operation(
        name="CreateAlias",
        lookup=aliases.want_for_create,
        authorizations=authorization.of_create_alias,
        handler=aliases.create_alias,
        unit="change",
    ),
    _manage("CreateGrant", grants.create_grant, "change", conditions=conditions.of_new_grant, cross_account=True),
    Operation(
        name="CreateKey",
        lookup=_no_key,
        authorizations=authorization.of_create_key,
        conditions=conditions.of_creation,
        handler=creation.create_key,
        unit="change",
        judged=(),
    ),
    _use("Decapsulate", agreement.decapsulate, conditions.of_encapsulation, quotas.of(quotas.ML_KEM)),
    Operation(
        name="Decrypt",
        lookup=encryption.want_for_decrypt,
        authorizations=on_key("Decrypt"),
        conditions=conditions.of_use,
        handler=encryption.decrypt,
        unit="use",
        cross_account=True,
        quota=quotas.by_algorithm,
    ),
    Operation(
        name="DeleteAlias",
        lookup=aliases.want_for_delete,
        authorizations=authorization.of_delete_alias,
        handler=aliases.delete_alias,
        unit="change",
    ),
    _use("DeriveSharedSecret", agreement.derive_shared_secret, conditions.of_agreement, quotas.of(quotas.ECC)),
    Operation(
        name="DescribeKey",
        lookup=_any_form("none"),
        authorizations=on_key("DescribeKey"),
        conditions=conditions.of_describe,
        handler=life_cycle.describe_key,
        unit="reading",
        cross_account=True,
    ),
    _manage("DisableKey", life_cycle.disable_key, "change"),
    _manage("DisableKeyRotation", rotation.disable_key_rotation, "change"),
    _manage("EnableKey", life_cycle.enable_key, "change"),
    _manage("EnableKeyRotation", rotation.enable_key_rotation, "change", conditions=conditions.of_rotation),
    _use("Encapsulate", agreement.encapsulate, conditions.of_encapsulation, quotas.of(quotas.ML_KEM), "none"),
    _use("Encrypt", encryption.encrypt, conditions.of_use, quotas.by_algorithm),
    _use("GenerateDataKey", data_keys.generate_data_key, conditions.of_data_key, quotas.of(quotas.SYMMETRIC)),
    _use("GenerateDataKeyPair", data_keys.generate_data_key_pair, conditions.of_data_key_pair, quotas.of_pair),
    _use(
        "GenerateDataKeyPairWithoutPlaintext",
        data_keys.generate_data_key_pair_without_plaintext,
        conditions.of_data_key_pair,
        quotas.of_pair,
    ),
    _use(
        "GenerateDataKeyWithoutPlaintext",
        data_keys.generate_data_key_without_plaintext,
        conditions.of_data_key,
        quotas.of(quotas.SYMMETRIC),
    ),
    _use("GenerateMac", macs.generate_mac, conditions.of_mac, quotas.of(quotas.SYMMETRIC)),
    Operation(
        name="GenerateRandom",
        lookup=_no_key,
        authorizations=on_nothing("GenerateRandom"),
        handler=data_keys.generate_random,
        unit="use",
        judged=(),
        quota=quotas.of(quotas.SYMMETRIC),
    ),
    Operation(
        name=DESCRIBE_SHREDDING,
        lookup=_key_only("all"),
        authorizations=on_key("DescribeKey"),
        handler=shredding.describe_shredding,
        unit="reading",
        of_ended_keys=True,
    ),
    Operation(
        name=SHRED_KEY,
        lookup=_key_only("none"),
        authorizations=authorization.of_shred_key,
        handler=shredding.shred_key,
        unit="change",
        of_ended_keys=True,
    ),
    _manage("GetKeyPolicy", policies.get_key_policy, "reading"),
    _manage("GetKeyRotationStatus", rotation.get_key_rotation_status, "reading", cross_account=True),
    Operation(
        name="GetPublicKey",
        lookup=_any_form("none"),
        authorizations=on_key("GetPublicKey"),
        conditions=conditions.of_describe,
        handler=signing.get_public_key,
        unit="reading",
        cross_account=True,
    ),
    Operation(
        name="ListAliases",
        lookup=listing.want_aliases,
        authorizations=on_nothing("ListAliases"),
        handler=listing.list_aliases,
        unit="reading",
        judged=(),
    ),
    _manage("ListGrants", grants.list_grants, "reading", conditions=conditions.of_grants, cross_account=True),
    _manage("ListKeyPolicies", policies.list_key_policies, "reading"),
    _manage("ListKeyRotations", rotation.list_key_rotations, "reading"),
    Operation(
        name="ListKeys",
        lookup=listing.want_keys,
        authorizations=on_nothing("ListKeys"),
        handler=listing.list_keys,
        unit="reading",
        judged=(),
    ),
    _manage("ListResourceTags", tags.list_resource_tags, "reading"),
    _manage("PutKeyPolicy", policies.put_key_policy, "change", conditions=conditions.of_new_policy),
    Operation(
        name="ListRetirableGrants",
        lookup=retirable.want_retirable,
        authorizations=retirable.of_list_retirable,
        handler=retirable.list_retirable_grants,
        unit="reading",
        judged=(),
        cross_account=True,
    ),
    Operation(
        name="ReEncrypt",
        lookup=encryption.want_for_reencrypt,
        authorizations=authorization.of_reencrypt,
        conditions=conditions.of_reencrypt,
        handler=encryption.reencrypt,
        unit="use",
        judged=(0, 1),
        cross_account=True,
        quota=quotas.by_algorithm,
    ),
    Operation(
        name="RetireGrant",
        lookup=grants.want_for_retire,
        authorizations=authorization.of_retire_grant,
        handler=grants.retire_grant,
        unit="change",
        cross_account=True,
    ),
    _manage("RevokeGrant", grants.revoke_grant, "change", conditions=conditions.of_grants, cross_account=True),
    _manage("RotateKeyOnDemand", rotation.rotate_key_on_demand, "change"),
    _manage("ScheduleKeyDeletion", life_cycle.schedule_key_deletion, "change", conditions=conditions.of_deletion),
    _use("Sign", signing.sign, conditions.of_signature, quotas.by_algorithm),
    _manage("TagResource", tags.tag_resource, "change", conditions=conditions.of_tagging),
    _manage("UntagResource", tags.untag_resource, "change", conditions=conditions.of_untagging),
    Operation(
        name="UpdateAlias",
        lookup=aliases.want_for_update,
        authorizations=authorization.of_update_alias,
        handler=aliases.update_alias,
        unit="change",
        judged=(1,),
    ),
    _manage("UpdateKeyDescription", life_cycle.update_key_description, "change"),
    _use("Verify", signing.verify, conditions.of_signature, quotas.by_algorithm, "none"),
    _use("VerifyMac", macs.verify_mac, conditions.of_mac, quotas.of(quotas.SYMMETRIC)),
)

OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType({row.name: row for row in _ROWS})
"""Every operation that is built, by name."""


def find(name: str) -> Operation:
    """Return the row of an operation.

    Raises:
        ServiceError: UnsupportedOperationException if it is not built, UnknownOperationException if no model has it.
    """
    operation = OPERATIONS.get(name)
    if operation is not None:
        return operation
    if name in MODEL:
        raise ServiceError("UnsupportedOperationException", f"{name} is not supported.")
    raise ServiceError("UnknownOperationException")
