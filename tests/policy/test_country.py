"""Which whitelist entry a number needs."""

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from bizpbx.policy.country import APART, country_of, known_country


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+6561234567", "SG"),
        ("+6511112222", "SG"),  # in no known range, but nobody else's
        ("+84938812345", "VN"),
        ("+93701234567", "AF"),
        ("+442079460018", "GB"),
        ("+441534123456", "JE"),
        ("+74951234567", "RU"),
        ("+77011234567", "KZ"),
    ],
)
def test_the_country_of_a_number(number: str, country: str) -> None:
    assert country_of(number) == country


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+12125552368", "US"),
        ("+14165552368", "CA"),
        ("+18765551234", "JM"),
        ("+12425551234", "BS"),
        ("+18095551234", "DO"),
        ("+17875551234", "PR"),
        ("+14415551234", "BM"),
        ("+12685551234", "AG"),
        ("+12845551234", "VG"),
        ("+19995551234", "+1"),
    ],
)
def test_plus_one_is_split_by_area_code(number: str, country: str) -> None:
    assert country_of(number) == country


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+19005551212", "US-PREMIUM"),
        ("+449091234567", "GB-PREMIUM"),
        ("+491801234567", "DE-SHARED-COST"),
        ("+447012345678", "GB-PERSONAL"),
        ("+499001234567", "DE-PREMIUM"),
        ("+15005551212", "US-PERSONAL"),
        ("+881612345678", "SATELLITE"),
        ("+870773123456", "SATELLITE"),
        ("+88213123456", "INTERNATIONAL-NETWORK"),
        ("+883510012345", "INTERNATIONAL-NETWORK"),
        ("+80012345678", "INTERNATIONAL-FREEPHONE"),
        ("+80812345678", "INTERNATIONAL-SHARED-COST"),
        ("+979123456789", "INTERNATIONAL-PREMIUM"),
    ],
)
def test_expensive_ranges_are_countries_of_their_own(number: str, country: str) -> None:
    assert country_of(number) == country


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+4911833", "DE-PREMIUM"),  # directory enquiries, which the carrier may put through to a premium service
        ("+49118330", "DE-PREMIUM"),
        ("+4911880", "DE-PREMIUM"),
        ("+43118877", "AT-PREMIUM"),
        ("+12129761234", "US-PREMIUM"),  # pay-per-call exchange of any area code
        ("+14169761234", "CA-PREMIUM"),
        ("+441189123456", "GB"),  # Reading
        ("+12127379761", "US"),
    ],
)
def test_premium_ranges_that_the_metadata_does_not_know(number: str, country: str) -> None:
    assert country_of(number) == country


@pytest.mark.parametrize("more", ["0", "00", "12", "999"])
def test_digits_after_a_premium_number_do_not_make_it_cheaper(more: str) -> None:
    assert country_of("+499001234567" + more) == "DE-PREMIUM"


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_the_sample_numbers_of_every_country_need_that_country_or_its_range(region: str) -> None:
    for kind in PhoneNumberType.values():
        sample = phonenumbers.example_number_for_type(region, kind)
        if sample is None:
            continue
        found = country_of(phonenumbers.format_number(sample, phonenumbers.PhoneNumberFormat.E164))
        suffix = APART.get(phonenumbers.number_type(sample))
        assert found.partition("-")[2] == (suffix or "")
        assert known_country(found)


@pytest.mark.parametrize("text", ["", "+", "x", "+0", "６５"])
def test_what_is_no_number_has_no_country_that_can_be_listed(text: str) -> None:
    assert not known_country(country_of(text))


@pytest.mark.parametrize("name", ["SG", "JM", "GB-PREMIUM", "SATELLITE", "INTERNATIONAL-PREMIUM"])
def test_names_that_a_whitelist_can_hold(name: str) -> None:
    assert known_country(name)


@pytest.mark.parametrize("name", ["", "XX", "sg", "SG-", "SG-CHEAP", "XX-PREMIUM", "001", "PREMIUM"])
def test_names_that_no_whitelist_holds(name: str) -> None:
    assert not known_country(name)
