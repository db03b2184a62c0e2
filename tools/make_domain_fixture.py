"""Make one real domain for the vectors of ``spec/genesis.md`` and ``spec/domain-token.md``.

Run it again when a format changes: ``python -m tools.make_domain_fixture``. The documents cannot be made twice alike,
because HPKE encapsulations and ML-DSA signatures are random by their standards; the vectors are derived from what was
made once, and nothing but examples is sealed here.
"""

import json
from pathlib import Path
from typing import Final

from keystead.core.domain import promise
from keystead.core.domain.change_request import AddDomainKey
from keystead.core.domain.quorum import Rules
from tests.simulators.parties import NOW, Parties, k_of, module, person

FIXTURE: Final = Path(__file__).parent / "domain_fixture.json"
_MODULES: Final = ("module-1", "module-2")


def made() -> dict[str, object]:
    """Return a genesis, two tokens that follow it, promises of the first, and the secrets of the modules."""
    ada = person("ada")
    parties = Parties([ada], _MODULES, Rules(k_of(1, ada)))
    genesis, origin = parties.genesis, parties.hash
    first = parties.token(parties.request(AddDomainKey()), ada)
    successor = parties.judged(first)
    promises = {
        name: promise.CODEC.encode(
            promise.promise(parties.state.domain, origin, successor.hash, module(name).id, module(name).signing)
        ).hex()
        for name in _MODULES
    }
    parties.follow(first)
    keys = {key.hex(): secret.view.hex() for key, secret in parties.keys.items()}
    return {
        "now": NOW,
        "genesis": genesis.hex(),
        "token": first.hex(),
        "next_token": parties.token(parties.request(AddDomainKey()), ada).hex(),
        "promises": promises,
        "domain_keys": keys,
        "modules": {
            name: {
                "signing": module(name).signing.secret().view.hex(),
                "sealing": module(name).sealing.secret().view.hex(),
            }
            for name in (*_MODULES, "module-3")
        },
    }


if __name__ == "__main__":
    FIXTURE.write_text(json.dumps(made(), indent=1) + "\n")
