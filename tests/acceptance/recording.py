"""A boto3 client whose calls are recorded, and the workload that it runs."""

import threading
import time
from typing import Any, Protocol

from botocore import xform_name
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 -- botocore's name

from tests.simulators.history import Answer, History
from tests.simulators.recorder import answered, asked, record_done, record_error
from tests.simulators.workload import ONCE, Asked, Script, Workload


class Served(Protocol):
    """A running installation."""

    def client(self, **config: Any) -> Any:
        """Return a boto3 client of it."""


class RecordedClient:
    """Calls the service and writes down each call. Calls that set a state are tried once, others as boto3 does."""

    def __init__(self, service: Served, history: History, name: str) -> None:
        self._history = history
        self._name = name
        self._client = service.client()
        self._trying_once = service.client(retries={"total_max_attempts": 1})

    def call(self, request: Asked) -> Answer | None:
        """Return the answer, or None if there was none; every refusal is in the history."""
        call = asked(self._name, request.operation, time.monotonic(), request.parameters)
        client = self._trying_once if request.operation in ONCE else self._client
        try:
            response = getattr(client, xform_name(request.operation))(**request.parameters)
        except ClientError as error:
            record_error(self._history, call, time.monotonic(), error.response["Error"]["Code"])
            return None
        except (ConnectionError, HTTPClientError) as error:
            self._history.unknown(call, type(error).__name__)
            return None
        answer = answered(call, response, response["ResponseMetadata"]["RequestId"])
        record_done(self._history, call, time.monotonic(), answer)
        return answer


class Worker:
    """One client in a thread of its own."""

    def __init__(self, service: Served, history: History, number: int, seed: int) -> None:
        name = f"worker {number}"
        self._client = RecordedClient(service, history, name)
        self._workload = Workload(name, seed)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        self._follow(self._workload.steps(), stop)

    def read_again(self) -> None:
        """Read all that was acknowledged."""
        self._follow(self._workload.read_again(), threading.Event())

    def _follow(self, script: Script, stop: threading.Event) -> None:
        answer: Answer | None = None
        try:
            request = next(script)
            while not stop.is_set():
                answer = self._client.call(request)
                request = script.send(answer)
        except StopIteration:
            return
