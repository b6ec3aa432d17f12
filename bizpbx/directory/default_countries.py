"""The countries of a new outbound rule that says nothing of countries: data, in default_countries.yaml."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bizpbx import validation
from bizpbx.directory import yaml_text
from bizpbx.errors import ConfigurationError, InvalidSettings, InvalidText

FILE = Path(__file__).with_suffix(".yaml")


@cache
def default_countries() -> tuple[str, ...]:
    """ISO letters. Raises ConfigurationError if somebody edited the file into something else."""
    try:
        listed = yaml_text.load(FILE.read_bytes())
        if not isinstance(listed, list):
            raise ConfigurationError(f"{FILE} must hold a list of countries.")
        return tuple(validation.country(str(one)) for one in listed)
    except (OSError, InvalidSettings, InvalidText) as error:
        raise ConfigurationError(f"{FILE} cannot be used: {error}") from None
