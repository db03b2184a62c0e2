"""Notices are posted over verified HTTPS, tried again for a while, and never wait for who posts them."""

import asyncio
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import SplitResult

import pytest

from keystead.errors import FormatError
from keystead.transport.webhook import ATTEMPTS, MOST_WAITING, Webhook, post, webhook_url
from tests.certificates import for_localhost
from tests.simulators.loop import simulate
from tests.simulators.world import SeededRandomness

SECRET = "a-secret-path"
URL = webhook_url(f"https://hooks.example/{SECRET}")


@pytest.mark.parametrize(
    "text", ["https://hooks.example/a?b=c", "http://127.0.0.1:9/a", "http://[::1]/", "http://localhost/"]
)
def test_receivers_are_reached_by_https_or_on_this_host(text: str) -> None:
    """What stays on this host needs no certificate."""
    assert webhook_url(text).geturl() == text


@pytest.mark.parametrize(
    "text",
    ["http://hooks.example/", "ftp://a/", "https://", "text", "https://a:b@c/", "https://a:port/", "https://[a/", ""],
)
def test_others_are_refused(text: str) -> None:
    """Plain HTTP beyond this host, and what is no URL of a receiver."""
    with pytest.raises(FormatError):
        webhook_url(text)


class Receiver:
    """A receiver on the web that answers as it is told, the last answer for ever."""

    def __init__(self, *answers: int | OSError) -> None:
        self.answers = list(answers)
        self.posted: list[tuple[float, bytes]] = []
        self.reported: list[dict[str, object]] = []

    async def post(self, url: SplitResult, body: bytes) -> int:
        """Take a post."""
        assert url is URL
        self.posted.append((asyncio.get_running_loop().time(), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OSError):
            raise answer
        return answer

    def report(self, event: str, **fields: object) -> None:
        """Take an event for the log."""
        self.reported.append({"event": event, **fields})

    def after(self, seconds: float, *bodies: bytes) -> list[bytes]:
        """Return what was posted after so many seconds in which these were sent."""

        async def story() -> None:
            webhook = Webhook(URL, SeededRandomness(1, "webhook"), self.report, self.post)
            for body in bodies:
                webhook.send(body)
            running = asyncio.ensure_future(webhook.run())
            await asyncio.sleep(seconds)
            running.cancel()

        simulate(story, 1)
        return [body for _, body in self.posted]


def test_notices_are_posted_in_order() -> None:
    """Each once, if the receiver takes them."""
    assert Receiver(204).after(1, b"one", b"two") == [b"one", b"two"]


@pytest.mark.parametrize("failure", [OSError("no route"), 500, 302])
def test_a_post_that_fails_is_tried_again_with_growing_pauses(failure: int | OSError) -> None:
    """A redirect is a failure: nobody but the configured receiver is told."""
    receiver = Receiver(failure, failure, 200)
    assert receiver.after(10, b"one", b"two") == [b"one"] * 3 + [b"two"]
    first, second, third, _ = (moment for moment, _ in receiver.posted)
    assert 0.5 <= second - first <= 1
    assert 1 <= third - second <= 2
    assert not receiver.reported


def test_a_notice_that_nobody_takes_is_dropped_and_that_is_logged_without_the_path() -> None:
    """The next one has its own attempts."""
    receiver = Receiver(500)
    assert receiver.after(300, b"one", b"two") == [b"one"] * ATTEMPTS + [b"two"] * ATTEMPTS
    assert [one["event"] for one in receiver.reported] == ["notice_dropped", "notice_dropped"]
    assert SECRET not in repr(receiver.reported)


def test_sending_never_waits() -> None:
    """What is too much is dropped, and that is logged."""
    receiver = Receiver(200)
    bodies = [bytes([number]) for number in range(MOST_WAITING + 2)]
    assert receiver.after(1, *bodies) == bodies[:MOST_WAITING]
    assert len(receiver.reported) == 2


class Handler(BaseHTTPRequestHandler):
    """Keeps what is posted."""

    received: tuple[str, bytes, str | None]

    def do_POST(self) -> None:
        """Take it."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Handler.received = self.path, body, self.headers["Content-Type"]
        self.send_response(202)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """Return a real web server on this host."""
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_real_receiver_gets_json(server: HTTPServer) -> None:
    """Path, query, body and type arrive; the status comes back."""
    url = webhook_url(f"http://127.0.0.1:{server.server_port}/a/b?c=d")
    assert asyncio.run(post(url, b"{}")) == 202
    assert Handler.received == ("/a/b?c=d", b"{}", "application/json")


def test_a_receiver_whose_certificate_nobody_vouches_for_is_told_nothing(server: HTTPServer, tmp_path: Path) -> None:
    """The connection ends before anything is posted."""
    certificate, key = for_localhost(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with pytest.raises(ssl.SSLCertVerificationError):
        asyncio.run(post(webhook_url(f"https://127.0.0.1:{server.server_port}/"), b"{}"))
