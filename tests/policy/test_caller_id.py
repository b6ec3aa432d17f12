"""What each target is shown (product §5)."""

from dataclasses import replace

from bizpbx.policy.settings import Extension, Forwarding, OnForward
from tests.policy.tenant import (
    extension,
    forwarding,
    from_inside,
    from_outside,
    gateway_targets,
    ring_of,
    shown_to,
    tenant,
    who_rings,
)

MOBILE = "+6581112222"


def boss(on_forward: OnForward = OnForward.EXTENSION, **settings: object) -> Extension:
    return extension("100", forwarding=forwarding("101", number=MOBILE), on_forward=on_forward, **settings)


def test_a_caller_from_outside_is_shown_with_number_and_name() -> None:
    plan = from_outside(tenant(extension("100")), "91112222", name="Ann ${x}\r\nLee")

    assert shown_to(plan, "100-ip_phone") == "+6591112222"
    assert ring_of(plan).caller_name == "Ann {x} Lee"
    assert not ring_of(plan).withheld


def test_a_caller_without_a_name_is_shown_by_number() -> None:
    assert ring_of(from_outside(tenant(extension("100")), "+6591112222", name="\u200b")).caller_name == "+6591112222"


def test_of_a_withheld_caller_neither_number_nor_name_is_shown() -> None:
    for number, withheld in (("+6591112222", True), ("anonymous", False), (None, False)):
        plan = from_outside(tenant(extension("100")), number, name="Ann Lee", withheld=withheld)

        assert shown_to(plan, "100-ip_phone") == "anonymous"
        assert ring_of(plan).caller_name == "Anonymous"
        assert ring_of(plan).withheld
        assert not any("91112222" in reason.text or "Ann" in reason.text for reason in plan.reasons)


def test_a_forward_shows_the_key_inside_and_the_assigned_caller_id_outside() -> None:
    plan = from_outside(tenant(boss(caller_id="+6564291399"), extension("101")), "+6591112222", name="Ann")

    assert shown_to(plan, "101-ip_phone") == "100"
    assert shown_to(plan, MOBILE) == "+6564291399"
    assert ring_of(plan).caller_name == "Desk 100"
    assert ring_of(plan).diverted_by == "+6564291399"


def test_without_an_assigned_caller_id_the_main_number_is_shown_outside() -> None:
    assert shown_to(from_outside(tenant(boss()), None), MOBILE) == "+6564291310"


def test_a_forward_to_a_number_only_keeps_the_label_inside() -> None:
    owner = extension("100", forwarding=forwarding(number=MOBILE))

    assert ring_of(from_outside(tenant(owner), "+6591112222")).caller_name == "+6564291310"


def test_a_forward_can_show_the_caller_s_number() -> None:
    plan = from_outside(tenant(boss(OnForward.CALLER), extension("101")), "+6591112222", name="Ann")

    assert {shown_to(plan, name) for name in who_rings(plan)} == {"+6591112222"}
    assert ring_of(plan).caller_name == "Ann"
    assert ring_of(plan).diverted_by == "+6564291310"


def test_a_caller_inside_is_shown_outside_with_a_number_not_a_key() -> None:
    acme = tenant(boss(OnForward.CALLER), extension("101"), extension("102", caller_id="+6564291398"))

    plan = from_inside(acme, "102", "100")

    assert shown_to(plan, "101-ip_phone") == "102"
    assert shown_to(plan, MOBILE) == "+6564291398"


def test_a_withheld_caller_stays_withheld_when_a_forward_shows_the_caller() -> None:
    plan = from_outside(tenant(boss(OnForward.CALLER), extension("101")), "+6591112222", withheld=True)

    assert {shown_to(plan, name) for name in who_rings(plan)} == {"anonymous"}
    assert ring_of(plan).withheld


def test_a_forward_that_shows_the_extension_withholds_nothing() -> None:
    assert not ring_of(from_outside(tenant(boss()), None)).withheld


def test_a_caller_id_that_is_no_number_is_not_presented() -> None:
    plan = from_inside(tenant(extension("100", caller_id="sales;x")), "100", "61234567")

    assert gateway_targets(plan)[0].number == "+6564291310"


def test_without_a_caller_id_an_inside_forward_names_the_key_that_diverted() -> None:
    owner = extension("100", forwarding=forwarding("101"))
    plan = from_inside(tenant(owner, extension("101"), extension("102"), main_number=None), "102", "100")

    assert ring_of(plan).diverted_by == "100"


def test_a_number_is_not_called_in_its_own_name() -> None:
    """Networks take that for its owner, who wants to hear his voicemail."""
    own = extension("100", caller_id=MOBILE, forwarding=forwarding(number=MOBILE))
    drawn = replace(own, caller_id=None, draws_from=(MOBILE,))
    dialled = from_inside(tenant(replace(own, forwarding=Forwarding())), "100", MOBILE)

    assert (shown_to(dialled, MOBILE), gateway_targets(dialled)[0].asserted) == ("+6564291310", "+6564291310")
    for owner in (own, drawn):
        plan = from_outside(tenant(owner), "+6591112222")
        assert (shown_to(plan, MOBILE), gateway_targets(plan)[0].asserted) == ("+6564291310", "+6564291310")
        assert ring_of(plan).diverted_by == "+6564291310"


def test_a_forward_to_the_number_that_is_presented_may_show_the_caller() -> None:
    owner = extension("100", caller_id=MOBILE, forwarding=forwarding(number=MOBILE), on_forward=OnForward.CALLER)
    plan = from_outside(tenant(owner), "+6591112222")

    assert (shown_to(plan, MOBILE), gateway_targets(plan)[0].asserted) == ("+6591112222", "+6564291310")


def test_without_another_number_the_call_is_made_with_its_own() -> None:
    plan = from_inside(tenant(extension("100", caller_id=MOBILE), main_number=None), "100", MOBILE)

    assert shown_to(plan, MOBILE) == MOBILE
