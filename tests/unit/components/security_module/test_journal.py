"""The journal tells what happened; nothing depends on whether it could."""

import json

from keystead.components.security_module.journal import Journal
from tests.simulators.modules import FrontEnd, ModuleDomain


class FullDisk:
    """A sink that takes nothing."""

    def write(self, line: bytes, /) -> None:
        """Refuse."""
        raise OSError(28, "no space left on device")


def test_a_module_whose_log_cannot_be_written_serves_on() -> None:
    """A refused item is answered, so are those after it, and the module is not stopped."""
    domain = ModuleDomain(1).with_key()
    host = domain.hosts[0]
    vars(host.module.executor)["_journal"] = Journal(FullDisk(), domain.clock)
    front_end = FrontEnd(domain)
    key = front_end.create()
    request = {"KeyId": key, "Plaintext": "AAAA"}
    assert front_end.one("Encrypt", json.dumps(request).encode()).code == "KMSInternalException"
    assert front_end.answer("Encrypt", request, front_end.records[key])["KeyId"].endswith(key)
