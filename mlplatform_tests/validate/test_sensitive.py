"""Personal data is found, plain data is not taken for it, and no value is shown."""

import random
import uuid
from importlib import import_module

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.validate.scan import Plan, scan
from mlplatform.validate.sensitive import in_values, mask, personal, scrubbed, sensitive, shown
from mlplatform.validate.sensitive.ids import is_issued, luhn
from mlplatform_tests.validate import real_tables

DICE = random.Random(7)  # noqa: S311 - data, no secret
CODES = [f"N{n}{DICE.choice('ABCDEF')}" for n in range(1_000)]
TEST_CARDS = ("4111 1111 1111 1111", "5500005555555559", "378282246310005", "6011-1111-1111-1117")


def digits(length: int) -> str:
    """Random digits."""
    return "".join(DICE.choices("0123456789", k=length))


def card() -> str:
    """A number that a Visa card could have."""
    first = "4" + digits(14)
    return next(first + last for last in "0123456789" if luhn(first + last))


def valid(module: str, length: int, count: int = 12) -> list[str]:
    """Random numbers that python-stdnum takes for right."""
    check, found = import_module(f"stdnum.{module}").is_valid, []
    while len(found) < count:
        number = digits(length)
        found += [number] if check(number) else []
    return found


def kinds(name: str, values: list[str], *, whole: bool = False) -> set[str]:
    """The kinds of personal data found in a column."""
    return {seen.kind for seen in in_values(name, values, whole=whole)}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("e-mail addresses", ["write to anna.smith+x@mail.example.co.uk today"]),
        ("phone numbers", ["+1 202 555 0143"]),
        ("phone numbers", ["+49 (0)30 901820"]),
        ("phone numbers", ["call (212) 555-0123", "212-555-0124"]),
        ("IP addresses", ["192.168.0.1"]),
        ("IP addresses", ["2001:db8::8a2e:370:7334"]),
        ("hardware addresses", ["00:1A:2B:3C:4D:5E"]),
        ("bank accounts", ["DE89370400440532013000"]),
        ("bank accounts", ["GB82 WEST 1234 5698 7654 32"]),
        ("card numbers", [*TEST_CARDS]),
        ("national ids", ["123-45-6789"]),
        ("national ids", ["QQ 12 34 56 C".replace("QQ", "AB")]),
        ("national ids", ["12345678Z"]),
        ("national ids", ["RSSMRA85T10A562S"]),
        ("street addresses", ["12 Smith Street, Springfield"]),
        ("street addresses", ["Hauptstraße 12"]),
        ("street addresses", ["12 rue de la Paix"]),
        ("names of people", ["Anna Smith", "Garcia, Maria", "Dr. Wei Zhang"]),
        ("free text", [f"Patient {n} reports pain in the left knee since last winter" for n in range(5)]),
    ],
)  # fmt: skip
def test_a_few_values_of_a_kind_are_found_among_a_thousand_codes(kind, values):
    assert kinds("remark", CODES + values) == {kind}


@pytest.mark.parametrize(
    ("module", "length"),
    [("nl.bsn", 9), ("gb.nhs", 10), ("br.cpf", 11), ("pl.pesel", 11), ("in_.aadhaar", 12)],
)
def test_national_ids_are_found_by_check_digits_that_hold_too_often(module, length):
    right = valid(module, length)
    assert kinds("code", CODES + right) == {"national ids"}
    assert kinds("code", right, whole=True) == {"national ids"}
    assert kinds("code", [digits(length) for _ in range(1_000)], whole=True) == set()


def test_long_names_of_a_few_categories_are_no_free_text():
    names = [
        f"Administrative and support staff of the executive office, grade {n}" for n in range(4)
    ]
    assert kinds("job", names) == set()


def test_right_digits_of_no_issuer_are_no_card():
    """Numbers that begin with 1, 7 or 9 are no cards, however right their last digit."""
    stem = [f"{first}{digits(14)}" for first in "179" * 20]
    right = [next(s + last for last in "0123456789" if luhn(s + last)) for s in stem]
    assert kinds("serial", right) == set()


def test_a_few_right_check_digits_are_chance_and_so_is_a_third_of_many():
    """One random number in ten is right, and a code may use the same check digit now and then."""
    assert kinds("code", CODES + valid("nl.bsn", 9, 3)) == set()
    wrong = [number for number in (digits(9) for _ in range(80)) if number not in CODES]
    assert kinds("code", CODES + wrong + valid("nl.bsn", 9, 30)) == set()


def test_numbers_are_searched_too():
    ages = [str(age) for age in range(17, 91)]
    assert kinds("age", ages, whole=True) == set()
    assert kinds("age", ages + [card() for _ in range(20)], whole=True) == {"card numbers"}
    table = pa.table({"card": pa.array([int(card()) for _ in range(50)])})
    columns = scan(table.to_batches(), Plan(columns={"card": "int64"})).view().columns
    assert [seen.kind for seen in sensitive([columns])] == ["card numbers"]


@pytest.mark.parametrize("length", range(6, 20))
def test_random_numbers_of_any_length_are_no_personal_data(length):
    values = [digits(length) for _ in range(1_000)]
    assert kinds("id", values, whole=True) == set()
    assert kinds("id", values) == set()


@pytest.mark.parametrize(
    "make",
    [
        lambda n: str(100_000_000 + n),
        lambda n: str(2_125_550_000 + n),
        lambda n: str(1_700_000_000 + 977 * n),
        lambda n: str(1_700_000_000_000 + 977_123 * n),
        lambda n: f"{n * 1.37:.2f}",
        lambda n: f"{n * 123_456.789:,.2f}",
        lambda n: f"2013-{n % 12 + 1:02d}-{n % 28 + 1:02d}",
        lambda n: f"{n % 28 + 1:02d}.{n % 12 + 1:02d}.2013",
        lambda n: f"2013-01-{n % 28 + 1:02d} {n % 24:02d}:{n % 60:02d}:{n % 59:02d}",
        lambda n: f"2013-01-{n % 28 + 1:02d}T{n % 24:02d}:{n % 60:02d}:00+01:00",
        lambda n: f"{n % 24:02d}:{n % 60:02d}:{n % 59:02d}",
        lambda n: f"{n % 9}.{n % 19}.{n % 7}.{n % 31}",
        lambda n: str(uuid.UUID(int=DICE.getrandbits(128))),
        lambda n: f"{n:03d}-{digits(4)}-{digits(2)}",
        lambda n: f"Widget Model {n} blue",
        lambda n: f"SKU-{n}/A",
        lambda n: ["Red", "Light Green", "Dark Blue"][n % 3],
        lambda n: ["New York", "San Jose", "St. Louis", "Jackson Hole", "Charlotte NC"][n % 5],
        lambda n: ["Exec-managerial", "Adm-clerical", "Tech-support"][n % 3],
    ],
)
def test_plain_ids_codes_dates_prices_and_places_are_no_personal_data(make):
    assert kinds("code", list(dict.fromkeys(map(make, range(1_000))))) == set()


def test_nothing_in_adult_or_the_flights_looks_personal():
    for world in (real_tables.adult(), real_tables.flights()):
        assert sensitive([world.scan.view().columns]) == []


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("phone", [digits(10) for _ in range(50)], "phone numbers"),
        ("ssn", [digits(9) for _ in range(50)], "national ids"),
        ("last_name", ["Mokoena", "O'Brien", "Müller", "de Vries"], "names of people"),
        (
            "patient",
            ["Thandiwe Mokoena", "Sipho Dlamini", "Lisa Ng", "Bongani Zulu"],
            "names of people",
        ),
        ("birth_date", ["1990-01-01", "1.2.1980"], "dates of birth"),
        ("street_address", ["7 The Hollies", "Flat 3 Elm House"], "street addresses"),
    ],
)
def test_the_name_of_a_column_tells_what_its_values_alone_do_not(name, values, kind):
    assert kinds(name, values) == {kind}
    assert kind not in kinds("x", values)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("product_name", ["Red Chair", "Oak Table"]),
        ("email_address_count", ["1", "2"]),
        ("phone_model", ["Pixel 8", "Galaxy S24"]),
        ("last_name", ["17", "18", "19"]),
    ],
)
def test_the_name_of_a_column_alone_tells_nothing(name, values):
    assert kinds(name, values) == set()


def test_a_time_of_birth_is_personal_by_its_columns_name():
    table = pa.table({"dob": pa.array([0, 10**15], pa.timestamp("us", tz="UTC"))})
    columns = scan(table.to_batches(), Plan(columns={"dob": "timestamp"})).view().columns
    assert [(seen.kind, seen.share) for seen in sensitive([columns])] == [("dates of birth", 1.0)]


def test_the_worst_of_two_views_counts():
    def columns(values: list[str]) -> dict:
        table = pa.table({"remark": values})
        return scan(table.to_batches(), Plan(columns={"remark": "string"})).view().columns

    few = [*CODES, "anna@example.com"]
    seen = sensitive([columns(few), columns([*CODES[:9], "anna@example.com"]), columns(CODES)])
    assert [(s.kind, s.share, s.looked_at) for s in seen] == [("e-mail addresses", 0.1, 10)]


@pytest.mark.parametrize(
    "value", [*TEST_CARDS, "anna@example.com", "Anna Smith", "+1 202 555 0143"]
)
def test_a_personal_value_is_shown_by_its_shape_alone(value):
    assert personal(value)
    assert shown(value) == mask(value) != value
    findings = in_values("remark", [value] * 9)
    assert all(value not in str(found) for found in findings)


@given(st.text(max_size=200))
def test_a_mask_has_no_digit_but_nine_and_no_letter_but_x(text):
    masked = mask(text)
    assert set(filter(str.isalpha, masked)) <= {"x", "X"}
    assert {c for c in masked if c in "0123456789"} <= {"9"}
    assert len(masked) <= 60


@pytest.mark.parametrize("value", ["anna@example.com", "Anna Smith", *TEST_CARDS, "123-45-6789"])
def test_a_text_that_quotes_a_personal_value_is_scrubbed(value):
    quoted = f"Examples contain values missing from the schema: {value} (~1%), Private (~<1%). "
    expected = quoted.replace(value, mask(value))
    assert scrubbed(quoted) == expected != quoted


def test_a_text_without_personal_values_stays_as_it_is():
    text = "Expected data of type: INT but got FLOAT (1.5, 2013-01-01T05:00:00Z), 12 % of New York"
    assert scrubbed(text) == text


@pytest.mark.parametrize("value", [None, 39, 2.5, True, "Private", "Never-married", "N14228"])
def test_a_plain_value_is_shown_as_it_is(value):
    assert shown(value) is value


@given(st.text("0123456789", min_size=12, max_size=18))
def test_luhn_has_one_right_last_digit_and_catches_each_single_error(number):
    right = [last for last in "0123456789" if luhn(number + last)]
    assert len(right) == 1
    whole = number + right[0]
    changed = str((int(whole[3]) + 1) % 10)
    assert not luhn(whole[:3] + changed + whole[4:])


def test_issuers_are_known_by_first_digits_and_length():
    assert all(is_issued("".join(filter(str.isdigit, number))) for number in TEST_CARDS)
    assert not is_issued("41111111111111")
    assert not is_issued("1" * 16)
