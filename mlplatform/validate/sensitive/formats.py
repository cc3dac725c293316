"""Personal data by its format: e-mail, phone, network address, postal address."""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence

EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
MAC = re.compile(r"\b[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}\b")
# North American numbers as written with separators, and international ones with their plus.
NORTH_AMERICAN = re.compile(
    r"(?<![\d-])(?:1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-. ])\d{3}[-. ]\d{4}(?![\d-])"
)
INTERNATIONAL = re.compile(r"(?<![\w+])\+[1-9][\d ()./-]{6,20}\d")
NATIONAL = re.compile(r"^0[1-9]\d{0,4}[ /-]\d[\d -]{4,}$")  # 030 123456, 06 12 34 56 78
BARE = re.compile(r"^[\d ()+./-]*\d$")
DIALLED = range(7, 16)  # Digits from the shortest subscriber number to E.164's longest.
PHONE_NAME = re.compile(r"phone|mobile|(^|_)(tel|cell|fax|msisdn)(_|$)", re.IGNORECASE)
STREET = re.compile(
    r"\b\d{1,5}[A-Za-z]?,? (?:[\w.'-]+ ){1,4}"
    r"(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|way|place|square|terrace|highway)\b"
    r"|\b\d{1,4},? (?:bis |ter )?(?:rue|avenue|boulevard|place|chemin|impasse|all[ée]e) \w"
    r"|\b[A-ZÄÖÜ][\w.-]*(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse) \d{1,4}\b"
    r"|\b(?:calle|via|rua|avenida|piazza|plaza) [\w.' ]{2,40},? (?:n[º°.]? ?)?\d{1,4}\b"
    r"|\bP\.? ?O\.? Box \d+",
    re.IGNORECASE,
)
ADDRESS_NAME = re.compile(r"(^|_)(street|address|addr)([_\d]|$)", re.IGNORECASE)
NOT_POSTAL = re.compile(r"mail|ip|mac|url|web", re.IGNORECASE)
PATTERNS = (EMAIL, MAC, NORTH_AMERICAN, INTERNATIONAL, STREET, re.compile(r"[0-9a-fA-F:.]{7,}"))
LEAST_OCTET = (
    32  # One octet at least as large, else a dotted quad reads as a version, like 1.2.3.4.
)
MOSTLY = 0.5  # Of values that fit, where the column's name says the rest.
NEARLY_ALL = 0.9  # Of bare ten-digit numbers that are valid; about a third of random ones are.
AREAS = 10  # Different area codes, which a run of ids does not have.
NANP_DIGITS = 10
Found = dict[str, tuple[float, list[str]]]


def found(name: str, values: Sequence[str], *, whole: bool) -> Found:
    """Return the share of the values that each kind fits, and those values."""
    kinds: list[tuple[str, Callable[[str], bool]]] = []
    if not whole:
        kinds = [
            ("e-mail addresses", lambda v: "@" in v and EMAIL.search(v) is not None),
            ("hardware addresses", lambda v: MAC.search(v) is not None),
            ("IP addresses", is_ip),
            ("phone numbers", is_phone),
            ("street addresses", lambda v: " " in v and STREET.search(v) is not None),
        ]
    hits = {kind: [v for v in values if fits(v)] for kind, fits in kinds}
    hits |= _by_name(name, values, whole=whole)
    bare = _bare_phones(name, values)
    if bare:
        hits["phone numbers"] = bare
    return {kind: (len(fit) / len(values), fit) for kind, fit in hits.items() if fit}


def is_personal(value: str) -> bool:
    """Whether a single value has a format of these."""
    return (
        EMAIL.search(value) is not None
        or MAC.search(value) is not None
        or is_ip(value)
        or is_phone(value)
        or STREET.search(value) is not None
    )


def is_ip(value: str) -> bool:
    """Whether the value is an IPv4 or IPv6 address, and no version number or time."""
    if value.count(".") != 3 and value.count(":") < 2:
        return False
    try:
        address = ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        return False
    return address.version != 4 or max(address.packed) >= LEAST_OCTET


def is_phone(value: str) -> bool:
    """Whether the value holds a number written as phone numbers are, that one can be."""
    if _digits(value) < DIALLED.start:
        return False
    if NORTH_AMERICAN.search(value):
        return True
    match = INTERNATIONAL.search(value)
    return match is not None and _possible(match.group())


def _possible(number: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False


def _bare_phones(name: str, values: Sequence[str]) -> list[str]:
    """Digits are phone numbers where the column says so, or nearly all could be dialled."""
    bare = [value for value in values if BARE.match(value) and _digits(value) in DIALLED]
    if len(bare) < MOSTLY * len(values):
        return []
    if PHONE_NAME.search(name) or sum(map(bool, map(NATIONAL.match, bare))) == len(bare):
        return bare
    ten = [value for value in bare if value.isdigit() and len(value) == NANP_DIGITS]
    if len(ten) < NEARLY_ALL * len(values) or len({value[:3] for value in ten}) < AREAS:
        return []
    valid = [value for value in ten if _valid(value)]
    return valid if len(valid) >= NEARLY_ALL * len(values) else []


def _digits(value: str) -> int:
    return sum(map(str.isdigit, value))


def _valid(digits: str) -> bool:
    import phonenumbers

    return phonenumbers.is_valid_number(phonenumbers.parse(digits, "US"))


def _by_name(name: str, values: Sequence[str], *, whole: bool) -> Mapping[str, list[str]]:
    """Addresses by the column's name: values with a letter and a digit, as house and street have."""
    if whole or not ADDRESS_NAME.search(name) or NOT_POSTAL.search(name):
        return {}
    fit = [v for v in values if any(map(str.isalpha, v)) and any(map(str.isdigit, v)) and " " in v]
    return {"street addresses": fit} if len(fit) >= MOSTLY * len(values) else {}
