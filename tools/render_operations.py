"""Renders the reference pages of operations and key states: ``python tools/render_operations.py``.

``tests/unit/core/operations/test_table.py`` renders them again.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from keystead.core.keys.states import STATES, TABLE
from keystead.core.operations.authorization import Authorization
from keystead.core.operations.operation import Operation
from keystead.core.operations.quotas import QUOTAS
from keystead.core.operations.table import OPERATIONS
from keystead.core.protocols.aws_json.extension import OPERATIONS as MODEL
from keystead.core.protocols.aws_json.model import Shape
from keystead.core.protocols.aws_json.shapes import Tag
from keystead.core.tokens.ciphertext_blob import CiphertextBlob
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, KeyId, Region
from keystead.primitives.sealing import NONCE, OVERHEAD

REFERENCE: Final = Path(__file__).parents[1] / "docs" / "reference"
ACCOUNT: Final = AccountId("111122223333")
REGION: Final = Region("eu-central-1")
KEY: Final = KeyId("1234abcd-12ab-34cd-56ef-1234567890ab")
MEMBERS: Final[dict[str, Any]] = {
    "alias_name": "alias/app",
    "encapsulation_algorithm": "ML_KEM",
    "key_agreement_algorithm": "ECDH",
    "key_pair_spec": "ECC_NIST_P256",
    "mac": b"x",
    "mac_algorithm": "HMAC_SHA_256",
    "message": b"x",
    "public_key": b"x",
    "shared_secret_ciphertext_blob": b"x",
    "signature": b"x",
    "signing_algorithm": "ECDSA_SHA_256",
    "ciphertext_blob": CiphertextBlob(KEY, 1, bytes(NONCE), bytes(OVERHEAD + 1)).encode(),
    "description": "",
    "key_id": KEY,
    "destination_key_id": KEY,
    "grant_id": "0" * 64,
    "operations": ["Encrypt"],
    "plaintext": b"x",
    "policy": "{}",
    "tag_keys": ["team"],
    "tags": [Tag(tag_key="team", tag_value="red")],
    "target_key_id": KEY,
}
"""Of a request of any operation."""
_KINDS: Final[tuple[dict[str, str], ...]] = (
    {
        "encryption_algorithm": "SYMMETRIC_DEFAULT",
        "signing_algorithm": "ECDSA_SHA_256",
        "key_pair_spec": "ECC_NIST_P256",
    },
    {"signing_algorithm": "ML_DSA_SHAKE_256", "key_pair_spec": "RSA_2048"},
    {
        "encryption_algorithm": "RSAES_OAEP_SHA_1",
        "signing_algorithm": "RSASSA_PSS_SHA_256",
        "key_pair_spec": "RSA_3072",
    },
    {"source_encryption_algorithm": "RSAES_OAEP_SHA_1", "key_pair_spec": "RSA_4096"},
    {"key_pair_spec": "ML_KEM_768"},
)
"""Requests of every kind that counts differently."""

OPERATIONS_INTRODUCTION: Final = """# Operations

Printed from the table in `keystead.core.operations.table` by `tools/render_operations.py`.

Permissions on a key are asked of the key's policy and of identity policies, permissions on an alias or on nothing of
identity policies alone. CreateKey needs `kms:TagResource` only if it brings tags. An operation that cannot cross
accounts is refused on a key of another account whatever its policy says. Whether a key's state lets an operation pass
is in [key-states.md](key-states.md). A body longer than its limit is refused unread; an operation that has not ended
after its deadline is answered with an error.

"""
QUOTAS_INTRODUCTION: Final = """# Request quotas

Printed from `keystead.core.operations.quotas` by `tools/render_operations.py`.

Each account may make so many requests a second in each region; one more is answered with `ThrottlingException`, which
AWS SDKs repeat after a pause. The rates are those of AWS. What is not asked for is kept for one second. Requests count
once they are authentic and readable, whatever becomes of them. Each front end counts for itself: with several, give
each its part.

Others are chosen with `keystead up --request-quota CreateKey=20`, as often as there are quotas to choose, or with
`request_quotas = { CreateKey = 20.0, all = inf }` in the [configuration](configuration.md) of a front end: `all` is
every quota that is not named, `inf` is without limit.

"""
STATES_INTRODUCTION: Final = """# Key states

Printed from the table in `keystead.core.keys.states` by `tools/render_operations.py`.

A dot means that the state lets the operation pass. Otherwise the caller hears that the key *is* what stands in the
cell: `DisabledException` for "disabled", `KMSInvalidStateException` for everything else. Of UpdateAlias the key that
the alias goes to is judged, of ReEncrypt both keys.

"""


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    return {
        "key-states.md": STATES_INTRODUCTION + _states(),
        "operations.md": OPERATIONS_INTRODUCTION + _operations(),
        "request-quotas.md": QUOTAS_INTRODUCTION + _quotas(),
    }


def _operations() -> str:
    columns = ("Operation", "Permissions", "Keys named by", "Crosses accounts", "Metered as", "Body limit", "Deadline")
    rows = (
        (
            row.name,
            "; ".join(_permission(one) for one in row.authorizations(_sample(row))),
            _naming(row),
            "yes" if row.cross_account else "no",
            row.unit,
            f"{row.body_limit:,} bytes",
            f"{row.deadline_ms:,} ms",
        )
        for row in OPERATIONS.values()
    )
    absent = ", ".join(sorted(MODEL.keys() - OPERATIONS.keys()))
    return f"{_table(columns, rows)}\nAnswered with `UnsupportedOperationException`: {absent}.\n"


def _states() -> str:
    rows = (
        (name, *("." if row[state] == "ok" else row[state] for state in STATES)) for name, row in sorted(TABLE.items())
    )
    return _table(("Operation", *STATES), rows)


def _quotas() -> str:
    counting: dict[str, list[str]] = {name: [] for name in QUOTAS}
    for row in OPERATIONS.values():
        for quota in sorted({row.counts_against(_sample(row, **members)) for members in _KINDS}):
            counting[quota].append(row.name)
    built = ((name, rate) for name, rate in QUOTAS.items() if counting[name])
    return _table(
        ("Quota", "Requests a second", "Operations"),
        ((f"`{name}`", f"{rate:,g}", ", ".join(counting[name])) for name, rate in built),
    )


def _permission(authorization: Authorization) -> str:
    if authorization.alias is not None:
        return f"`{authorization.action}` on the alias"
    if authorization.key is None:
        return f"`{authorization.action}`"
    return f"`{authorization.action}` on the {('first', 'second')[authorization.key]} key"


def _naming(row: Operation) -> str:
    fields = row.request.__struct_fields__
    named = [_forms(row, member) for member in ("source_key_id", "key_id", "destination_key_id") if member in fields]
    if "alias_name" in fields:
        named.append("alias")
    if "ciphertext_blob" in fields:
        named.insert(0, "ciphertext")
    if "target_key_id" in fields:
        named.append(_forms(row, "target_key_id"))
    return "; ".join(named) or "-"


def _forms(row: Operation, member: str) -> str:
    try:
        row.lookup(_sample(row, **{member: "alias/app"}), ACCOUNT, REGION)
    except ServiceError:
        return "id, ARN"
    return "id, ARN, alias"


def _sample(row: Operation, **members: str) -> Shape:
    names = row.request.__struct_fields__
    return row.request(**{name: value for name, value in (MEMBERS | members).items() if name in names})


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = tuple(columns)
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    for name, text in pages().items():
        (REFERENCE / name).write_text(text)
