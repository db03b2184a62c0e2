"""Operators' keys and signatures are those of OpenSSH: tried against the real ssh-keygen, both ways."""

import hashlib
import struct
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from keystead.errors import FormatError, SignatureError
from keystead.primitives.labels import Label
from keystead.primitives.openssh import FIDO_KEY, OperatorKey, OperatorPublic, armor, dearmor, verify_sshsig
from keystead.primitives.randomness import SystemRandomness
from keystead.primitives.signatures import verify_handshake

NAMESPACE = "change@keystead"
KEY = OperatorKey.generate(SystemRandomness(), "first operator")
OTHER = OperatorKey.generate(SystemRandomness(), "second operator")
MESSAGE = b"a change request"
SIGNATURE = KEY.sign(NAMESPACE, MESSAGE)


def _ssh_keygen(*arguments: str, message: bytes = b"") -> bool:
    return subprocess.run(["ssh-keygen", *arguments], input=message, capture_output=True, check=False).returncode == 0


def _ssh_keygen_verifies(folder: Path, public_line: str, signature: bytes, message: bytes) -> bool:
    (folder / "allowed").write_text(f"operator {public_line}\n")
    (folder / "signature").write_text(armor(signature))
    allowed, signed = str(folder / "allowed"), str(folder / "signature")
    return _ssh_keygen("-Y", "verify", "-f", allowed, "-I", "operator", "-n", NAMESPACE, "-s", signed, message=message)


def test_ssh_keygen_verifies_our_signature(tmp_path: Path) -> None:
    """ssh-keygen accepts what we sign, and not for another message."""
    assert _ssh_keygen_verifies(tmp_path, KEY.public_line, SIGNATURE, MESSAGE)
    assert not _ssh_keygen_verifies(tmp_path, KEY.public_line, SIGNATURE, MESSAGE + b"!")
    assert not _ssh_keygen_verifies(tmp_path, OTHER.public_line, SIGNATURE, MESSAGE)


def test_we_verify_what_ssh_keygen_signs_with_its_own_key(tmp_path: Path) -> None:
    """A key file of ssh-keygen is loaded, and a signature that ssh-keygen made is accepted."""
    assert _ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", "an operator", "-f", str(tmp_path / "key"))
    key = OperatorKey.load((tmp_path / "key").read_bytes(), "an operator")
    assert key.public_line == (tmp_path / "key.pub").read_text().strip()
    (tmp_path / "message").write_bytes(MESSAGE)
    assert _ssh_keygen("-Y", "sign", "-f", str(tmp_path / "key"), "-n", NAMESPACE, str(tmp_path / "message"))
    signature = dearmor((tmp_path / "message.sig").read_text())
    verify_sshsig(key.public, NAMESPACE, MESSAGE, signature)
    assert signature == key.sign(NAMESPACE, MESSAGE)


def test_ssh_keygen_reads_our_key_file(tmp_path: Path) -> None:
    """The private key file that we write is one that ssh-keygen signs with."""
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_bytes(KEY.dump())
    (tmp_path / "message").write_bytes(MESSAGE)
    assert _ssh_keygen("-Y", "sign", "-f", str(path), "-n", NAMESPACE, str(tmp_path / "message"))
    verify_sshsig(KEY.public, NAMESPACE, MESSAGE, dearmor((tmp_path / "message.sig").read_text()))


def _fido_signature(key: Ed25519PrivateKey, public: OperatorPublic, flags: int) -> bytes:
    """Sign as a FIDO device does, by PROTOCOL.u2f and PROTOCOL.sshsig."""

    def string(content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + content

    hashed = string(hashlib.sha512(MESSAGE).digest())
    signed = b"SSHSIG" + string(NAMESPACE.encode()) + string(b"") + string(b"sha512") + hashed
    trailer = bytes((flags,)) + struct.pack(">I", 7)
    application = hashlib.sha256(public.application.encode()).digest()
    raw = key.sign(application + trailer + hashlib.sha256(signed).digest())
    inner = string(FIDO_KEY.encode()) + string(raw) + trailer
    outer = string(public.wire()) + string(NAMESPACE.encode()) + string(b"") + string(b"sha512") + string(inner)
    return b"SSHSIG" + struct.pack(">I", 1) + outer


def test_a_touched_device_signs(tmp_path: Path) -> None:
    """A signature of a FIDO key is accepted, by ssh-keygen too, and refused if nobody touched the device."""
    device = Ed25519PrivateKey.generate()
    public = OperatorPublic(kind=FIDO_KEY, ed25519=device.public_key().public_bytes_raw(), application="ssh:")
    assert OperatorPublic.from_line(public.line("token")) == public
    signature = _fido_signature(device, public, flags=1)
    verify_sshsig(public, NAMESPACE, MESSAGE, signature)
    assert _ssh_keygen_verifies(tmp_path, public.line(), signature, MESSAGE)
    with pytest.raises(SignatureError, match="touched"):
        verify_sshsig(public, NAMESPACE, MESSAGE, _fido_signature(device, public, flags=0))


def test_a_signature_holds_for_key_namespace_and_message_only() -> None:
    """Another key, namespace or message raises SignatureError."""
    verify_sshsig(KEY.public, NAMESPACE, MESSAGE, SIGNATURE)
    for public, namespace, message in (
        (OTHER.public, NAMESPACE, MESSAGE),
        (KEY.public, "file", MESSAGE),
        (KEY.public, NAMESPACE, MESSAGE + b"!"),
    ):
        with pytest.raises(SignatureError):
            verify_sshsig(public, namespace, message, SIGNATURE)


@given(st.integers(0, len(SIGNATURE) * 8 - 1))
def test_a_flipped_bit_anywhere_is_refused(bit: int) -> None:
    """No bit of a signature is without meaning."""
    forged = bytearray(SIGNATURE)
    forged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SignatureError):
        verify_sshsig(KEY.public, NAMESPACE, MESSAGE, bytes(forged))


@given(st.one_of(st.binary(max_size=300), st.integers(0, len(SIGNATURE) - 1).map(lambda size: SIGNATURE[:size])))
def test_arbitrary_and_truncated_bytes_are_refused(signature: bytes) -> None:
    """Only SignatureError comes out; likewise for bytes after the end."""
    for forged in (signature, SIGNATURE + signature + b"\x00"):
        with pytest.raises(SignatureError):
            verify_sshsig(KEY.public, NAMESPACE, MESSAGE, forged)


@given(st.binary(max_size=120))
def test_arbitrary_bytes_are_no_public_key(wire: bytes) -> None:
    """Only FormatError comes out of the public key decoders."""
    with pytest.raises(FormatError):
        OperatorPublic.from_wire(wire)
    with pytest.raises(FormatError):
        OperatorPublic.from_wire(KEY.public.wire() + wire + b"\x00")
    with pytest.raises(FormatError):
        OperatorPublic.from_line(wire.decode("latin-1"))


def test_a_line_must_name_the_kind_of_its_key() -> None:
    """A line whose first word is another kind is refused; the comment does not matter."""
    kind, key, _ = KEY.public_line.split(" ", 2)
    assert OperatorPublic.from_line(f"{kind} {key} any words") == KEY.public
    with pytest.raises(FormatError):
        OperatorPublic.from_line(f"ssh-rsa {key}")


def test_armor_and_back() -> None:
    """Armored text gives back the signature; other text is refused."""
    assert dearmor(armor(SIGNATURE)) == SIGNATURE
    for text in ("", armor(SIGNATURE).replace("BEGIN", "START"), armor(SIGNATURE).replace("A", "*")):
        with pytest.raises(FormatError):
            dearmor(text)


def test_what_is_no_key_file_is_refused(tmp_path: Path) -> None:
    """Garbage, another algorithm and an encrypted file raise FormatError."""
    with pytest.raises(FormatError):
        OperatorKey.load(b"garbage")
    for name, algorithm, passphrase in (("ecdsa", "ecdsa", ""), ("locked", "ed25519", "long passphrase")):
        assert _ssh_keygen("-q", "-t", algorithm, "-N", passphrase, "-f", str(tmp_path / name))
        with pytest.raises(FormatError):
            OperatorKey.load((tmp_path / name).read_bytes())


def test_a_handshake_signature_is_ed25519_over_label_and_message() -> None:
    """It verifies as modules verify it; the key shows neither itself nor more than its comment."""
    verify_handshake(KEY.ed25519, Label.SESSION_HELLO, b"hello", KEY.sign_handshake(Label.SESSION_HELLO, b"hello"))
    assert repr(KEY) == "<OperatorKey 'first operator'>"


def test_text_that_is_no_utf_8_is_refused() -> None:
    """The application of a FIDO key must be text; a key of another length is none."""
    public = OperatorPublic(kind=FIDO_KEY, ed25519=bytes(32), application="ssh:")
    with pytest.raises(FormatError):
        OperatorPublic.from_wire(public.wire().replace(b"ssh:", b"\xff\xff\xff\xff"))
    with pytest.raises(FormatError):
        OperatorPublic.from_wire(OperatorPublic(kind=FIDO_KEY, ed25519=bytes(31), application="ssh:").wire())
    with pytest.raises(FormatError):
        OperatorPublic.from_line("ssh-ed25519 !!!! comment")
