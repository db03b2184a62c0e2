"""Speaks the module session protocol (``spec/module-session.md``) on one connection."""

from keystead.components.security_module import control
from keystead.components.security_module.module import SecurityModule
from keystead.core.ports import Buffer, Link, LinkHandler
from keystead.core.protocols.module_session import messages
from keystead.core.protocols.module_session.connection import ModuleConnection
from keystead.core.protocols.module_session.messages import FRAME, GREETING_CALL, Call
from keystead.core.protocols.module_session.resealing import RESEAL, USAGE
from keystead.core.protocols.module_session.work import WORK, content_kind
from keystead.errors import FormatError, MayNotReseal, NotAMember, NotPermitted, Refusal
from keystead.identifiers import OperatorId
from keystead.primitives.secret import wipe


class ModuleHandler(LinkHandler):
    """The module's end of one connection."""

    def __init__(self, module: SecurityModule) -> None:
        """Belong to the module."""
        self._module = module
        self._connection = ModuleConnection(module.greeting())
        self._link: Link | None = None

    def opened(self, link: Link) -> None:
        """Greet."""
        self._link = link
        link.send(messages.encode_reply(GREETING_CALL, self._connection.greeting))

    def received(self, message: Buffer) -> None:
        """Answer a call or a frame; a refused frame, and what is neither, ends the connection."""
        link = self._link
        if link is None:
            return
        try:
            if messages.kind_of(message) == FRAME:
                link.send(self._served(message))
            else:
                link.send(self._answered(messages.decode_call(message)))
        except Refusal as refusal:
            self._module.journal.event("message refused", kind=type(refusal).__name__, reason=str(refusal))
            link.send(messages.encode_reply(GREETING_CALL, messages.refused(refusal)))
            link.close()
        except OSError as error:
            self._module.journal.event("disk failed", number=error.errno)
            link.close()
            self._module.halt()

    def closed(self) -> None:
        """Forget the connection's keys."""
        self._link = None
        self._connection.end()

    def _served(self, frame: Buffer) -> bytes:
        module = self._module
        now = module.clock.now()
        operator, content = self._connection.open(frame, module.operators, now)
        try:
            answer = self._work(content, operator, now)
        finally:
            wipe(content)
        try:
            return self._connection.seal(answer)
        finally:
            wipe(answer)

    def _work(self, content: bytearray, operator: OperatorId, now: int) -> bytearray:
        module = self._module
        if not module.in_service:  # the whole frame, so that who sent it asks another module
            raise NotAMember("the module is no active member of the domain")
        kind = content_kind(content)
        if kind == WORK:
            if operator not in module.serving:
                raise NotPermitted("the operator may not have work done")
            return module.executor.work(content, operator, now)
        if kind not in {RESEAL, USAGE}:
            raise FormatError("content of an unknown kind")
        if operator not in module.carrying:
            raise MayNotReseal("the operator may not have records sealed anew")
        return module.resealing.work(content, module.executor.served) if kind == RESEAL else module.usages(content)

    def _answered(self, call: Call) -> bytes:
        try:
            answer = control.answer(self._module, self._connection, call.request, self._module.clock.now())
        except Refusal as refusal:
            self._module.journal.event(
                "call refused",
                call=type(call.request).__name__,
                kind=type(refusal).__name__,
                reason=str(refusal),
            )
            answer = messages.refused(refusal)
        return messages.encode_reply(call.number, answer)
