"""The domain as the coordinator's own sessions see it: what every member has."""

from keystead.core.domain.ledger import Ledger
from keystead.core.domain.state import DomainState
from keystead.identifiers import DomainId


class LedgerView:
    """Reads a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        """Take the ledger."""
        self._ledger = ledger

    @property
    def domain(self) -> DomainId:
        """The domain's id."""
        return self.state.domain_id

    @property
    def state(self) -> DomainState:
        """The newest state that every member has."""
        return self._ledger.installed[0]
