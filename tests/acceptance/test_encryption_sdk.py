"""The AWS Encryption SDK for Python, unmodified, with keys from here."""

import hashlib
import io
import shutil
from pathlib import Path

import aws_encryption_sdk
import botocore.session
import pytest
from aws_encryption_sdk import CachingCryptoMaterialsManager, CommitmentPolicy, LocalCryptoMaterialsCache, identifiers
from aws_encryption_sdk.exceptions import (
    ActionNotAllowedError,
    DecryptKeyError,
    GenerateKeyError,
    MasterKeyProviderError,
)
from aws_encryption_sdk.key_providers.kms import KMSMasterKey, StrictAwsKmsMasterKeyProvider

from tests.acceptance.service import Service, policy_without_use

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:aws_encryption_sdk"),
]

SIZE = 64 * 1024 * 1024
CONTEXT = {"department": "research", "purpose": "acceptance"}


@pytest.fixture
def arn(service: Service) -> str:
    """Return the ARN of a new key."""
    created: str = service.client().create_key()["KeyMetadata"]["Arn"]
    return created


@pytest.fixture
def counted() -> list[str]:
    """Return the operations that the SDK asked the service for, as they are asked."""
    return []


@pytest.fixture
def provider(
    service: Service, arn: str, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> StrictAwsKmsMasterKeyProvider:
    """Return a provider of that key, set up with nothing but the variables of ``keystead env``."""
    return provider_of(service, [arn], counted, monkeypatch)


def provider_of(
    service: Service, arns: list[str], counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> StrictAwsKmsMasterKeyProvider:
    """Return a provider of keys that counts what it asks."""
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    session = botocore.session.get_session()
    session.register("before-call.kms", lambda **asked: counted.append(asked["model"].name))
    return StrictAwsKmsMasterKeyProvider(key_ids=arns, botocore_session=session)


def content_of(path: Path) -> bytes:
    """Return a digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def a_file(path: Path) -> Path:
    """Write 64 MiB that do not repeat."""
    with path.open("wb") as file:
        for number in range(SIZE // (1024 * 1024)):
            file.write(hashlib.shake_128(number.to_bytes(4, "big")).digest(1024 * 1024))
    return path


@pytest.mark.timeout(300)
@pytest.mark.requirement("FIG2-02", "FIG15-01", "ENV-04", "ENV-22")
def test_a_file_of_64_mebibytes(provider: StrictAwsKmsMasterKeyProvider, tmp_path: Path, counted: list[str]) -> None:
    """A large file is encrypted with its context and decrypted again byte for byte; the service sees only data keys."""
    client = aws_encryption_sdk.EncryptionSDKClient()
    plain = a_file(tmp_path / "plain")
    with (
        plain.open("rb") as source,
        (tmp_path / "sealed").open("wb") as target,
        client.stream(mode="e", source=source, key_provider=provider, encryption_context=CONTEXT) as sealing,
    ):
        shutil.copyfileobj(sealing, target)
    with (
        (tmp_path / "sealed").open("rb") as source,
        (tmp_path / "opened").open("wb") as target,
        client.stream(mode="d", source=source, key_provider=provider) as opening,
    ):
        shutil.copyfileobj(opening, target)
        assert CONTEXT.items() <= opening.header.encryption_context.items()
    assert content_of(tmp_path / "opened") == content_of(plain)
    assert counted == ["GenerateDataKey", "Decrypt"]


def test_another_context_is_refused(provider: StrictAwsKmsMasterKeyProvider, service: Service) -> None:
    """The data key of a message is not opened for another encryption context than it was made with."""
    client = aws_encryption_sdk.EncryptionSDKClient()
    sealed, header = client.encrypt(source=b"secret", key_provider=provider, encryption_context=CONTEXT)
    forged = sealed.replace(b"research", b"finances")
    assert forged != sealed
    with pytest.raises((DecryptKeyError, MasterKeyProviderError)):
        client.decrypt(source=forged, key_provider=provider)
    key = next(iter(header.encrypted_data_keys)).encrypted_data_key
    kms = service.client()
    opened = kms.decrypt(CiphertextBlob=key, EncryptionContext=dict(header.encryption_context))
    assert len(opened["Plaintext"]) == 32
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(CiphertextBlob=key, EncryptionContext={**header.encryption_context, "department": "finances"})
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(CiphertextBlob=key)


def test_two_keys_either_of_which_opens(service: Service, counted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A message for two keys is opened by whoever has one of them: the second data key was made with Encrypt."""
    arns = [service.client().create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    client = aws_encryption_sdk.EncryptionSDKClient()
    both = provider_of(service, arns, counted, monkeypatch)
    sealed, _ = client.encrypt(source=b"secret", key_provider=both, encryption_context=CONTEXT)
    assert counted == ["GenerateDataKey", "Encrypt"]
    for arn in arns:
        opened, _ = client.decrypt(source=sealed, key_provider=provider_of(service, [arn], counted, monkeypatch))
        assert opened == b"secret"


def test_a_key_that_nobody_may_use(
    service: Service, arn: str, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a key policy denies comes through as the SDK's own errors, before and after a message was sealed."""
    provider = provider_of(service, [arn], counted, monkeypatch)
    client = aws_encryption_sdk.EncryptionSDKClient()
    sealed, _ = client.encrypt(source=b"secret", key_provider=provider, encryption_context=CONTEXT)
    service.client().put_key_policy(KeyId=arn, Policy=policy_without_use(arn))
    with pytest.raises(GenerateKeyError):
        client.encrypt(source=b"secret", key_provider=provider, encryption_context=CONTEXT)
    with pytest.raises(DecryptKeyError):
        client.decrypt(source=sealed, key_provider=provider)
    assert counted == ["GenerateDataKey", "GenerateDataKey", "Decrypt"]


def test_data_keys_are_cached(provider: StrictAwsKmsMasterKeyProvider, counted: list[str]) -> None:
    """With a cache of data keys the service is asked once, and every message opens."""
    client = aws_encryption_sdk.EncryptionSDKClient()
    cached = CachingCryptoMaterialsManager(
        master_key_provider=provider,
        cache=LocalCryptoMaterialsCache(capacity=10),
        max_age=60.0,
        max_messages_encrypted=100,
    )
    messages = [f"message {number}".encode() for number in range(10)]
    sealed = [
        client.encrypt(source=message, materials_manager=cached, encryption_context=CONTEXT)[0] for message in messages
    ]
    assert [client.decrypt(source=one, materials_manager=cached)[0] for one in sealed] == messages
    assert counted == ["GenerateDataKey", "Decrypt"]


@pytest.mark.parametrize("sealing", list(CommitmentPolicy))
def test_commitment_policies(provider: StrictAwsKmsMasterKeyProvider, sealing: CommitmentPolicy) -> None:
    """Every commitment policy works; only a message made without commitment is refused by strict readers."""
    writer = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=sealing)
    sealed, _ = writer.encrypt(source=b"secret", key_provider=provider, encryption_context=CONTEXT)
    lenient = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT)
    assert lenient.decrypt(source=sealed, key_provider=provider)[0] == b"secret"
    strict = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
    if sealing is CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT:
        with pytest.raises(ActionNotAllowedError):
            strict.decrypt(source=sealed, key_provider=provider)
    else:
        assert strict.decrypt(source=sealed, key_provider=provider)[0] == b"secret"


def test_data_keys_that_a_master_key_makes(service: Service, arn: str) -> None:
    """The SDK's master key generates, encrypts and decrypts data keys by ARN through this service's client."""
    master = KMSMasterKey(key_id=arn, client=service.client())
    algorithm = identifiers.Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
    made = master.generate_data_key(algorithm=algorithm, encryption_context=CONTEXT)
    opened = master.decrypt_data_key(encrypted_data_key=made, algorithm=algorithm, encryption_context=CONTEXT)
    assert opened.data_key == made.data_key


def test_an_empty_message(provider: StrictAwsKmsMasterKeyProvider) -> None:
    """A message without content goes and comes back as one."""
    client = aws_encryption_sdk.EncryptionSDKClient()
    sealed, _ = client.encrypt(source=io.BytesIO(b""), key_provider=provider)
    assert client.decrypt(source=sealed, key_provider=provider)[0] == b""
