"""Binds the address that clients connect to, before anything else starts.

The supervisor's parent holds the socket: while a front end is started again, connections wait in its queue instead of
being refused.
"""

import errno
import ipaddress
import socket

from keystead.errors import OperatorError


def check_exposure(host: str, *, tls: bool) -> None:
    """Raise OperatorError if plain HTTP would be reachable from another host."""
    if tls:
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise OperatorError(
            f"refusing to listen on {host} without TLS",
            "give --tls-cert and --tls-key, or listen on 127.0.0.1",
        )


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises OperatorError if the port is taken, is not allowed, or the host is none of ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise OperatorError(_problem(error, host, port), "choose another address with --host and --port") from None
    return listener


def _problem(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken"
    if error.errno == errno.EACCES:
        return f"port {port} needs privileges that this user does not have"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"
