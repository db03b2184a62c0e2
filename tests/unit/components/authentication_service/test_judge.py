"""The authentication service's judgement: whose the request is, and the proof that says so."""

import hashlib
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from keystead.components.authentication_service.credentials import Credential, SealedCredentials
from keystead.components.authentication_service.judge import Judge, Voucher
from keystead.core.protocols.authentication import Authenticated, Denied, Request
from keystead.core.protocols.proof import Prover, verify
from keystead.core.protocols.sigv4.request import SignedRequest
from keystead.errors import FormatError, ProofForged, SealError, WrongAudience, WrongBody
from keystead.identifiers import AccountId, OperatorId, Region, root_arn
from keystead.primitives.authentication import Mac
from keystead.primitives.digest import sha256
from keystead.primitives.randomness import SystemRandomness
from keystead.primitives.secret import Secret
from tests.simulators.world import MemoryDisk, SeededRandomness

ACCOUNT = AccountId("123456789012")
REGION = Region("eu-central-1")
FRONT_END = OperatorId(b"front end number")
PROOF_KEY = bytes(range(32))
BODY = b'{"KeyId": "alias/one"}'


def disk_of() -> MemoryDisk:
    """Return an empty disk."""
    return MemoryDisk(SeededRandomness(7, "authentication"))


def judge_of(disk: MemoryDisk | None = None) -> tuple[Judge, Credentials]:
    """Return a judge that knows one root user, and that user's credentials."""
    store = SealedCredentials(disk or disk_of(), SystemRandomness())
    access_key_id, secret = store.create_root(ACCOUNT)
    return Judge(store, frozenset({REGION}), SystemRandomness()), Credentials(access_key_id, secret)


def signed(credentials: Credentials, target: str = "TrentService.DescribeKey") -> tuple[Request, int]:
    """Return a signed request and its time in milliseconds."""
    request = AWSRequest(
        method="POST",
        url="http://localhost/",
        data=BODY,
        headers={"Host": "localhost", "X-Amz-Target": target, "User-Agent": "newcomer/1"},
    )
    SigV4Auth(credentials, "kms", REGION).add_auth(request)
    headers = tuple((name.lower().encode(), str(value).encode()) for name, value in request.headers.items())
    moment = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return (
        Request(SignedRequest("POST", "/", "", headers, hashlib.sha256(BODY).digest()), "192.0.2.7", secure=True),
        int(moment.timestamp() * 1000),
    )


def voucher() -> Voucher:
    """Return a voucher with a known proof key."""
    return Voucher(Prover(PROOF_KEY), b"the operator key token")


@pytest.mark.requirement("FIG2-06", "FIG2-08", "FIG3-02", "FIG3-03", "FIG3-08")
def test_an_authentic_request_gets_a_proof_that_a_module_can_check() -> None:
    """The proof says who asked for what, for which body and front end, and verifies under the proof key alone."""
    judge, credentials = judge_of()
    request, now = signed(credentials)
    verdict = judge.judge(request, FRONT_END, voucher(), now)
    assert isinstance(verdict, Authenticated)
    assert (verdict.account, verdict.region) == (ACCOUNT, REGION)

    claims = verify(Mac(PROOF_KEY), verdict.proof, FRONT_END, BODY, now)
    assert claims.principal == f"arn:aws:iam::{ACCOUNT}:root"
    assert claims.action == "DescribeKey"
    assert claims.region == REGION
    assert claims.context == {
        "aws:securetransport": "true",
        "aws:sourceip": "192.0.2.7",
        "aws:useragent": "newcomer/1",
    }
    with pytest.raises(ProofForged):
        verify(Mac(bytes(32)), verdict.proof, FRONT_END, BODY, now)
    with pytest.raises(WrongAudience):
        verify(Mac(PROOF_KEY), verdict.proof, OperatorId(bytes(16)), BODY, now)
    with pytest.raises(WrongBody):
        verify(Mac(PROOF_KEY), verdict.proof, FRONT_END, BODY + b" ", now)


def code_of(verdict: Authenticated | Denied) -> str:
    """Return the error's name of a denial."""
    assert isinstance(verdict, Denied)
    return verdict.code


@pytest.mark.requirement("FIG2-11", "ENV-13")
def test_who_is_unknown_or_signs_with_another_secret_is_denied() -> None:
    """An unknown access key and a wrong secret have the service's two different errors."""
    judge, credentials = judge_of()
    stranger, now = signed(Credentials("AKIASTRANGERSTRANGER", "x" * 40))
    assert code_of(judge.judge(stranger, FRONT_END, voucher(), now)) == "UnrecognizedClientException"
    forger, now = signed(Credentials(credentials.access_key, "x" * 40))
    assert code_of(judge.judge(forger, FRONT_END, voucher(), now)) == "InvalidSignatureException"


def test_a_target_of_another_service_is_no_operation() -> None:
    """A signed target without this service's prefix is an unknown operation."""
    judge, credentials = judge_of()
    request, now = signed(credentials, "DynamoDB.ListTables")
    assert code_of(judge.judge(request, FRONT_END, voucher(), now)) == "UnknownOperationException"


def test_a_long_term_credential_takes_no_session_token() -> None:
    """A session token beside a long-term access key is refused as the service refuses it."""
    judge, credentials = judge_of()
    request, now = signed(Credentials(credentials.access_key, credentials.secret_key, "a token"))
    assert code_of(judge.judge(request, FRONT_END, voucher(), now)) == "UnrecognizedClientException"


class Temporary:
    """A reader that knows one temporary credential."""

    def __init__(self, expires: int) -> None:
        self.credential = Credential(
            access_key_id="ASIATEMPORARYTEMPORA",
            secret=Secret.taken(bytearray(b"s" * 40)),
            principal=root_arn(ACCOUNT),
            account=ACCOUNT,
            session_token_digest=sha256(b"a token"),
            expires=expires,
        )

    def find(self, access_key_id: str) -> Credential | None:
        """Return the credential if it is asked for."""
        return self.credential if access_key_id == self.credential.access_key_id else None


@pytest.mark.parametrize(
    ("token", "late", "code"),
    [
        ("a token", False, None),
        ("a token", True, "ExpiredTokenException"),
        ("another token", False, "UnrecognizedClientException"),
        (None, False, "UnrecognizedClientException"),
    ],
)
@pytest.mark.requirement("FIG2-09")
def test_a_temporary_credential_needs_its_token_and_its_time(
    token: str | None, code: str | None, *, late: bool
) -> None:
    """A temporary access key works with its session token until its expiry."""
    request, now = signed(Credentials("ASIATEMPORARYTEMPORA", "s" * 40, token))
    judge = Judge(Temporary(now if late else now + 1), frozenset({REGION}), SystemRandomness())
    verdict = judge.judge(request, FRONT_END, voucher(), now)
    assert (verdict.code if isinstance(verdict, Denied) else None) == code


def test_credentials_survive_a_restart_and_are_sealed_on_disk() -> None:
    """A new store on the same disk knows the access key; the secret is nowhere on the disk in clear."""
    disk = disk_of()
    store = SealedCredentials(disk, SystemRandomness())
    access_key_id, secret = store.create_root(ACCOUNT)
    again = SealedCredentials(disk, SystemRandomness())
    found = again.find(access_key_id)
    assert found is not None
    assert bytes(found.secret.view) == secret.encode()
    assert again.accounts() == {ACCOUNT}
    sealed = disk.read("credentials.sealed")
    assert sealed is not None
    assert secret.encode() not in sealed
    assert secret not in repr(found)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("credentials.sealed", b"\x02" + bytes(80), FormatError),
        ("credentials.sealed", b"\x01" + bytes(80), SealError),
        ("credentials.sealed", b"\x01", SealError),
        ("credentials.key", bytes(31), FormatError),
        ("credentials.key", bytes(32), SealError),
    ],
    ids=["another format", "nothing that opens", "nothing sealed", "a key too short", "another key"],
)
def test_altered_credentials_stop_the_service(name: str, content: bytes, error: type[Exception]) -> None:
    """A store that was altered is refused at the start instead of starting with fewer users."""
    disk = disk_of()
    SealedCredentials(disk, SystemRandomness()).create_root(ACCOUNT)
    disk.write(name, content)
    with pytest.raises(error):
        SealedCredentials(disk, SystemRandomness())


def test_a_lost_sealing_key_is_not_made_again() -> None:
    """With the credentials there and their key gone, a new key would hide the loss: the start is refused."""
    disk = disk_of()
    SealedCredentials(disk, SystemRandomness()).create_root(ACCOUNT)
    disk.remove("credentials.key")
    with pytest.raises(SealError):
        SealedCredentials(disk, SystemRandomness())
