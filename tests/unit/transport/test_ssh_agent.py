"""Signing with an ssh-agent: what is asked, what is taken from the answer, and what an agent may do wrong."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from keystead.errors import PeerUnavailable
from keystead.primitives.openssh import OperatorKey, to_be_signed, verify_sshsig
from keystead.primitives.ssh_encoding import Reader, string
from keystead.transport.ssh_agent import SOCKET, SshAgent
from tests.simulators.world import SeededRandomness

KEY = OperatorKey.generate(SeededRandomness(1, "agent"), "agent")
NAMESPACE, MESSAGE = "keystead.test", b"a request"
IDENTITIES, SIGN, REFUSED = 0x0B, 0x0D, b"\x05"

Answers = Callable[[bytes], bytes]


class FakeAgent:
    """An agent that answers one conversation as it is told."""

    def __init__(self, path: Path, answers: Answers) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._answers = answers
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):  # nobody came, or who came went away in the middle
            self._converse(self._listener.accept()[0])

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as heard:
            while length := heard.read(4):
                connection.sendall(self._answers(heard.read(struct.unpack(">I", length)[0])))

    def close(self) -> None:
        """End."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def honest(asked: bytes) -> bytes:
    """Answer as ssh-agent does: it has one RSA key, which no operator may have, and this one."""
    if asked[0] == IDENTITIES:
        rsa = string(string(b"ssh-rsa") + string(b"\x03") + string(b"\x01")) + string(b"rsa")
        return string(b"\x0c" + struct.pack(">I", 2) + rsa + string(KEY.public.wire()) + string(b"agent"))
    reader = Reader(asked[1:])
    wire, signed = reader.string(), reader.string()
    assert wire == KEY.public.wire()
    assert signed == to_be_signed(NAMESPACE, MESSAGE)
    assert reader.rest() == bytes(4)
    # What an agent returns is the innermost part of the signature that the key itself makes.
    whole = Reader(KEY.sign(NAMESPACE, MESSAGE))
    whole.take(len(b"SSHSIG") + 4)
    for _ in range(4):
        whole.string()
    return string(b"\x0e" + string(whole.string()))


@pytest.fixture
def agent(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SshAgent]:
    """Return a conversation with an agent that answers as the test says, honestly by default."""
    answers: Answers = getattr(request, "param", honest)
    fake = FakeAgent(tmp_path / "agent", answers)
    agent = SshAgent(str(tmp_path / "agent"))
    yield agent
    agent.close()
    fake.close()


def test_an_agent_lists_the_keys_that_operators_may_have(agent: SshAgent) -> None:
    """Others are left out."""
    assert agent.keys() == (KEY.public,)


def test_an_agents_signature_is_the_one_that_ssh_keygen_makes(agent: SshAgent) -> None:
    """It verifies as the key's own does."""
    verify_sshsig(KEY.public, NAMESPACE, MESSAGE, agent.sign(KEY.public, NAMESPACE, MESSAGE))


@pytest.mark.parametrize("agent", [lambda _: string(REFUSED)], indirect=True)
def test_a_refusal_is_told(agent: SshAgent) -> None:
    """No key, or no touch."""
    with pytest.raises(PeerUnavailable, match="refused"):
        agent.sign(KEY.public, NAMESPACE, MESSAGE)


@pytest.mark.parametrize("agent", [lambda _: b""], indirect=True)
def test_an_agent_that_goes_away_is_told(agent: SshAgent, tmp_path: Path) -> None:
    """So is one that was never there."""
    agent.close()
    with pytest.raises(PeerUnavailable, match="does not answer"):
        agent.keys()
    with pytest.raises(PeerUnavailable, match="no ssh-agent answers"):
        SshAgent(str(tmp_path / "nobody"))


def test_without_an_agent_in_the_environment_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that ssh uses is the one that counts."""
    monkeypatch.delenv(SOCKET, raising=False)
    with pytest.raises(PeerUnavailable, match=SOCKET):
        SshAgent.of_the_session()
