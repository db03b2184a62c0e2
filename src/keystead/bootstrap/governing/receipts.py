"""``keystead shred``: gathering the signatures under a receipt, and judging one."""

import asyncio
from contextlib import closing
from pathlib import Path

import msgspec

from keystead.bootstrap.data_directory import REPOSITORY
from keystead.bootstrap.governing import files, printing, requests
from keystead.bootstrap.governing.signing import load_key
from keystead.bootstrap.governing.view import enter, viewed
from keystead.bootstrap.reporting import tell
from keystead.bootstrap.roles import operator_key_file
from keystead.components.key_repository.sqlite_reading import SqliteKeyReader
from keystead.core.domain.difference import holder_in_words, module_in_words, short
from keystead.core.domain.state import DomainState, Member, operator_id
from keystead.core.keys import receipt as receipts
from keystead.core.keys.receipt import ReceiptBody, ReceiptSignature
from keystead.core.protocols.module_session.messages import ReceiptSigned, SignReceipt
from keystead.core.records import KeyRecord
from keystead.errors import (
    NoDomain,
    NotAMember,
    OperatorError,
    PeerUnavailable,
    Refusal,
    RepositoryError,
    SignatureError,
)
from keystead.identifiers import KeyId
from keystead.interfaces.cli.domain import Where
from keystead.primitives.digest import sha256
from keystead.primitives.labels import Label
from keystead.primitives.signatures import verify
from keystead.transport.domain_directory import DomainDirectory
from keystead.transport.sql import connect_to_read

_SUFFIX = ".receipt"


class ReceiptReport(msgspec.Struct, frozen=True):
    """``keystead shred verify --json``."""

    key: str
    status: str
    domain: str
    version: int
    marked: str
    domain_keys: list[str]
    holders: list[str]
    outstanding: list[str]


class Receipts:
    """``ShredCommands`` of the command line."""

    def receipt(self, data: Path, key_id: str, key: Path | None, output: Path | None) -> int:
        """Have every active member sign the receipt of a key's shredding."""
        target = (output or Path(f"{key_id}{_SUFFIX}")).resolve()
        view = viewed(Where(data=data, directory=None, domain=None))
        asking = load_key(data.resolve() / operator_key_file("operator") if key is None else key)
        enter(data.resolve())
        record = asyncio.run(_record(KeyId(key_id)))
        signature = asking.sign(receipts.NAMESPACE, sha256(record.head))
        question = SignReceipt(record.head, record.tokens, operator_id(asking.public), signature)
        body, signatures = _agreed(_signatures(view.state, question, requests.HostPeers(Path())))
        files.write_new(target, receipts.joined(body, signatures))
        tell(f"signed by {len(signatures)} members: {target}")
        return 0

    def verify_receipt(self, where: Where, receipt: Path, *, as_json: bool) -> int:
        """Judge a receipt."""
        view = viewed(where)
        try:
            body = receipts.verified(files.read(receipt), _states(view))
        except Refusal as refusal:
            raise OperatorError(
                f"{receipt} proves nothing: {refusal}", "copy it and the domain's documents again from who signed it"
            ) from None
        report = _report(body, view.state)
        if as_json:
            printing.print_json(report)
        else:
            _print(report)
        return 1 if report.outstanding else 0


async def _record(key_id: KeyId) -> KeyRecord:
    try:
        with closing(connect_to_read(REPOSITORY)) as connection:
            record = await SqliteKeyReader(connection).record(key_id)
    except (RepositoryError, Refusal) as error:
        raise OperatorError(f"cannot read the key: {error}", "see whether the repository is there") from None
    if record is None:
        raise OperatorError(f"there is no key {key_id}", "give the id of a key that was shredded")
    return record


def _signatures(state: DomainState, question: SignReceipt, peers: requests.HostPeers) -> dict[bytes, ReceiptSigned]:
    """Return what each active member signed; raises OperatorError unless all did."""
    signed: dict[bytes, ReceiptSigned] = {}
    for where in requests.modules_here():
        try:
            answer = peers.receipt(where, question)
        except (NoDomain, NotAMember, PeerUnavailable):
            continue  # whose signature is missing then, is told below
        except Refusal as refusal:
            raise OperatorError(
                f"a module does not sign: {refusal}", "a receipt can be signed once the domain key is dropped"
            ) from None
        signed |= {member.id: answer for member in state.members if _is_signed_by(member, answer)}
    missing = [member.name for member in state.members if member.id in state.active and member.id not in signed]
    if missing:
        raise OperatorError(f"these members did not sign: {', '.join(missing)}", "start them, and ask again")
    return signed


def _is_signed_by(member: Member, answer: ReceiptSigned) -> bool:
    try:
        verify(member.identity, Label.SHREDDING_RECEIPT, answer.body, answer.signature)
    except SignatureError:
        return False
    return True


def _agreed(answers: dict[bytes, ReceiptSigned]) -> tuple[bytes, list[ReceiptSignature]]:
    bodies = {answer.body for answer in answers.values()}
    if len(bodies) != 1:
        raise OperatorError("the members stand at different versions", "wait for the change under way, and ask again")
    return bodies.pop(), [ReceiptSignature(member, answer.signature) for member, answer in answers.items()]


def _states(view: DomainDirectory) -> dict[bytes, DomainState]:
    return {successor.hash: successor.state for _, successor in view.successors()}


def _report(body: ReceiptBody, state: DomainState) -> ReceiptReport:
    return ReceiptReport(
        key=f"arn:aws:kms:{body.region}:{body.account}:key/{body.key_id}",
        status="SHRED_PENDING" if body.outstanding else "SHRED_COMPLETE",
        domain=body.domain.hex(),
        version=body.version,
        marked=printing.date(body.marked),
        domain_keys=[
            f"{short(key.id)}, dropped in version {key.dropped}"
            for key in sorted({key for one in body.materials for key in one.domain_keys}, key=lambda key: key.since)
        ],
        holders=[holder_in_words(holder, state) for holder in body.holders],
        outstanding=[module_in_words(one.module, state) for one in body.outstanding],
    )


def _print(report: ReceiptReport) -> None:
    console = printing.plain_console()
    console.print(f"{report.key}: [bold]{report.status}[/bold]")
    console.print(f"marked {report.marked}, signed by every active member at version {report.version}")
    console.print(f"of the domain {report.domain}")
    for line in report.domain_keys:
        console.print(f"its material rests, or once rested, under the domain key {line}")
    console.print("holders of sealing keys that these domain keys were ever sealed to:")
    for line in report.holders:
        console.print(f"  {line}")
    if report.outstanding:
        console.print(f"[yellow]nobody knows what became of those of {', '.join(report.outstanding)}[/yellow]")
    console.print("it says nothing of modules that only a token which was never installed let in")
    if any("slot file" in line for line in report.holders):
        console.print("a slot of kind file promises nothing against an image of that disk from before the drop")
