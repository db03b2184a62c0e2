"""What the ``X-Amz-Target`` of a request begins with: the operations of AWS KMS, and those beside them."""

from typing import Final

KMS: Final = "TrentService."
EXTENSION: Final = "Keystead."
"""The names of these operations begin with it too, so that none is ever taken for one of AWS KMS."""
