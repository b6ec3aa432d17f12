"""The worked example of product §4: extension 100 uses IP phone and mobile app; forwarding on to extensions 101, 102,
103; VIP list +6531234567 and +6569876543. A call from either VIP rings 100's IP phone and mobile app; every other call
rings 101, 102, 103."""

import pytest

from bizpbx.policy.settings import DeviceKind
from tests.policy.tenant import device, extension, forwarding, from_inside, from_outside, rules_of, tenant, who_rings

ACME = tenant(
    extension(
        "100",
        devices=(
            device("100", DeviceKind.IP_PHONE),
            device("100", DeviceKind.MOBILE),
            device("100", DeviceKind.DESKTOP, rings=False),
        ),
        forwarding=forwarding("101", "102", "103", vip=("+6531234567", "+6569876543")),
    ),
    extension("101"),
    extension("102"),
    extension("103"),
    extension("104"),
)


@pytest.mark.parametrize("vip", ["+6531234567", "+6569876543"])
@pytest.mark.parametrize("form", ["{}", "00{}", "{} ", "national"])
def test_a_vip_rings_the_ip_phone_and_the_mobile_app_of_100(vip: str, form: str) -> None:
    number = (
        vip.removeprefix("+65") if form == "national" else form.format(vip.removeprefix("+") if "00" in form else vip)
    )

    plan = from_outside(ACME, number)

    assert who_rings(plan) == ["100-ip_phone", "100-mobile"]
    assert rules_of(plan)[:3] == ["did", "vip", "devices"]


@pytest.mark.parametrize("caller", ["+6591112222", "+6531234568", "31234568", "+84938812345", None, "anonymous"])
def test_every_other_call_rings_101_102_and_103(caller: str | None) -> None:
    plan = from_outside(ACME, caller)

    assert who_rings(plan) == ["101-ip_phone", "102-ip_phone", "103-ip_phone"]


def test_a_colleague_who_is_no_vip_rings_101_102_and_103() -> None:
    assert who_rings(from_inside(ACME, "104", "100")) == ["101-ip_phone", "102-ip_phone", "103-ip_phone"]


def test_the_reason_names_the_targets_and_the_caller() -> None:
    plan = from_outside(ACME, "+6591112222")

    assert [reason.text for reason in plan.reasons] == [
        "+6564291310 is a number of the organisation and leads to 100",
        "100 forwards to 101, 102, 103 (forwarding on, +6591112222 is not on the VIP list)",
        "100 lets forwarded calls show itself: 100 inside, +6564291310 outside",
        "nobody answers 100: hang up after 30 s",
    ]
