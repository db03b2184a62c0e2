"""The address that clients connect to: bound first, and never beyond loopback without TLS."""

import pytest

from keystead.bootstrap.listener import bind, check_exposure
from keystead.errors import OperatorError


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])  # noqa: S104
def test_plain_http_stays_on_loopback(host: str) -> None:
    """Without TLS another host could listen in: refused; with TLS it is the operator's choice."""
    with pytest.raises(OperatorError, match="without TLS"):
        check_exposure(host, tls=False)
    check_exposure(host, tls=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_loopback_needs_no_tls(host: str) -> None:
    """On this host itself plain HTTP is fine."""
    check_exposure(host, tls=False)


def test_a_taken_port_is_told() -> None:
    """A second listener on a port is refused by name."""
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OperatorError, match=f"port {port} on 127.0.0.1 is taken"):
            bind("127.0.0.1", port)


def test_an_address_of_another_host_is_told() -> None:
    """An address that is not ours is refused."""
    with pytest.raises(OperatorError, match="cannot listen"):
        bind("192.0.2.1", 0)
