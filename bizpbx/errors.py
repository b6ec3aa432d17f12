"""Every error a user can meet. One root, one class a failure; `code` is stable, `str(error)` says what to do next."""

from __future__ import annotations

from typing import ClassVar


class BizpbxError(Exception):
    """Root of all errors that are meant for people. The command line prints the sentence and exits with 1."""

    code: ClassVar[str] = "error"


class InvalidText(BizpbxError):
    """A text from outside that the validator refuses. `field` is the path to it, such as `extensions[2].label`."""

    code = "invalid-text"

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(f"{field}: {sentence}" if field else sentence)
        self.sentence = sentence
        self.field = field

    def at(self, field: str) -> InvalidText:
        """The same refusal, told where it was found."""
        return type(self)(self.sentence, field)


class InvalidSettings(BizpbxError):
    """A settings file, or a value for a setting, that cannot be taken. `problems` are (field path, code, sentence)."""

    code = "invalid-settings"

    def __init__(self, problems: list[tuple[str, str, str]]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{path}: {sentence} [{code}]" for path, code, sentence in problems))


class NotFound(BizpbxError):
    """A thing that was named does not exist in this organisation."""

    code = "not-found"

    def __init__(self, noun: str, name: str, hint: str = "") -> None:
        self.noun = noun
        self.name = name
        super().__init__(f"There is no {noun} {name!r}." + (f" {hint}" if hint else ""))


class Refused(BizpbxError):
    """A change that a rule of the product forbids. The sentence names the rule and the way out."""

    code = "refused"


class NoFreeLicence(Refused):
    """A device cannot be activated because every licence of its kind is taken."""

    code = "no-free-licence"


class NotSpoken(BizpbxError):
    """A text cannot be made into sound: no engine, no such voice, or nothing that can be heard."""

    code = "not-spoken"


class NotPlayable(BizpbxError):
    """A file that was uploaded is not the sound that it should be."""

    code = "not-playable"


class StoreError(BizpbxError):
    """The file store did not take or give a file. It may do so later."""

    code = "store"


class NotStored(StoreError):
    """The file store has no such file, and will not have it later."""

    code = "not-stored"


class Damaged(StoreError):
    """The file store has another file under this name than the one that was put there."""

    code = "damaged"


class ConfigurationError(BizpbxError):
    """The environment or the installation is not usable as it is."""

    code = "configuration"


class NotReady(BizpbxError):
    """The database has not been initialised, or is at another version than this program."""

    code = "not-ready"
