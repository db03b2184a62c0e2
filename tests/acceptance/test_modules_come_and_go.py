"""Modules join and leave a running domain, with clients at work all the while: nothing fails."""

import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.acceptance.service import Service, keystead, running, status
from tests.acceptance.sightings import look_at_modules
from tests.acceptance.test_chaos import SEED, loaded
from tests.simulators.history import Fate

pytestmark = pytest.mark.slow


def until_states(service: Service, states: dict[str, str]) -> None:
    """Return when every module is as said; fails after long enough."""
    limit = time.monotonic() + 60
    while (found := {one["name"]: one["state"] for one in status(service.data)["modules"]}) != states:
        assert time.monotonic() < limit, (found, service.logs())
        threading.Event().wait(0.2)


def module(service: Service, *arguments: str) -> str:
    """Run ``keystead module`` to its end, which must be a good one, and return what it tells."""
    ended = keystead("module", *arguments, "--data", str(service.data))
    assert ended.returncode == 0, ended.stdout + ended.stderr + service.logs()
    return ended.stdout + ended.stderr


@pytest.mark.timeout(300)
@pytest.mark.requirement("CHG-08", "DOM-02", "FIG26-06")
def test_a_module_comes_and_another_goes_under_load(tmp_path: Path) -> None:
    """A third module is brought up, confirmed and let in; then the first is put out. No request of any client fails."""
    with running(tmp_path / "data") as service:
        key = str(service.data / "operator" / "operator_key")
        with loaded(service, SEED) as load:
            load.until_worked(time.monotonic())
            look_at_modules(service.data, load.history)
            refused = keystead("module", "add", "--data", str(service.data), "--sign-with", key)
            assert refused.returncode == 1
            shown = refused.stderr.split("its fingerprint is ")[1].splitlines()[0]
            assert shown in (service.data / "logs" / "module-3.log").read_text()
            wrong = keystead("module", "add", "--data", str(service.data), "--sign-with", key, "--fingerprint", "0000")
            assert wrong.returncode == 1
            assert "not the fingerprint" in wrong.stderr
            module(service, "add", "--sign-with", key, "--fingerprint", shown)
            until_states(service, {"module-1": "live", "module-2": "live", "module-3": "live"})
            look_at_modules(service.data, load.history)
            former = service.role("module-1")
            module(service, "remove", "module-1", "--sign-with", key)
            until_states(service, {"module-2": "live", "module-3": "live"})
            psutil.wait_procs([former], timeout=30)
            assert not former.is_running()
            load.until_worked(time.monotonic())
        assert all(call.fate is not Fate.UNKNOWN for call in load.history.calls)
        assert service.stop() == 0
    with running(tmp_path / "data") as service:
        until_states(service, {"module-2": "live", "module-3": "live"})
        with pytest.raises(AssertionError, match="no process plays"):
            service.role("module-1")
