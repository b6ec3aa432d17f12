"""The configuration tree of FreeSWITCH, read the way FreeSWITCH reads it: preprocessed as text, then parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from lxml import etree

from bizpbx.simulator.records import RecordSettings
from bizpbx.simulator.text import is_true

_PARSER = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True, remove_comments=True)
_INSTRUCTION = re.compile(r'<X-PRE-PROCESS\s+cmd="([^"]*)"\s+data="([^"]*)"\s*/?>', re.IGNORECASE)
_GLOBAL = re.compile(r"\$\$\{([^}]*)\}")
_WRAPPER = re.compile(r"</?include\s*>")


@dataclass(frozen=True)
class Gateway:
    """A SIP account outside, as mod_sofia is told of it. `proxy` is `host` or `host:port`."""

    name: str
    proxy: str
    context: str
    extension: str = ""
    registers: bool = False

    @property
    def host(self) -> str:
        return self.proxy.split(";")[0].partition(":")[0]

    @property
    def port(self) -> int:
        port = self.proxy.split(";")[0].partition(":")[2]
        return int(port) if port.isdigit() else 5060


@dataclass(frozen=True)
class Binding:
    """One address that mod_xml_curl asks for directory entries."""

    url: str
    credentials: str = field(default="", repr=False)
    """`user:password` of basic authentication."""
    timeout: float = 5.0
    """Seconds. FreeSWITCH itself has no limit unless one is set."""
    posted: frozenset[str] = frozenset()
    """Fields that are sent, if the binding names any."""


@dataclass(frozen=True)
class Configuration:
    """What the simulator takes from the tree."""

    contexts: dict[str, etree._Element] = field(default_factory=dict)
    domains: dict[str, etree._Element] = field(default_factory=dict)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    contexts_of_profiles: dict[str, str] = field(default_factory=dict)
    bindings: tuple[Binding, ...] = ()
    """In the order in which they are asked."""
    globals: dict[str, str] = field(default_factory=dict)
    records: RecordSettings = field(default_factory=RecordSettings)
    switch_name: str = ""


def load(tree: Path) -> Configuration:
    """Read a tree that starts at `freeswitch.xml`, as `bizpbx render` writes it."""
    values: dict[str, str] = {"conf_dir": str(tree)}
    text = _preprocess((tree / "freeswitch.xml").read_text(), tree, values)
    return parse(text, values)


def parse(text: str, values: dict[str, str] | None = None) -> Configuration:
    """Read one whole document that needs no preprocessing any more."""
    root = etree.fromstring(text.encode(), _PARSER)
    found = Configuration(globals=values or {})
    for context in root.iterfind("section[@name='dialplan']//context"):
        found.contexts.setdefault(context.get("name", ""), context)
    for domain in root.iterfind("section[@name='directory']//domain"):
        found.domains.setdefault(domain.get("name", ""), domain)
    for profile in root.iterfind(".//profile"):
        _read_profile(profile, found)
    bindings = root.iterfind(".//configuration[@name='xml_curl.conf']//binding")
    return replace(
        found,
        bindings=tuple(one for binding in bindings if (one := _binding(binding)) is not None),
        records=_records(root),
        switch_name=_param(root, "switch.conf", "switchname") or "",
    )


def _records(root: etree._Element) -> RecordSettings:
    folder = _param(root, "xml_cdr.conf", "log-dir")
    loaded = root.find(".//load[@module='mod_xml_cdr']") is not None
    if not loaded or folder is None or not folder.startswith("/"):
        return RecordSettings()
    return RecordSettings(Path(folder), is_true(_param(root, "xml_cdr.conf", "log-b-leg") or "true"))


def _param(root: etree._Element, configuration: str, name: str) -> str | None:
    found = root.find(f".//configuration[@name='{configuration}']/settings/param[@name='{name}']")
    return None if found is None else found.get("value")


def _binding(element: etree._Element) -> Binding | None:
    params = [(param.get("name", ""), param.get("value", "")) for param in element.iterfind("param")]
    url = element.find("param[@name='gateway-url']")
    if url is None or "directory" not in url.get("bindings", ""):
        return None
    values = dict(params)
    return Binding(
        url.get("value", ""),
        values.get("gateway-credentials", ""),
        float(values.get("timeout", "5")),
        frozenset(value for name, value in params if name == "enable-post-var"),
    )


def _read_profile(profile: etree._Element, found: Configuration) -> None:
    name = profile.get("name", "")
    for param in profile.iterfind("settings/param[@name='context']"):
        found.contexts_of_profiles[name] = param.get("value", "")
    for gateway in profile.iterfind(".//gateway"):
        params = {param.get("name", ""): param.get("value", "") for param in gateway.iterfind("param")}
        gateway_name = gateway.get("name", "")
        found.gateways[gateway_name] = Gateway(
            gateway_name,
            params.get("proxy", params.get("realm", "")),
            params.get("context", "default"),
            params.get("extension", ""),
            params.get("register") == "true",
        )


def _preprocess(text: str, folder: Path, values: dict[str, str]) -> str:
    lines = []
    for line in text.splitlines():
        line = _GLOBAL.sub(lambda found: values.get(found[1], ""), line)
        if "<?" in line:
            continue
        instruction = _INSTRUCTION.search(line)
        if instruction is None:
            lines.append(_WRAPPER.sub("", line))
            continue
        command, data = instruction[1].lower(), instruction[2]
        if command == "set":
            name, _, value = data.partition("=")
            values[name] = value
        elif command == "include":
            before, after = line[: instruction.start()], line[instruction.end() :]
            lines.append(before + _included(data, folder, values) + after)
    return "\n".join(lines)


def _included(pattern: str, folder: Path, values: dict[str, str]) -> str:
    base, relative = (Path("/"), pattern.lstrip("/")) if pattern.startswith("/") else (folder, pattern)
    files = sorted(base.glob(relative))
    return "\n".join(_preprocess(file.read_text(), file.parent, values) for file in files)
