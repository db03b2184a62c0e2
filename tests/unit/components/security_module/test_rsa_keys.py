"""RSA keys are made in advance; who takes one never waits for it."""

from collections.abc import Callable
from functools import partial
from queue import SimpleQueue

import pytest

from keystead.components.security_module.rsa_keys import READY, Background, RsaKeys
from keystead.core.tokens.material import PRIVATE_SIZES
from keystead.errors import ServiceError
from keystead.primitives.private_keys import public_of


def test_a_key_is_made_when_it_is_taken_where_there_is_no_background() -> None:
    """Each is another one."""
    keys = RsaKeys()
    with keys.take("RSA_2048") as one, keys.take("RSA_2048") as other:
        assert len(one) in PRIVATE_SIZES["RSA_2048"]
        assert public_of("RSA_2048", one.view) != public_of("RSA_2048", other.view)


def test_who_takes_a_key_that_is_not_ready_is_told_to_come_again() -> None:
    """A key is made for the one that was taken, and for nothing else."""
    jobs: list[Callable[[], None]] = []
    keys = RsaKeys(jobs.append)
    assert len(jobs) == sum(READY.values())
    with pytest.raises(ServiceError) as caught:
        keys.take("RSA_2048")
    assert caught.value.code == "ThrottlingException"
    assert len(jobs) == sum(READY.values())
    jobs.pop(0)()
    with keys.take("RSA_2048") as material:
        assert len(material) in PRIVATE_SIZES["RSA_2048"]
        assert public_of("RSA_2048", material.view)
    assert len(jobs) == sum(READY.values())
    with pytest.raises(ServiceError):
        keys.take("RSA_2048")


def test_the_background_does_jobs_one_after_the_other() -> None:
    """In a thread of its own."""
    done: SimpleQueue[int] = SimpleQueue()
    background = Background()
    for number in range(3):
        background(partial(done.put, number))
    assert [done.get(timeout=60) for _ in range(3)] == [0, 1, 2]
