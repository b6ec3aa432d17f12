"""Adding to a configuration that exists."""

from __future__ import annotations

from pathlib import Path

from bizpbx.freeswitch.rendering import SwitchParameters, check, manual_steps, render_into, write
from bizpbx.freeswitch.rendering.into import STEPS
from tests.rendering.samples import organisation

PARAMETERS = SwitchParameters(esl_password="secret-of-this-test")

EXISTING = {
    "freeswitch.xml": '<document type="freeswitch/xml"/>',
    "autoload_configs/modules.conf.xml": '<configuration><!-- <load module="mod_xml_curl"/> --></configuration>',
    "autoload_configs/switch.conf.xml": '<configuration><param name="api-expansion" value="false"/></configuration>',
    "sip_profiles/internal.xml": '<profile><param name="force-register-domain" value="$${domain}"/></profile>',
    "sip_profiles/external.xml": '<profile><param name="context" value="public"/></profile>',
}


def test_only_files_of_our_own_are_added(tmp_path: Path) -> None:
    for name, text in EXISTING.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    tree = render_into(PARAMETERS, [organisation()])
    assert check(tree) == []
    write(tree, tmp_path)
    assert {name: (tmp_path / name).read_text() for name in EXISTING} == EXISTING
    assert all(path.name.startswith("bizpbx-") for path in tree)
    assert PARAMETERS.esl_password not in "".join(tree.values())


def test_what_is_left_to_do_by_hand_is_told_until_it_is_done(tmp_path: Path) -> None:
    assert manual_steps(tmp_path) == list(STEPS)
    for name, text in EXISTING.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    left = {(str(step.path), step.change) for step in manual_steps(tmp_path)}
    assert ("autoload_configs/modules.conf.xml", '<load module="mod_xml_curl"/>') in left, "a comment does not count"
    assert ("sip_profiles/internal.xml", 'no <param name="force-register-domain" …/>') in left
    assert not [path for path, _ in left if path == "autoload_configs/switch.conf.xml"]
