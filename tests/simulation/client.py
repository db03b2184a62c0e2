"""A client of the simulated installation: signs with botocore's own code at virtual time, retries as SDKs do."""

import asyncio
import base64
from datetime import UTC, datetime
from typing import Any

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from msgspec import json

from tests.simulation.front_door import FrontDoor, NoAnswer
from tests.simulators.history import Answer, Call, History
from tests.simulators.recorder import FAULTS, answered, asked, record_done, record_error
from tests.simulators.workload import ONCE, Asked, Script
from tests.simulators.world import SimClock

TRIES = 5
PAUSE = 0.1
THINKING = 0.015
BLOBS = ("CiphertextBlob", "Plaintext")


class Signer(SigV4Auth):
    """Signs at a moment that it is given."""

    def __init__(self, credentials: tuple[str, str], region: str) -> None:
        super().__init__(Credentials(*credentials), "kms", region)

    def signed(self, request: Asked, milliseconds: int) -> AWSRequest:
        """Return the request as a client sends it."""
        operation = request.operation
        parameters = {
            name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for name, value in request.parameters.items()
        }
        signed = AWSRequest(
            "POST",
            "http://keystead.example/",
            data=json.encode(parameters),
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": operation if "." in operation else f"TrentService.{operation}",
            },
        )
        self.sign_at(signed, milliseconds)
        return signed

    def sign_at(self, request: AWSRequest, milliseconds: int) -> None:
        """Add the headers of a signature."""
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
        request.context["timestamp"] = moment.strftime(SIGV4_TIMESTAMP)
        self._modify_request_before_signing(request)  # type: ignore[attr-defined]  # the stubs lack it
        text = self.string_to_sign(request, self.canonical_request(request))
        signature = self.signature(text, request)
        self._inject_signature_to_request(request, signature)  # type: ignore[attr-defined]  # the stubs lack it


class Client:
    """One client; its clock may be wrong, too."""

    def __init__(
        self, name: str, front_door: FrontDoor, credentials: tuple[str, str], clock: SimClock, history: History
    ) -> None:
        self._name = name
        self._front_door = front_door
        self._signer = Signer(credentials, "us-east-1")
        self._clock = clock
        self._history = history

    async def follow(self, script: Script) -> None:
        """Ask what the script asks, until it or this task ends."""
        try:
            request = next(script)
            while True:
                request = script.send(await self.call(request))
                await asyncio.sleep(THINKING)
        except StopIteration:
            return

    async def call(self, request: Asked) -> Answer | None:
        """Return the answer, or None if there was none; whatever happened is in the history."""
        call = asked(self._name, request.operation, self._clock.monotonic(), request.parameters)
        try:
            return await self._called(call, request)
        except asyncio.CancelledError:
            self._history.unknown(call, "given up")
            raise

    async def _called(self, call: Call, request: Asked) -> Answer | None:
        code = ""
        for _ in range(1 if request.operation in ONCE else TRIES):
            try:
                status, headers, content = await self._front_door.ask(self._signer.signed(request, self._clock.now()))
            except NoAnswer:
                code = "no answer"
            else:
                if status == 200:
                    answer = answered(call, plain(content), headers["x-amzn-requestid"])
                    record_done(self._history, call, self._clock.monotonic(), answer)
                    return answer
                code = content["__type"]
                if code not in FAULTS:
                    record_error(self._history, call, self._clock.monotonic(), code)
                    return None
            await asyncio.sleep(PAUSE)
        self._history.unknown(call, code)
        return None


def plain(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of an answer with its blobs decoded."""
    return {name: base64.b64decode(value) if name in BLOBS else value for name, value in content.items()}
