"""Requests as an AWS client signs them, ready to be sent."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs for one endpoint with one pair of credentials; what it signs is good for five minutes."""

    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str

    @property
    def port(self) -> int:
        """The endpoint's port."""
        return int(self.endpoint.rpartition(":")[2])

    def signed(self, operation: str, bodies: Iterable[Mapping[str, Any]]) -> list[bytes]:
        """Return one whole HTTP request for each body."""
        auth = SigV4Auth(Credentials(self.access_key_id, self.secret_access_key), "kms", self.region)
        return [self._one(auth, operation, json.dumps(body).encode()) for body in bodies]

    def _one(self, auth: SigV4Auth, operation: str, body: bytes) -> bytes:
        host = self.endpoint.rpartition("/")[2]
        headers = {
            "Host": host,
            "X-Amz-Target": f"TrentService.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
        }
        request = AWSRequest(method="POST", url=f"{self.endpoint}/", data=body, headers=headers)
        auth.add_auth(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        head = "\r\n".join(["POST / HTTP/1.1", *lines, f"Content-Length: {len(body)}"])
        return head.encode() + b"\r\n\r\n" + body
