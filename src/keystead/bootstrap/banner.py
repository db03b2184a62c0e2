"""What ``keystead up`` prints once keys can be used."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from keystead.bootstrap.endpoint import RootCredentials
from keystead.bootstrap.plan import Plan

ISOLATION: Final = "one user (development)"
"""How far the roles are kept apart when one supervisor runs them all."""


def banner(plan: Plan, credentials: RootCredentials, seconds: float) -> str:
    """Return the text."""
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
  eval "$({_program()} env --data {shlex.quote(plan.data)})"
  aws kms create-alias --alias-name alias/first \\
      --target-key-id "$(aws kms create-key --query KeyMetadata.KeyId --output text)"
  aws kms encrypt --key-id alias/first --plaintext fileb:///etc/hostname --query CiphertextBlob --output text

"""


def _program() -> str:
    """Return how this program is called: by its name if the shell finds it so, else by its path."""
    beside_python = Path(sys.executable).with_name("keystead")
    return "keystead" if shutil.which("keystead") == str(beside_python) else shlex.quote(str(beside_python))
