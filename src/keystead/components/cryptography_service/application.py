"""Leads each request through its stages; the raw ASGI callable that the HTTP server runs."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from msgspec import json

from keystead.components.cryptography_service import health
from keystead.components.cryptography_service.admitted import Admission
from keystead.components.cryptography_service.authenticated import authenticated
from keystead.components.cryptography_service.executed import Execution
from keystead.components.cryptography_service.health import HealthCheck
from keystead.components.cryptography_service.ports import Authentication
from keystead.components.cryptography_service.received import Scope, received
from keystead.components.cryptography_service.rendered import (
    INTERNAL,
    OK,
    Rendered,
    rendered,
    rendered_error,
    seen_by_caller,
)
from keystead.components.cryptography_service.request_ids import RequestIds

Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Report: TypeAlias = Callable[[str, str], None]
"""Takes the id of a request that failed and the name of the error, and nothing else: no value reaches a log."""
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_SERVICE_UNAVAILABLE: Final = 503


class Application:
    """Answers requests. Owned by one event loop."""

    def __init__(
        self,
        authentication: Authentication,
        admission: Admission,
        execution: Execution,
        health_check: HealthCheck,
        request_ids: RequestIds,
        report: Report,
    ) -> None:
        """Take what each stage needs, and who is told of failures that are ours."""
        self._authentication = authentication
        self._admission = admission
        self._execution = execution
        self._health_check = health_check
        self._request_ids = request_ids
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3, type http); nothing is raised, whatever is sent."""
        body = await _body(receive)
        if body is None:
            return
        if scope["method"] == "GET" and scope["raw_path"] == health.PATH:
            answer = await self._health()
        else:
            answer = await self._answer(scope, body)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, body: bytes) -> Rendered:
        request_id = self._request_ids.make()
        try:
            request = await authenticated(received(scope, body), self._authentication)
            admitted = self._admission.admitted(request)
            return rendered(await self._execution.executed(admitted), request_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the others are served
            if seen_by_caller(error) is INTERNAL:
                self._report(request_id, type(error).__name__)
            return rendered_error(error, request_id)

    async def _health(self) -> Rendered:
        found = await self._health_check.look()
        body = json.encode(found)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        return Rendered(OK if found.keys_can_be_used else _SERVICE_UNAVAILABLE, headers, body)


async def _body(receive: Receive) -> bytes | None:
    """The whole body, which the guard bounds; None if the client went away."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts = [body]
        while message.get("more_body"):
            message = await receive()
            parts.append(message.get("body", b""))
        body = b"".join(parts)
    return None if message["type"] == "http.disconnect" else body
