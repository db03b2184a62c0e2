"""Where the running service is, and the root user's credentials, for the commands that clients are set up with."""

import shlex
from pathlib import Path
from typing import Final

import msgspec

from keystead.bootstrap.data_directory import CREDENTIALS, RUN
from keystead.bootstrap.host import HostDisk
from keystead.errors import OperatorError

_ENDPOINT: Final = "endpoint.json"


class Endpoint(msgspec.Struct, frozen=True):
    """Where clients find the service."""

    url: str
    region: str


class RootCredentials(msgspec.Struct, frozen=True):
    """The access key of the account's root user."""

    access_key_id: str
    secret_access_key: str


def write_endpoint(data: Path, endpoint: Endpoint) -> None:
    """Write down where the service is now."""
    HostDisk(data / RUN).write(_ENDPOINT, msgspec.json.encode(endpoint))


def write_credentials(data: Path, credentials: RootCredentials) -> None:
    """Keep the root user's access key for this user alone, as AWS clients keep theirs."""
    HostDisk(data).write(str(CREDENTIALS), msgspec.json.encode(credentials))


def read_endpoint(data: Path) -> Endpoint:
    """Return where the service is; raises OperatorError if none was started on this directory."""
    return msgspec.json.decode(_read(data / RUN / _ENDPOINT, data), type=Endpoint)


def read_credentials(data: Path) -> RootCredentials:
    """Return the root user's access key; raises OperatorError if none was started on this directory."""
    return msgspec.json.decode(_read(data / CREDENTIALS, data), type=RootCredentials)


def export_lines(data: Path) -> str:
    """Return the shell lines that point AWS clients at the service."""
    endpoint, credentials = read_endpoint(data), read_credentials(data)
    values = {
        "AWS_ENDPOINT_URL_KMS": endpoint.url,
        "AWS_DEFAULT_REGION": endpoint.region,
        "AWS_REGION": endpoint.region,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
    }
    # A session token or profile of another cloud account in the shell would win over, or break, these credentials.
    return "unset AWS_SESSION_TOKEN AWS_PROFILE\n" + "".join(
        f"export {name}={shlex.quote(value)}\n" for name, value in values.items()
    )


def _read(path: Path, data: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise OperatorError(
            f"no service was started on {data}", "start one with keystead up, or name its directory with --data"
        ) from None
