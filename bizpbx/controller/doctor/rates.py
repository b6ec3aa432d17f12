"""Are there rates for what extensions that are limited by an amount may call?"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime

import phonenumbers

from bizpbx.controller.doctor.finding import Finding, warning
from bizpbx.directory import rates
from bizpbx.directory.database import Database
from bizpbx.policy.settings import OrganisationSettings, UsageLimitKind


def without_rate(database: Database, each: OrganisationSettings) -> Finding | None:
    """Without a rate an amount cannot be watched: such calls are refused, to the surprise of who allowed them."""
    limited = [one for one in each.extensions if one.usage_limit.kind is UsageLimitKind.AMOUNT and one.rule is not None]
    if not limited:
        return None
    with database.reading() as session:
        stored = rates.stored(session, each.organisation.id)
    counting = rates.in_force(stored, datetime.now(UTC)).values()
    priced = sorted(key.prefix for key in counting if stored[key] is not None)
    allowed = {country for one in limited if one.rule is not None for country, _ in one.rule.countries}
    missing = sorted(country for country in allowed if not covered(country, priced))
    if not missing:
        return None
    domain, keys = each.organisation.domain, [one.key for one in limited]
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    few = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    return warning(
        "rates",
        f"{domain}: {keys[0]}{more} may spend an amount a month and cannot call {few}, for want of a rate. Run "
        f"`bizpbx rate import FILE.csv --organisation {domain}`.",
    )


def covered(country: str, prefixes: Sequence[str]) -> bool:
    """Whether any number with the calling code of a country has one of these prefixes (sorted). A range of no country
    is not looked at."""
    code = str(phonenumbers.country_code_for_region(country.partition("-")[0]))
    if code == "0":
        return True
    position = bisect_left(prefixes, code)
    inside = position < len(prefixes) and prefixes[position].startswith(code)
    return inside or any(code[:length] in prefixes for length in range(1, len(code)))
