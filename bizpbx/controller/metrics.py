"""What /metrics tells. The registry is the one thing of a process that is global."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

PASSCODE_WRONG: Final = Counter("bizpbx_passcode_wrong", "Wrong passcodes keyed in.", ["organisation"])
PASSCODE_LOCKED: Final = Counter("bizpbx_passcode_locked", "Passcodes locked after wrong ones.", ["organisation"])
