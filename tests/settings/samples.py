"""Settings that tests start from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import yaml
from cryptography.fernet import Fernet

from bizpbx.directory.apply import Applied, apply
from bizpbx.directory.database import Database
from bizpbx.directory.parsing import parse
from bizpbx.directory.secrets import Secrets

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECRETS = Secrets(Fernet.generate_key().decode())


def example(domain: str = "acme.example", did: str = "+6564291310") -> dict[str, Any]:
    """The worked example of the product, with one of everything."""
    return {
        "organisation": {
            "name": "Acme",
            "domain": domain,
            "timezone": "Asia/Singapore",
            "country": "SG",
            "currency": "SGD",
            "default_rule": "Standard",
            "main_number": did,
        },
        "members": [{"email": "ann@acme.example", "name": "Ann", "role": "admin", "mobile": "+6591234567"}],
        "licences": {"ip_phone": 4, "mobile": 1, "desktop": 0},
        "numbers": [{"number": did, "to": "100"}],
        "gateways": [
            {
                "name": "carrier",
                "host": "192.0.2.10",
                "port": 5090,
                "username": "acme",
                "password": "s3cret!",
                "trunk": True,
            }
        ],
        "outbound_rules": [
            {
                "name": "Standard",
                "gateway": "carrier",
                "dial_plan": [{"starts_with": ["3", "6", "8", "9"], "length": 8, "strip": 0, "prepend": "65"}],
                "countries": {"SG": "allowed", "NO": "allowed", "AF": "passcode"},
            }
        ],
        "extensions": [
            {
                "key": "100",
                "label": "Reception",
                "assignee": "ann@acme.example",
                "role": "admin",
                "devices": {"ip_phone": {}, "mobile": {}},
                "incoming": {
                    "forwarding": {
                        "enabled": True,
                        "extensions": ["101", "102", "103"],
                        "vip": ["+6531234567", "+6569876543", "103"],
                    }
                },
                "caller_id": {"number": did},
            },
            {"key": "101", "label": "Sales", "devices": {"ip_phone": {"tls": True}}},
            {"key": "102", "label": "Support", "devices": {"ip_phone": {}}},
            {"key": "103", "label": "Queue", "type": "call_center", "devices": {"ip_phone": {"active": False}}},
        ],
    }


def applied(database: Database, data: object, **options: Any) -> Applied:
    """Apply data as if it came from a file."""
    options = {"actor": "tester", "at": NOON, "secrets": lambda: SECRETS} | options
    return apply(database, parse(yaml.safe_dump(data).encode()), **options)
