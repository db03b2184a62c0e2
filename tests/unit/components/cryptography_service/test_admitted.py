"""How often an account may ask."""

import asyncio
import json

from keystead.core.operations.quotas import QUOTAS
from keystead.errors import ServiceError
from keystead.identifiers import AccountId, Region
from keystead.transport.authentication_link import Vouched
from tests.unit.components.cryptography_service.fakes import ACCOUNT, KEY, Answer, FrontEnd

BODY = json.dumps({"KeyId": KEY}).encode()


def front_end(**rates: float) -> FrontEnd:
    """Return a front end with some rates."""
    return FrontEnd(rates={**QUOTAS, **rates})


async def describe(at: FrontEnd) -> Answer:
    """Ask for a key's description."""
    return await at.call("DescribeKey", BODY)


def throttled(answer: Answer) -> bool:
    """Whether an answer is the service's own to one request too many."""
    if answer.status == 200:
        return False
    assert answer.status == 400
    assert json.loads(answer.body) == {
        "__type": "ThrottlingException",
        "message": "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
    }
    return True


def test_one_too_many_is_throttled_and_reaches_no_module() -> None:
    """Within a second as many pass as the rate says; the next is refused, until time has passed."""

    async def script() -> None:
        at = front_end(DescribeKey=2.0)
        await at.with_key()
        assert [throttled(await describe(at)) for _ in range(4)] == [False, False, True, True]
        assert len(at.modules.asked) == 2
        at.clock.seconds += 0.5
        assert [throttled(await describe(at)) for _ in range(2)] == [False, True]

    asyncio.run(script())


def test_quotas_are_apart() -> None:
    """Whoever used up one quota has the others still."""

    async def script() -> None:
        at = front_end(DescribeKey=1.0)
        await at.with_key()
        assert [throttled(await describe(at)) for _ in range(2)] == [False, True]
        assert not throttled(await at.call("GetKeyPolicy", BODY))

    asyncio.run(script())


def test_accounts_and_regions_are_apart() -> None:
    """Nobody is throttled for what another account, or his own in another region, asked."""

    async def script() -> None:
        at = front_end(DescribeKey=1.0)
        await at.with_key()
        for account, region in ((ACCOUNT, "eu-central-1"), (ACCOUNT, "eu-west-1"), ("999999999999", "eu-central-1")):
            at.authentication.vouched = Vouched(b"proof", b"voucher", AccountId(account), Region(region))
            assert [throttled(await describe(at)) for _ in range(2)] == [False, True]

    asyncio.run(script())


def test_what_is_no_request_counts_nothing() -> None:
    """A body that cannot be read is told so, and takes nothing from the quota."""

    async def script() -> None:
        at = front_end(DescribeKey=1.0)
        await at.with_key()
        for _ in range(3):
            assert json.loads((await at.call("DescribeKey", b"{")).body)["__type"] == "SerializationException"
        assert not throttled(await describe(at))

    asyncio.run(script())


def test_an_unauthentic_request_counts_nothing() -> None:
    """Who cannot sign for an account cannot use up its quota."""

    async def script() -> None:
        at = front_end(DescribeKey=1.0)
        await at.with_key()
        at.authentication.error = ServiceError("InvalidSignatureException")
        assert (await describe(at)).status == 400
        at.authentication.error = None
        assert not throttled(await describe(at))

    asyncio.run(script())
