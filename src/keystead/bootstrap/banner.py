"""What ``keystead up`` prints once keys can be used."""

from typing import Final

from keystead.bootstrap.endpoint import RootCredentials
from keystead.bootstrap.plan import Plan

ISOLATION: Final = "one user (development)"
"""How far the roles are kept apart when one supervisor runs them all."""


def banner(plan: Plan, credentials: RootCredentials, seconds: float) -> str:
    """Return the text."""
    environment = f'eval "$(keystead env --data {plan.data})"'
    return f"""\
keystead is ready ({seconds:.1f} s)
  endpoint     {plan.endpoint}
  region       {plan.region}
  account      {plan.account_id}
  access key   {credentials.access_key_id}
  secret key   {credentials.secret_access_key}
  data         {plan.data}
  isolation:   {ISOLATION}

try it in another shell:
  {environment}
  aws kms create-key --description "my first key"
  aws kms create-alias --alias-name alias/first --target-key-id KEY_ID
  aws kms encrypt --key-id alias/first --plaintext fileb://FILE --query CiphertextBlob --output text

"""
