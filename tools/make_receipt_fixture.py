"""Make one real receipt for the vectors of ``spec/shredding.md``: ``python -m tools.make_receipt_fixture``.

It cannot be made twice alike, because ML-DSA signatures and HPKE encapsulations are random by their standards.
"""

import json
from pathlib import Path
from typing import Final

from tests.simulators.shredded import ShreddedKey

FIXTURE: Final = Path(__file__).parent / "receipt_fixture.json"


def made() -> dict[str, object]:
    """Return a domain's documents, and the receipt of a key that was shredded in it."""
    story = ShreddedKey().rotate()
    return {
        "genesis": story.domain.genesis.hex(),
        "tokens": [token.hex() for token in story.tokens],
        "receipt": story.receipt().hex(),
    }


if __name__ == "__main__":
    FIXTURE.write_text(json.dumps(made(), indent=1) + "\n")
