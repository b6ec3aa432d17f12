"""Clients of AWS, and of what speaks its protocols. Credentials and region come from where boto3 finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

CONNECT: Final = 5
READ: Final = 20
"""Seconds for a connection, and for each answer."""


def client(service: str, endpoint: str | None, tries: int, **config: Any) -> Any:
    """One that asks so often before it gives up. Raises botocore.exceptions.BotoCoreError."""
    import boto3  # takes longer to import than most commands run
    from botocore.config import Config

    retries = {"mode": "standard", "total_max_attempts": tries}
    settings = Config(connect_timeout=CONNECT, read_timeout=READ, retries=retries, **config)
    return boto3.client(service, endpoint_url=endpoint, config=settings)


def code(error: ClientError) -> str:
    """What a service calls its refusal."""
    return str(error.response.get("Error", {}).get("Code", ""))


def words(error: ClientError) -> str:
    """The same with the service's own words, without a full stop."""
    said = str(error.response.get("Error", {}).get("Message", "")).rstrip(" .")
    return f"{code(error)} {said}".strip()
