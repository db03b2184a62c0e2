"""RSA keys made in advance, since making one takes as long as thousands of other operations (``docs/adr/0014``).

One thread makes them, at the lowest priority. What it made waits in the arena; who takes a key that is not there is
told to come again, as by the service, which makes one RSA-4096 key a second.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from types import MappingProxyType
from typing import Final, TypeAlias

from keystead.errors import ServiceError
from keystead.primitives.private_keys import generate_rsa
from keystead.primitives.secret import Secret, wipe

READY: Final[Mapping[str, int]] = MappingProxyType({"RSA_2048": 8, "RSA_3072": 4, "RSA_4096": 2})
"""How many keys of each spec are kept ready."""
_LARGEST: Final = 2560
_LOWEST_PRIORITY: Final = 19

Job: TypeAlias = Callable[[], None]


class Background:
    """Does one job after the other in a thread of its own, which the end of the process does not wait for."""

    def __init__(self) -> None:
        """Start the thread."""
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        threading.Thread(target=self._work, name="rsa keys", daemon=True).start()

    def __call__(self, job: Job) -> None:
        """Do the job when those before it are done."""
        self._jobs.put(job)

    def _work(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)
        while True:
            self._jobs.get()()


class RsaKeys:
    """The keys that are ready. Owned by the event loop; a job only fills the secret that it was given."""

    def __init__(self, background: Callable[[Job], None] | None = None) -> None:
        """Make nothing yet; without a background each key is made when it is taken."""
        self._background = background
        self._ready: dict[str, deque[tuple[Secret, int]]] = {spec: deque() for spec in READY}
        if background is not None:
            for spec, most in READY.items():
                for _ in range(most):
                    self._make(background, spec)

    def take(self, spec: str) -> Secret:
        """Return the material of a key that nobody else has; ServiceError, ThrottlingException, if none is ready."""
        if self._background is None:
            return Secret.taken(generate_rsa(spec))
        try:
            room, size = self._ready[spec].popleft()
        except IndexError:
            raise ServiceError(
                "ThrottlingException",
                "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
            ) from None
        self._make(self._background, spec)
        with room:
            material = Secret.blank(size)
            material.view[:] = room.view[:size]
        return material

    def _make(self, background: Callable[[Job], None], spec: str) -> None:
        room, ready = Secret.blank(_LARGEST), self._ready[spec]

        def fill() -> None:
            made = generate_rsa(spec)
            room.view[: len(made)] = made
            wipe(made)
            ready.append((room, len(made)))

        background(fill)
