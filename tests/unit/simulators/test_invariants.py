"""The judge of histories finds each breach, and says what was not looked at."""

import base64
from dataclasses import replace

import pytest

from tests.simulators.checks.secrecy import written_forms
from tests.simulators.history import (
    Answer,
    AuditRecord,
    Call,
    Exposure,
    Fate,
    History,
    Installed,
    Opening,
    Sealing,
)
from tests.simulators.invariants import Report, judge

KEY = "k1"
BLOB = b"ciphertext"
CONTEXT = {"a": "b"}
SECRET = bytes(range(32))


def done(call: Call, **answer: object) -> Call:
    """Return the call as it ended well, a tenth of a second later."""
    return replace(call, fate=Fate.DONE, returned=call.invoked + 0.1, answer=Answer(**{"key_id": KEY, **answer}))  # type: ignore[arg-type]


def refused(call: Call, code: str) -> Call:
    """Return the call as it was refused, a tenth of a second later."""
    return replace(call, fate=Fate.REFUSED, returned=call.invoked + 0.1, code=code)


def call(operation: str, invoked: float, **asked: object) -> Call:
    """Return a call of one client."""
    return Call(client="c", operation=operation, invoked=invoked, **asked)  # type: ignore[arg-type]


CREATED = done(call("CreateKey", 0))
ENCRYPTED = done(call("Encrypt", 1, key_id=KEY, plaintext=b"p", context=CONTEXT), ciphertext=BLOB, version=1)
DECRYPT = call("Decrypt", 5, ciphertext=BLOB, context=CONTEXT)
DECRYPTED = done(DECRYPT, plaintext=b"p", request_id="r")
DISABLED = done(call("DisableKey", 2, key_id=KEY))
ENABLED = done(call("EnableKey", 3, key_id=KEY))
LATER = done(call("Decrypt", 9, ciphertext=BLOB, context=CONTEXT), plaintext=b"p", request_id="r9")


def state(module: str, version: int, **changed: object) -> Installed:
    """Return a sighting of a rightful state."""
    rightful = Installed(
        module=module,
        at=float(version),
        version=version,
        token=b"t%d" % version,
        predecessor=b"t%d" % (version - 1) if version else b"",
        signers=frozenset({"alice", "bob"}),
        governors=frozenset({"alice", "bob", "carol"}),
        needed=2,
    )
    return replace(rightful, **changed)  # type: ignore[arg-type]


def found(*calls: Call, **facts: object) -> list[str]:
    """Return which invariants the judge finds broken."""
    return sorted({violation.invariant for violation in judge(History(calls=list(calls), **facts)).violations})  # type: ignore[arg-type]


RIGHTFUL = {
    "an empty history": [],
    "a key that works": [CREATED, ENCRYPTED, DECRYPTED],
    "a closed key that refuses": [CREATED, ENCRYPTED, DISABLED, refused(DECRYPT, "DisabledException")],
    "a key that was opened again": [CREATED, ENCRYPTED, DISABLED, ENABLED, DECRYPTED],
    "a key that may have been opened again": [
        CREATED,
        ENCRYPTED,
        DISABLED,
        call("EnableKey", 3, key_id=KEY),
        DECRYPTED,
    ],
    "a key that may have been closed": [
        CREATED,
        ENCRYPTED,
        call("DisableKey", 2, key_id=KEY),
        refused(DECRYPT, "DisabledException"),
    ],
    "a close that overlaps the use": [CREATED, ENCRYPTED, done(call("DisableKey", 5.05, key_id=KEY)), DECRYPTED],
    "a wrong context that is refused": [
        CREATED,
        ENCRYPTED,
        refused(replace(DECRYPT, context={}), "InvalidCiphertextException"),
    ],
    "a key that nobody was given": [refused(call("Encrypt", 1, key_id="other"), "NotFoundException")],
    "a call without an answer": [CREATED, ENCRYPTED, DECRYPT],
    "a rotated key": [
        CREATED,
        ENCRYPTED,
        done(call("RotateKeyOnDemand", 2, key_id=KEY)),
        done(call("Encrypt", 3, key_id=KEY, plaintext=b"q"), ciphertext=b"second", version=2),
    ],
    "a ciphertext that moved": [
        CREATED,
        ENCRYPTED,
        done(call("ReEncrypt", 2, key_id=KEY, ciphertext=BLOB, context=CONTEXT), ciphertext=b"moved"),
        done(call("Decrypt", 3, ciphertext=b"moved"), plaintext=b"p"),
    ],
    "a data key that nobody saw": [
        CREATED,
        done(call("GenerateDataKeyWithoutPlaintext", 2, key_id=KEY), ciphertext=b"data key"),
        done(call("Decrypt", 3, ciphertext=b"data key"), plaintext=b"unknown"),
    ],
}


@pytest.mark.parametrize("name", RIGHTFUL)
def test_a_rightful_history_passes(name: str) -> None:
    """What rightly happened is not called a breach."""
    assert found(*RIGHTFUL[name]) == []


BROKEN = {
    "a key is not found": ("I1", [CREATED, refused(call("Encrypt", 1, key_id=KEY), "NotFoundException")]),
    "a ciphertext opens no more": ("I1", [CREATED, ENCRYPTED, refused(DECRYPT, "InvalidCiphertextException")]),
    "an open key refuses": ("I1", [CREATED, ENCRYPTED, DISABLED, ENABLED, refused(DECRYPT, "DisabledException")]),
    "a key answers for another": ("I3", [done(call("Encrypt", 1, key_id="k2"), ciphertext=BLOB)]),
    "another plaintext": ("I3", [CREATED, ENCRYPTED, done(DECRYPT, plaintext=b"q")]),
    "another context is accepted": ("I3", [CREATED, ENCRYPTED, done(replace(DECRYPT, context={}), plaintext=b"p")]),
    "a ciphertext of nobody opens": ("I3", [CREATED, done(replace(DECRYPT, ciphertext=b"x"), plaintext=b"p")]),
    "another key opens it": ("I3", [CREATED, ENCRYPTED, done(DECRYPT, key_id="k2", plaintext=b"p")]),
    "a moved ciphertext holds something else": (
        "I3",
        [
            CREATED,
            ENCRYPTED,
            done(call("ReEncrypt", 2, key_id=KEY, ciphertext=BLOB, context=CONTEXT), ciphertext=b"moved"),
            done(call("Decrypt", 3, ciphertext=b"moved"), plaintext=b"q"),
        ],
    ),
    "a moved ciphertext opens with its old context": (
        "I3",
        [
            CREATED,
            ENCRYPTED,
            done(
                call("ReEncrypt", 2, key_id=KEY, ciphertext=BLOB, context=CONTEXT, new_context={"n": "n"}),
                ciphertext=b"moved",
            ),
            done(call("Decrypt", 3, ciphertext=b"moved", context=CONTEXT), plaintext=b"p"),
        ],
    ),
    "an old version encrypts": (
        "I3",
        [
            CREATED,
            done(call("RotateKeyOnDemand", 2, key_id=KEY)),
            done(call("Encrypt", 3, key_id=KEY), ciphertext=b"second", version=1),
        ],
    ),
    "a version encrypts that is not made yet": (
        "I3",
        [CREATED, done(call("Encrypt", 3, key_id=KEY), ciphertext=b"second", version=2)],
    ),
    "a disabled key serves": ("I9", [CREATED, ENCRYPTED, DISABLED, DECRYPTED]),
    "a key that is pending deletion serves": (
        "I9",
        [CREATED, ENCRYPTED, done(call("ScheduleKeyDeletion", 2, key_id=KEY)), DECRYPTED],
    ),
    "a key serves that was opened only before it was closed": (
        "I9",
        [CREATED, ENCRYPTED, replace(ENABLED, invoked=1.0, returned=1.1), DISABLED, DECRYPTED],
    ),
    "a closed key gives its ciphertext to another": (
        "I9",
        [
            CREATED,
            ENCRYPTED,
            DISABLED,
            done(call("ReEncrypt", 5, key_id="k2", ciphertext=BLOB, context=CONTEXT), key_id="k2", ciphertext=b"m"),
        ],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_breach_by_an_answer_is_found(name: str) -> None:
    """Each kind of wrong answer is found under its own invariant."""
    invariant, calls = BROKEN[name]
    assert found(*calls) == [invariant]


def test_what_is_not_read_again_is_lost() -> None:
    """A ciphertext and a key that the closing reading does not use are lost, unless the key is closed."""
    assert found(CREATED, ENCRYPTED, LATER, closing=8.0) == []
    assert found(CREATED, ENCRYPTED, DECRYPTED, closing=8.0) == ["I1"]
    assert found(CREATED, closing=8.0) == ["I1"]
    assert found(CREATED, ENCRYPTED, DISABLED, closing=8.0) == []
    assert found(CREATED, ENCRYPTED, closing=8.0, ended={KEY: 7.0}) == []


def test_what_had_ended_must_not_work() -> None:
    """A key that was shredded neither encrypts nor decrypts, and its ciphertext moves to no other key."""
    moved = done(
        call("ReEncrypt", 5, key_id="k2", ciphertext=BLOB, context=CONTEXT), key_id="k2", ciphertext=b"m", version=1
    )
    assert found(CREATED, ENCRYPTED, ended={KEY: 4.0}) == []
    assert found(CREATED, ENCRYPTED, DECRYPTED, ended={KEY: 4.0}) == ["I2"]
    assert found(CREATED, ENCRYPTED, moved, ended={KEY: 4.0}) == ["I2"]


def test_what_had_ended_must_not_open_to_an_attacker() -> None:
    """A key that lives may; one that ended may have before."""
    assert found(CREATED, ENCRYPTED, openings=[Opening(KEY, 5.0)]) == []
    assert found(CREATED, ENCRYPTED, ended={KEY: 6.0}, openings=[Opening(KEY, 5.0)]) == []
    assert found(CREATED, ENCRYPTED, ended={KEY: 4.0}, openings=[Opening(KEY, 5.0)]) == ["I2"]


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        SECRET.hex().encode(),
        SECRET.hex().upper().encode(),
        base64.b64encode(SECRET),
        base64.b64encode(b"1" + SECRET + b"1"),
        base64.b64encode(b"22" + SECRET + b"2"),
        base64.urlsafe_b64encode(b"\xff\xfe" + SECRET),
    ],
)
def test_a_clear_key_is_found_in_every_written_form(written: bytes) -> None:
    """A key outside the modules is found raw, in hexadecimal, and in base64 wherever it begins."""
    assert found(secrets={"a key": SECRET}, exposures=[Exposure("log", b"...." + written + b"....")]) == ["I4"]
    assert found(secrets={"a key": SECRET}, exposures=[Exposure("log", b"nothing")]) == []


def test_base64_with_other_letters_is_found() -> None:
    """Both alphabets of base64 are searched for."""
    secret = bytes([0xFB, 0xEF, 0xBE] * 8)
    assert base64.b64encode(secret)[:-1] in written_forms(secret)
    assert base64.urlsafe_b64encode(secret)[:-1] in written_forms(secret)


STATES = [state("m1", 0), state("m2", 0), state("m1", 1), state("m2", 1)]


def test_rightful_states_pass() -> None:
    """A chain that each predecessor's operators signed is no breach."""
    assert found(installed=STATES) == []


@pytest.mark.parametrize(
    ("invariant", "sighting"),
    [
        ("I5", state("m1", 2, signers=frozenset({"alice"}))),
        ("I5", state("m1", 2, signers=frozenset({"alice", "mallory"}))),
        ("I5", state("m1", 2, signers=frozenset())),
        ("I6", state("m1", 1, token=b"other", at=2.0)),
        ("I6", state("m1", 0, at=2.0)),
        ("I6", state("m1", 2, predecessor=b"t0")),
    ],
)
def test_a_breach_by_a_state_is_found(invariant: str, sighting: Installed) -> None:
    """Too few or foreign signatures, a fork, a step back and a wrong predecessor are found."""
    assert found(installed=[*STATES, sighting]) == [invariant]


def test_a_state_that_follows_nothing_known_is_found() -> None:
    """Nobody can say who should have signed a state whose predecessor was never seen."""
    assert "I5" in found(installed=[*STATES, state("m1", 2, predecessor=b"unknown")])


def test_a_rule_that_asks_for_nobody_still_asks_for_one() -> None:
    """A state without a quorum is not taken for one whose quorum is met."""
    free = [state("m1", 0, needed=0), state("m1", 1, signers=frozenset(), needed=0)]
    assert found(installed=free) == ["I5"]


def test_a_release_without_its_record_is_found() -> None:
    """Each released plaintext has exactly one record, durable before the client was told."""
    history = [CREATED, ENCRYPTED, DECRYPTED]
    assert found(*history, audit=[AuditRecord("r", 5.05)]) == []
    assert found(*history, audit=[]) == ["I7"]
    assert found(*history, audit=[AuditRecord("r", 5.2)]) == ["I7"]
    assert found(*history, audit=[AuditRecord("r", 5.05), AuditRecord("r", 5.06)]) == ["I7"]


def test_a_repeated_nonce_is_found() -> None:
    """Two things under one key and nonce are a breach; the same thing seen twice is not."""
    seen = Sealing(b"key", b"nonce", b"first")
    assert found(sealings=[seen, seen, Sealing(b"other", b"nonce", b"second")]) == []
    assert found(sealings=[seen, Sealing(b"key", b"nonce", b"second")]) == ["I8"]


def test_a_bounded_staleness_is_granted() -> None:
    """A second front end may serve from its cache for as long as the bound says, and no longer."""
    history = History(calls=[CREATED, ENCRYPTED, DISABLED, DECRYPTED])
    assert judge(history, staleness=3.0).violations == ()
    assert [violation.invariant for violation in judge(history, staleness=1.0).violations] == ["I9"]


def test_what_was_not_looked_at_is_said() -> None:
    """An invariant about which nothing was recorded is not reported as holding, and cannot be required."""
    report = judge(History(calls=[CREATED, ENCRYPTED, DECRYPTED]))
    assert report.not_recorded == ("I1", "I2", "I4", "I5", "I6", "I7", "I8", "I9")
    assert "I7: not recorded" in str(report)
    report.require("I3")
    with pytest.raises(AssertionError, match="I7: not recorded"):
        report.require("I3", "I7")


def test_a_violation_fails_the_requirement() -> None:
    """A report with a breach raises, whatever is required."""
    report: Report = judge(History(calls=[CREATED, ENCRYPTED, DISABLED, DECRYPTED]))
    with pytest.raises(AssertionError, match="I9: Decrypt of c"):
        report.require()


def test_a_trace_tells_two_histories_apart() -> None:
    """The same record has the same digest, another one another."""
    one = History(calls=[CREATED, ENCRYPTED], installed=[*STATES])
    assert one.trace() == History(calls=[CREATED, ENCRYPTED], installed=[*STATES]).trace()
    assert one.trace() != History(calls=[CREATED], installed=[*STATES]).trace()


def test_the_record_keeps_how_calls_ended() -> None:
    """Acknowledged, refused and unknown are three ends."""
    history = History()
    history.done(DECRYPT, 6.0, Answer(key_id=KEY))
    history.refused(DECRYPT, 6.0, "DisabledException")
    history.unknown(DECRYPT, "EndpointConnectionError")
    assert [ended.fate for ended in history.calls] == [Fate.DONE, Fate.REFUSED, Fate.UNKNOWN]
