"""How long one decision takes: the default policy, policies of 50 statements, 200 grants.

In microseconds, and as a multiple of what an HMAC-SHA-256 over 64 bytes costs in the same run.
"""

import hmac
import json
import time
from collections.abc import Callable

from benchmarks.report import Figure, Options
from keystead.core.policy.compiled import Compiled, compiled
from keystead.core.policy.default import default_policy
from keystead.core.policy.document import parse
from keystead.core.policy.evaluation import Identity, Root, evaluate
from keystead.core.policy.grants import Grant
from keystead.core.policy.principals import principal, root_user
from keystead.core.policy.request import AccessRequest, LazyContext
from keystead.identifiers import AccountId

ACCOUNT = AccountId("111122223333")
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
ROUNDS = 2_000
REPEATS = 10


def measure(_options: Options) -> list[Figure]:
    """Return one figure for each case; the ratio is to an HMAC."""
    unit = _microseconds(lambda: hmac.digest(bytes(32), bytes(64), "sha256"))
    figures = [Figure(name="HMAC-SHA-256 of 64 bytes", value=unit, unit="us", ratio=1.0)]
    for name, decide in _cases().items():
        spent = _microseconds(decide)
        figures.append(Figure(name=name, value=spent, unit="us", ratio=spent / unit))
    return figures


def _cases() -> dict[str, Callable[[], object]]:
    default = compiled(parse(default_policy(ACCOUNT)))
    large = _policy([_statement(place) for place in range(50)])
    grants = tuple(
        Grant(id=str(place), grantee=f"arn:aws:iam::{ACCOUNT}:user/user-{place}", operations=frozenset({"Encrypt"}))
        for place in range(199)
    )
    granted = (*grants, Grant(id="last", grantee=ALICE, operations=frozenset({"Encrypt"})))
    return {
        "default policy, root user": _decision(default, Root.USER, root=True),
        "50 statements, none of them applies": _decision(large, Root.USER),
        "50 statements with conditions, the last one": _decision(_policy(_conditional()), Root.USER),
        "200 grants, the last one": _decision(default, (), granted),
        "parse and compile the default policy": lambda: compiled(parse(default_policy(ACCOUNT))),
    }


def _decision(
    policy: Compiled, identity: Identity, grants: tuple[Grant, ...] = (), *, root: bool = False
) -> Callable[[], object]:
    asks = root_user(ACCOUNT) if root else principal(ALICE)

    def decide() -> object:
        request = AccessRequest(
            principal=asks,
            action="kms:Encrypt",
            resource=KEY,
            resource_account=ACCOUNT,
            context=LazyContext(lambda: {"kms:encryptioncontext:tenant": "49", "aws:sourceip": "192.0.2.7"}),
        )
        return evaluate(request, policy, identity, grants)

    return decide


def _statement(place: int) -> dict[str, object]:
    return {
        "Effect": "Deny" if place % 2 else "Allow",
        "Principal": {
            "AWS": [f"arn:aws:iam::{ACCOUNT}:user/user-{place}", f"arn:aws:iam::{ACCOUNT}:role/role-{place}"]
        },
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
    }


def _conditional() -> list[dict[str, object]]:
    return [
        {
            "Effect": "Allow",
            "Principal": {"AWS": ALICE},
            "Action": "kms:*",
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:EncryptionContext:tenant": str(place)}},
        }
        for place in range(50)
    ]


def _policy(statements: list[dict[str, object]]) -> Compiled:
    return compiled(parse(json.dumps({"Version": "2012-10-17", "Statement": statements})))


def _microseconds(work: Callable[[], object]) -> float:
    return min(_spent(work) for _ in range(REPEATS)) / ROUNDS * 1e6


def _spent(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(ROUNDS):
        work()
    return time.perf_counter() - started
