"""How a refusal is told: a sentence with its code on stderr, and as JSON on stdout where that was asked for."""

from __future__ import annotations

import sys
from typing import Any

from bizpbx.errors import BizpbxError, InvalidSettings


def tell(error: BizpbxError, *, as_json: bool) -> None:
    if as_json:
        from bizpbx.cli.frame.output import print_json

        print_json({"error": described(error)})
    suffix = "" if isinstance(error, InvalidSettings) else f" [{error.code}]"
    print(f"{error}{suffix}", file=sys.stderr)


def described(error: BizpbxError) -> dict[str, Any]:
    told: dict[str, Any] = {"code": error.code, "message": str(error)}
    if isinstance(error, InvalidSettings):
        told["problems"] = [
            {"path": path, "code": code, "message": sentence} for path, code, sentence in error.problems
        ]
    return told
