"""What ``keystead domain status`` shows: stage, who promised, who is waited for, since when, and why."""

import msgspec
import pytest

from keystead.bootstrap.governing.progress import ago, print_status, status_report
from keystead.core.protocols.coordination import ModuleStatus, Status
from keystead.identifiers import DomainId, ModuleId

NOW = 1_700_000_000_000
FIRST = ModuleStatus(ModuleId(bytes(16)), "module-1", reachable=True, version=3, promised=True)
SECOND = ModuleStatus(
    ModuleId(bytes([1]) * 16),
    "module-2",
    reachable=False,
    version=3,
    trouble="connection refused",
    waited_for=True,
    since=NOW - 65_000,
    retry=NOW + 250,
)
STRANGER = ModuleStatus(ModuleId(bytes([2]) * 16), "", reachable=True, version=0)
STATUS = Status(DomainId(bytes(32)), 3, bytes(32), 4, "accepted", (STRANGER, FIRST, SECOND), NOW - 90_000)
QUIET = msgspec.structs.replace(STATUS, in_flight=None, stage="", begun=None)


@pytest.mark.requirement("P21-06")
def test_an_installation_that_waits_says_for_whom_since_when_and_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who promised are not waited for."""
    monkeypatch.setenv("COLUMNS", "200")
    report = status_report(STATUS)
    assert report.waiting_for == ["module-2"]
    print_status(report, NOW)
    printed = capsys.readouterr().out
    assert "installing version 4 (accepted) for 1 min 30 s, waiting for module-2" in printed
    assert "connection refused, for 1 min 5 s, tried again in 0.2 s" in printed
    (line,) = [line for line in printed.splitlines() if line.lstrip().startswith("module-1")]
    assert "promised" in line
    assert "tried again until it succeeds" in printed


def test_a_member_that_lacks_the_version_is_missing_though_nothing_is_installed() -> None:
    """A module that is no member is nobody's loss."""
    behind = msgspec.structs.replace(SECOND, reachable=True, version=2, waited_for=False, trouble="")
    for missing in (behind, msgspec.structs.replace(SECOND, waited_for=False)):
        status = msgspec.structs.replace(QUIET, modules=(STRANGER, FIRST, missing))
        assert status_report(status).waiting_for == ["module-2"]
    assert status_report(msgspec.structs.replace(QUIET, modules=(STRANGER, FIRST))).waiting_for == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3_661, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_spans_of_time_have_two_units(seconds: int, text: str) -> None:
    """A moment that is still to come, by a clock that is behind, is now."""
    assert ago(NOW - seconds * 1000, NOW) == text
