"""The commands of operators on this host, one after the other from files to files."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from keystead.bootstrap.governing import files, printing, progress, requests, signing
from keystead.bootstrap.governing.receipts import Receipts
from keystead.bootstrap.governing.view import enter, viewed
from keystead.bootstrap.host import HostClock
from keystead.bootstrap.reporting import show, tell
from keystead.bootstrap.roles import COORDINATOR, address, operator_key_file
from keystead.core.domain import change_request
from keystead.core.domain.approval import Gathered, gathered
from keystead.core.domain.change_request import (
    Abandon,
    AddMember,
    ApprovedRequest,
    ChangeRequest,
    DomainChange,
    OperatorSignature,
)
from keystead.core.domain.difference import Difference, difference, kind_in_words, member_in_words
from keystead.core.domain.rule_words import operator_in_words
from keystead.core.domain.state import DomainState, operator_id
from keystead.core.domain.succession import approve
from keystead.core.protocols.coordination import Installed
from keystead.errors import OperatorError, PeerUnavailable, Refusal
from keystead.interfaces.cli.asking import ChangeOf
from keystead.interfaces.cli.domain import RequestOptions, Where
from keystead.primitives.openssh import OperatorKey
from keystead.primitives.randomness import SystemRandomness
from keystead.transport.coordinator_client import status as ask_status
from keystead.transport.domain_directory import DomainDirectory
from keystead.transport.unix import UnixNetwork

_PERSON: Final = "operator"
_KEY_MODE: Final = 0o600


class Governing(Receipts):
    """``DomainCommands``, ``OperatorCommands`` and ``ShredCommands`` of the command line."""

    def show_domain(self, where: Where, *, as_json: bool) -> int:
        """Print the whole state of the domain."""
        view = viewed(where)
        report = printing.state_report(view.state, view.hash)
        if as_json:
            printing.print_json(report)
        else:
            printing.print_state(report)
        return 0

    def domain_status(self, data: Path, *, as_json: bool) -> int:
        """Print what the coordinator knows."""
        enter(data.resolve())
        try:
            report = progress.status_report(asyncio.run(ask_status(UnixNetwork(), address(COORDINATOR))))
        except PeerUnavailable as error:
            raise OperatorError(f"the coordinator does not answer: {error}", "start keystead, or see its log") from None
        if as_json:
            printing.print_json(report)
        else:
            progress.print_status(report, HostClock().now())
        return 1 if report.installing is not None or report.waiting_for else 0

    def history(self, where: Where, *, as_json: bool) -> int:
        """Print every version."""
        reports = printing.version_reports(viewed(where).successors())
        if as_json:
            printing.print_json(reports)
        else:
            printing.print_history(reports)
        return 0

    def request(self, where: Where, change_of: ChangeOf, options: RequestOptions) -> int:
        """Write a request, or sign and install it at once."""
        view = viewed(where)
        try:
            change = change_of(view.state, requests.HostPeers(where.data))
        except Refusal as refusal:
            raise OperatorError(str(refusal), "keystead domain show has the names and ids") from None
        except PeerUnavailable as error:
            raise OperatorError(str(error), "see whether it runs, and its log") from None
        return self._requested(where, view, change, options)

    def request_module(self, where: Where, name: str, address: str, options: RequestOptions) -> int:
        """Write a request to let in the module that listens there."""
        view = viewed(where)
        try:
            member = requests.HostPeers(where.data).member(address, name)
        except (PeerUnavailable, Refusal) as error:
            raise OperatorError(f"no security module answers at {address}: {error}", "see whether it runs") from None
        tell(member_in_words(member))
        return self._requested(where, view, AddMember(member), options)

    def install(self, data: Path, approved: Path, key: Path | None, module: str | None) -> int:
        """Have a module make the token of an approved request, and the coordinator install it."""
        found = files.read_approved(approved)
        submitter = signing.load_key(data.resolve() / operator_key_file(_PERSON) if key is None else key)
        view = viewed(Where(data=data, directory=None, domain=None))
        try:
            approve(view.state, view.hash, found, HostClock().now())
        except Refusal as refusal:
            raise OperatorError(
                f"the request cannot be installed: {refusal}", "see keystead operator show and keystead domain history"
            ) from None
        return self._install(data, found, submitter, module)

    def show_request(self, where: Where, request: Path, *, as_json: bool) -> int:
        """Print exactly what the request changes."""
        view = viewed(where)
        _, decoded = files.read_request(request)
        report = printing.request_report(view.state, decoded, _judged(view, decoded), printing.date(decoded.expires))
        if as_json:
            printing.print_json(report)
        else:
            printing.print_request(report)
        return 0

    def sign(self, request: Path, key: Path | None, agent_key: Path | None, output: Path | None) -> int:
        """Sign the bytes of a request."""
        encoded, _ = files.read_request(request)
        if key is not None and agent_key is None:
            signature = signing.signed_with_file(key, encoded)
        elif agent_key is not None and key is None:
            signature = signing.signed_by_agent(agent_key, encoded)
        else:
            raise OperatorError("a signature needs one key", "give --key or --agent")
        target = output or files.beside(request, files.SIGNATURE)
        files.write_signature(target, signature)
        tell(f"signed: {target}")
        return 0

    def gather(self, where: Where, request: Path, signatures: list[Path], output: Path | None) -> int:
        """Join signatures, and tell whose are missing."""
        view = viewed(where)
        encoded, _ = files.read_request(request)
        found = ApprovedRequest(encoded, _once(files.read_signatures(signatures)))
        signed = _gathered(view, found)
        _tell_gathered(view.state, signed)
        if not signed.is_quorum:
            return 1
        target = output or files.beside(request, files.APPROVED)
        files.write_new(target, change_request.APPROVED_CODEC.encode(found))
        tell(f"approved: {target}; next: keystead domain install {target}")
        return 0

    def keygen(self, key: Path, comment: str) -> int:
        """Make an operator's key."""
        made = OperatorKey.generate(SystemRandomness(), comment)
        files.write_new(key, made.dump(), _KEY_MODE)
        files.write_new(files.beside(key, ".pub"), f"{made.public_line}\n".encode())
        tell(f"made {key} and {key}.pub")
        return 0

    def _requested(self, where: Where, view: DomainDirectory, change: DomainChange, options: RequestOptions) -> int:
        made = requests.make_request(view, change, options.lifetime)
        encoded = change_request.CODEC.encode(made)
        found = _judged(view, made)
        if options.sign_with:
            return self._signed_and_installed(where, view, encoded, options.sign_with)
        printing.print_request(printing.request_report(view.state, made, found, printing.date(made.expires)))
        name = f"{view.state.version + 1}-{kind_in_words(made.kind)}{files.REQUEST}"
        target = options.output or Path(name)
        files.write_new(target, encoded)
        tell(f"written: {target}; next: keystead operator sign {target}")
        return 0

    def _signed_and_installed(self, where: Where, view: DomainDirectory, encoded: bytes, keys: Sequence[Path]) -> int:
        signers = [signing.load_key(key) for key in keys]
        signatures = tuple(change_request.sign(encoded, operator_id(key.public), key) for key in signers)
        approved = ApprovedRequest(encoded, _once(signatures))
        signed = _gathered(view, approved)
        if not signed.is_quorum:
            _tell_gathered(view.state, signed)
            raise OperatorError(
                "these signatures are no quorum", "leave --sign-with out, and let the others sign the request's file"
            )
        return self._install(where.data, approved, signers[0], None)

    def _install(self, data: Path, approved: ApprovedRequest, key: OperatorKey, module: str | None) -> int:
        enter(data.resolve())
        try:
            if isinstance(change_request.CODEC.decode(approved.request).change, Abandon):
                version = asyncio.run(requests.abandoned(approved))
                show(f"version {version} is given up; keystead domain status tells when all have released it\n")
                return 0
            done = asyncio.run(_installed(approved, key, module))
        except (PeerUnavailable, Refusal) as error:
            raise OperatorError(
                f"the change was not installed: {error}", "keystead domain status tells who is waited for"
            ) from None
        show(f"version {done.version} is installed at every member\n")
        return 0


async def _installed(approved: ApprovedRequest, key: OperatorKey, module: str | None) -> Installed:
    with Console(stderr=True).status("a module makes the token, the coordinator installs it"):
        token = await requests.proposed(approved, requests.modules_here() if module is None else [module])
        return await requests.installed(token, operator_id(key.public), key)


def _judged(view: DomainDirectory, request: ChangeRequest) -> Difference:
    """Return what the request changes; raises OperatorError if it is for another state, or changes nothing."""
    if request.domain != view.state.domain:
        raise OperatorError("the request is for another domain", "look at it where that domain's documents are")
    if request.predecessor != view.hash:
        raise OperatorError(
            f"the request is not for version {view.state.version} of the domain",
            "copy the domain directory again, or make the request anew if the domain has changed since",
        )
    try:
        return difference(view.state, request)
    except Refusal as refusal:
        raise OperatorError(f"modules will refuse this request: {refusal}", "make another request") from None


def _gathered(view: DomainDirectory, approved: ApprovedRequest) -> Gathered:
    request = change_request.CODEC.decode(approved.request)
    _judged(view, request)
    try:
        return gathered(view.state, view.hash, request, approved, HostClock().now())
    except Refusal as refusal:
        raise OperatorError(
            f"modules will refuse this request: {refusal}", "leave the signature out, or make the request anew"
        ) from None


def _tell_gathered(state: DomainState, signed: Gathered) -> None:
    signers = ", ".join(operator_in_words(one, state) for one in sorted(signed.signers)) or "nobody"
    tell(f"signed by {signers}")
    if not signed.is_quorum:
        able = ", ".join(operator_in_words(one, state) for one in sorted(signed.able)) or "nobody"
        tell(f"no quorum yet; who could still add to it: {able}")


def _once(signatures: Sequence[OperatorSignature]) -> tuple[OperatorSignature, ...]:
    """Return one signature of each operator: a second one counts for nothing."""
    return tuple({one.operator: one for one in signatures}.values())
