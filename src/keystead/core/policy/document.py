"""Policy documents: from text to a value, in one strict grammar (``spec/policy.md``, Grammar).

What the grammar does not know is refused, so that no statement is stored that its author and the evaluator read
differently. A document that was parsed can be evaluated.
"""

import json
import re
from enum import Enum
from typing import Final, NoReturn

import msgspec

from keystead.core.policy.conditions import Condition, Number, conditions
from keystead.core.policy.malformed import malformed
from keystead.core.policy.principals import Principals, principals
from keystead.core.policy.resources import resource
from keystead.errors import ServiceError

MAX_SIZE: Final = 32_768
"""Bytes of a policy in UTF-8."""
VERSIONS: Final = ("2008-10-17", "2012-10-17")
_FOREIGN: Final = re.compile(r"[^\t\n\r\u0020-\u00ff]")
_ACTION: Final = re.compile(r"\*|(?:[A-Za-z0-9-]{1,64}|\*):[A-Za-z0-9*?]{1,128}")
_DOCUMENT: Final = frozenset({"Version", "Id", "Statement"})
_STATEMENT: Final = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)


class PolicyKind(Enum):
    """What a policy is attached to; the value is what the service calls it."""

    KEY = "resource-based policy"
    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    """The most that identity policies can give to a user or role."""
    SESSION = "session policy"
    """The most that a session can use of what its role or user has."""


class Effect(Enum):
    """What a statement does for the requests that it matches."""

    ALLOW = "Allow"
    DENY = "Deny"


class Listed(msgspec.Struct, frozen=True, gc=False):
    """The texts of an element, such as Action, or of its opposite, such as NotAction."""

    texts: tuple[str, ...]
    negated: bool = False


class Statement(msgspec.Struct, frozen=True, gc=False):
    """One statement; without action or resource it matches no request."""

    effect: Effect
    sid: str | None = None
    principals: Principals | None = None
    """None in policies that are attached to who asks."""
    all_but_principals: bool = False
    """Whether the principals are those of NotPrincipal."""
    actions: Listed | None = None
    resources: Listed | None = None
    conditions: tuple[Condition, ...] = ()


class PolicyDocument(msgspec.Struct, frozen=True, gc=False):
    """What a policy says."""

    kind: PolicyKind
    statements: tuple[Statement, ...]
    id: str | None = None
    version: str = VERSIONS[0]

    @property
    def variables(self) -> bool:
        """Whether texts may hold policy variables."""
        return self.version != VERSIONS[0]


def parse(text: str | bytes, kind: PolicyKind = PolicyKind.KEY) -> PolicyDocument:
    """Return what the text of a policy says.

    Raises:
        ServiceError: LimitExceededException for more than 32,768 bytes, else MalformedPolicyDocumentException with what
            is wrong.
    """
    document = _only(_json(_admitted(text)), _DOCUMENT, "The policy")
    version = document.get("Version", VERSIONS[0])
    if version not in VERSIONS:
        raise malformed("The policy has a Version that does not exist.")
    written = document.get("Statement")
    statements = written if isinstance(written, list) else [written]
    if not statements:
        raise malformed("The policy has no statement.")
    variables = version != VERSIONS[0]
    return PolicyDocument(
        kind, tuple(_statement(one, kind, variables) for one in statements), _text(document, "Id"), str(version)
    )


def _admitted(text: str | bytes) -> str:
    try:
        octets = text if isinstance(text, bytes) else text.encode()
        characters = octets.decode()
    except UnicodeError:
        raise malformed("The policy is not text in UTF-8.") from None
    if len(octets) > MAX_SIZE:
        raise ServiceError("LimitExceededException", f"The policy is longer than {MAX_SIZE} bytes.")
    if _FOREIGN.search(characters):
        raise malformed("The policy has a character that is not tab, line feed, carriage return or U+0020 to U+00FF.")
    return characters


def _json(text: str) -> object:
    try:
        value: object = _decoder.decode(text)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise malformed("The policy is not one JSON value.") from None
    return value


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise malformed("The policy has two members of one name in one object.")
    return members


def _no_constant(_name: str) -> NoReturn:
    raise ValueError


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=Number, parse_float=Number, parse_constant=_no_constant
)


def _only(value: object, known: frozenset[str], where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise malformed(f"{where} is no object.")
    if not value.keys() <= known:
        raise malformed(f"{where} has an element that does not exist.")
    return value


def _statement(written: object, kind: PolicyKind, variables: bool) -> Statement:  # noqa: FBT001, given by place
    members = _only(written, _STATEMENT, "A statement")
    effect = members.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise malformed("A statement has no Effect of Allow or Deny.")
    listed, all_but = _principals(members, kind)
    actions, resources = _listed(members, "Action"), _listed(members, "Resource")
    if kind is not PolicyKind.KEY and (actions is None or resources is None):
        raise malformed("A statement has no Action or no Resource.")
    for action in actions.texts if actions else ():
        if not _ACTION.fullmatch(action):
            raise malformed("A statement has an action that is not of the form kms:Name.")
    for text in resources.texts if resources else ():
        resource(text, variables=variables)
    return Statement(
        Effect(effect),
        _text(members, "Sid"),
        listed,
        all_but,
        actions,
        resources,
        conditions(members.get("Condition", {}), variables=variables),
    )


def _principals(members: dict[str, object], kind: PolicyKind) -> tuple[Principals | None, bool]:
    written = [name for name in ("Principal", "NotPrincipal") if name in members]
    if kind is not PolicyKind.KEY:
        if written:
            raise malformed("Policy document should not specify a principal.")
        return None, False
    if len(written) != 1:
        raise malformed("A statement has neither Principal nor NotPrincipal, or both.")
    listed, all_but = principals(members[written[0]]), written == ["NotPrincipal"]
    if all_but and listed.everyone:
        raise malformed("A statement excepts everyone.")
    return listed, all_but


def _listed(members: dict[str, object], name: str) -> Listed | None:
    opposite = f"Not{name}"
    if name in members and opposite in members:
        raise malformed(f"A statement has both {name} and {opposite}.")
    negated = opposite in members
    if not negated and name not in members:
        return None
    written = members[opposite if negated else name]
    return Listed(_texts(written, name), negated)


def _texts(written: object, name: str) -> tuple[str, ...]:
    texts = written if isinstance(written, list) else [written]
    known = tuple(text for text in texts if type(text) is str)
    if not known or len(known) != len(texts):
        raise malformed(f"The element {name} is no string and no list of strings.")
    return known


def _text(members: dict[str, object], name: str) -> str | None:
    value = members.get(name)
    if name in members and type(value) is not str:
        raise malformed(f"The element {name} is no string.")
    return value if isinstance(value, str) else None
