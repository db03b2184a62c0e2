"""``keystead policy explain``: the verdict of the modules' own code on an imagined request."""

import json
from pathlib import Path

import pytest

from keystead.bootstrap.commands import main

USER = "arn:aws:iam::111122223333:user/alice"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ACCOUNT = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}
SECRET = {
    "Sid": "NoSecrets",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "kms:*",
    "Resource": "*",
    "Condition": {"StringEquals": {"kms:EncryptionContext:level": "secret"}},
}
IDENTITY = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
GRANT = {
    "GrantId": "1",
    "GranteePrincipal": USER,
    "Operations": ["Decrypt"],
    "Constraints": {"EncryptionContextSubset": {"level": "free"}},
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with policies and grants."""
    for name, statements in (("key", [ACCOUNT, SECRET]), ("identity", [IDENTITY])):
        written = json.dumps({"Version": "2012-10-17", "Statement": statements})
        (tmp_path / name).write_text(written, encoding="utf-8")
    (tmp_path / "grants").write_text(json.dumps({"Grants": [GRANT], "Truncated": False}), encoding="utf-8")
    (tmp_path / "none").write_text("{}", encoding="utf-8")
    return tmp_path


def _explain(files: Path, *more: str, who: str = USER, policy: str = "key") -> int:
    options = ("--principal", who, "--action", "kms:Decrypt", "--key", KEY)
    return main(["policy", "explain", str(files / policy), *options, *more])


ASKED = [
    ((), 1, "denied because no identity-based policy allows the kms:Decrypt action"),
    (("--identity-policy", "identity"), 0, "allowed"),
    (("--grants", "grants", "--encryption-context", "level=free"), 0, "allowed"),
    (("--grants", "grants"), 1, "denied because no identity-based policy allows the kms:Decrypt action"),
    (
        ("--identity-policy", "identity", "--encryption-context", "level=secret"),
        1,
        "denied with an explicit deny in a resource-based policy",
    ),
]


@pytest.mark.parametrize(("options", "status", "verdict"), ASKED)
def test_the_last_line_is_the_verdict(
    files: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], status: int, verdict: str
) -> None:
    """Key policy, identity policies, grants and encryption context all count; the exit status says the same."""
    names = {"identity", "grants"}
    assert _explain(files, *(str(files / text) if text in names else text for text in options)) == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == verdict
    assert any('"NoSecrets"' in line for line in lines)


def test_the_root_user_needs_no_identity_policy(files: Path) -> None:
    """And a condition key of the request may be given."""
    root = "arn:aws:iam::111122223333:root"
    assert _explain(files, "--condition", "aws:SourceIp=127.0.0.1", who=root) == 0


WRONG = [
    ((), {"policy": "absent"}, "absent cannot be read"),
    ((), {"policy": "none"}, "none: "),
    ((), {"who": "alice"}, "alice cannot ask"),
    (("--key", "x"), {}, "x is not the ARN of a key"),
    (("--condition", "x"), {}, "'x' has no value"),
    (("--grants", "none"), {}, "none holds no grants"),
]


@pytest.mark.parametrize(("options", "more", "problem"), WRONG)
def test_what_cannot_be_judged_is_told(
    files: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], more: dict[str, str], problem: str
) -> None:
    """On standard error, with status 1, and nothing on standard output."""
    assert _explain(files, *(str(files / text) if text == "none" else text for text in options), **more) == 1
    told = capsys.readouterr()
    assert problem in told.err
    assert told.out == ""
