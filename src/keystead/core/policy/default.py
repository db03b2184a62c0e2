"""The policy of a key that was made without one: the account's identity policies decide, its root user may all."""

from keystead.identifiers import AccountId, root_arn


def default_policy(account: AccountId) -> str:
    """Return the text, as the service writes it."""
    return f"""{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "{root_arn(account)}"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"""
