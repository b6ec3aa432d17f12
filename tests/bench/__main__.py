"""Everything, one table after the other. `python -m tests.bench calls` measures one."""

from __future__ import annotations

import sys

from tests.bench import calls, decisions, esl, ledger, outgoing, rates, records, rendering
from tests.bench.table import show

BENCHES = {
    "esl": ("The event socket against greenswitch", esl.run),
    "calls": ("A call with a controller against a static dialplan", calls.run),
    "outgoing": ("An outgoing call with a controller against a static dialplan to the same carrier", outgoing.run),
    "decisions": ("Deciding a call", decisions.run),
    "rates": ("A deck of 50,000 prefixes", rates.run),
    "ledger": ("Taking and settling what calls may talk", ledger.run),
    "records": ("Putting leg records into the database", records.run),
    "rendering": ("Rendering the tree of a switch and parsing it back", rendering.run),
}

for name in sys.argv[1:] or BENCHES:
    title, measure = BENCHES[name]
    show(title, measure())
