"""Principals: who asks, and whom a policy names (``spec/policy.md``, Principals)."""

import re
from enum import IntEnum
from functools import lru_cache
from typing import Final

import msgspec

from keystead.core.policy.malformed import malformed
from keystead.errors import FormatError, ServiceError
from keystead.identifiers import PARTITION, AccountId, is_account_id, root_arn

_NAME: Final = r"[\w+=,.@-]{1,64}"
_PATH: Final = r"(?:[!-~]{1,510}/)?"
_IAM: Final = rf"arn:{PARTITION}:iam::[0-9]{{12}}"
_STS: Final = rf"arn:{PARTITION}:sts::[0-9]{{12}}"
_SERVICE: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_PROVIDER: Final = re.compile(rf"{_IAM}:(?:oidc|saml)-provider/[!-~]{{1,255}}|{_SERVICE.pattern}")
_ROOT: Final = re.compile(rf"{_IAM}:root")
_USER: Final = re.compile(rf"{_IAM}:user/{_PATH}{_NAME}|{_STS}:federated-user/{_NAME}", re.ASCII)
_ROLE: Final = re.compile(rf"{_IAM}:role/{_PATH}({_NAME})", re.ASCII)
_SESSION: Final = re.compile(rf"{_STS}:assumed-role/({_NAME})/{_NAME}", re.ASCII)
_UNIQUE_ID: Final = re.compile(r"(?:AIDA|AROA)[A-Z0-9]{12,124}")
_LISTED: Final = (_USER, _ROLE, _SESSION, _UNIQUE_ID)


class Naming(IntEnum):
    """How a policy names a principal, from not at all to most directly."""

    NOT = 0
    ACCOUNT = 1
    """By its account, which leaves the decision to identity policies."""
    GENERALLY = 2
    """As anyone, or by the role or the identity provider behind the session."""
    DIRECTLY = 3
    """By the ARN or unique id of this very user or session."""


_NOT, _ACCOUNT, _GENERALLY, _DIRECTLY = Naming  # reading a name is faster than reading a member


class Principal(msgspec.Struct, frozen=True, gc=False):
    """Who asks: a user, a session, or the root user of an account."""

    arn: str
    account: AccountId
    direct: frozenset[str] = frozenset()
    """What names this very principal; nothing for a root user, whom only the account names."""
    general: frozenset[str] = frozenset()
    """What names the role and the identity provider behind a session."""


@lru_cache(maxsize=4096)
def principal(
    arn: str, *, role: str | None = None, unique_id: str | None = None, provider: str | None = None
) -> Principal:
    """Return the principal of an ARN that the authentication service vouched for.

    ``role`` is the ARN, with its path, of the role behind a session: needed there, forbidden elsewhere. ``unique_id``
    is that of the user, or of the session's role; ``provider`` is the identity provider that opened the session.

    Raises:
        FormatError: the ARN is none that can ask, or the role is not the session's.
    """
    account = AccountId(arn.split(":", 5)[4]) if arn.count(":") > 4 else AccountId("")  # noqa: PLR2004, parts of an ARN
    if _ROOT.fullmatch(arn) and role is unique_id is provider is None:
        return Principal(arn, account)
    if _USER.fullmatch(arn) and role is None:
        return Principal(arn, account, _these(arn, unique_id), _these(_federated(provider)))
    session, behind = _SESSION.fullmatch(arn), _ROLE.fullmatch(role or "")
    if session is None or behind is None or session[1] != behind[1] or f"::{account}:" not in behind[0]:
        raise FormatError("not the ARN of a principal that can ask")
    return Principal(arn, account, _these(arn), _these(role, unique_id, _federated(provider)))


def _these(*names: str | None) -> frozenset[str]:
    return frozenset(name for name in names if name is not None)


def _federated(provider: str | None) -> str | None:
    return None if provider is None else f"Federated {provider}"


class Principals(msgspec.Struct, frozen=True, gc=False):
    """Whom an element Principal or NotPrincipal lists, or whom a grant is for."""

    everyone: bool
    accounts: frozenset[str]
    names: frozenset[str]
    """ARNs and unique ids; providers and services with the word for their kind before them."""

    def naming(self, asks: Principal) -> Naming:
        """Return how this lists the principal."""
        if self.names:
            if not self.names.isdisjoint(asks.direct):
                return _DIRECTLY
            if not self.names.isdisjoint(asks.general):
                return _GENERALLY
        if self.everyone:
            return _GENERALLY
        return _ACCOUNT if asks.account in self.accounts else _NOT

    def lists_wholly(self, asks: Principal) -> bool:
        """Whether everything that the principal acts as is listed: its account, and the user, or session and role."""
        return asks.account in self.accounts and all(
            not acts_as or not self.names.isdisjoint(acts_as) for acts_as in (asks.direct, asks.general)
        )


def principals(element: object) -> Principals:
    """Return whom a Principal or NotPrincipal element lists.

    Raises:
        ServiceError: MalformedPolicyDocumentException unless it lists principals, all of them well formed.
    """
    if element == "*":
        return _listing("*")
    if not isinstance(element, dict) or not element:
        raise invalid_principals()
    names: list[str] = []
    for kind, written in element.items():
        texts = written if isinstance(written, list) else [written]
        if not texts:
            raise invalid_principals()
        names += [_listed(kind, text) for text in texts]
    return _listing(*names)


@lru_cache(maxsize=4096)
def grantee(text: str) -> Principals:
    """Return whom a grant names: an account, a user, a role or a session.

    Raises:
        ServiceError: MalformedPolicyDocumentException if it names no principal, or anyone.
    """
    if text == "*":
        raise invalid_principals()
    return _listing(_listed("AWS", text))


def invalid_principals() -> ServiceError:
    """Return the error for a principal that cannot be."""
    return malformed("Policy contains a statement with one or more invalid principals.")


def _listing(*names: str) -> Principals:
    accounts = frozenset(name for name in names if is_account_id(name))
    return Principals("*" in names, accounts, frozenset(names) - accounts - {"*"})


def _listed(kind: str, text: object) -> str:
    if type(text) is not str:
        raise invalid_principals()
    match kind:
        case "AWS" if _ROOT.fullmatch(text):
            return text.split(":")[4]
        case "AWS" if text == "*" or is_account_id(text) or any(form.fullmatch(text) for form in _LISTED):
            return text
        case "Federated" if _PROVIDER.fullmatch(text):
            return f"Federated {text}"
        case "Service" if _SERVICE.fullmatch(text):
            return f"Service {text}"
    raise invalid_principals()


def root_user(account: AccountId) -> Principal:
    """Return the root user of an account."""
    return principal(root_arn(account))
