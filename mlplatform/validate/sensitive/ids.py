"""Numbers that identify people, cards and accounts: by check digits that hold more than by chance.

One in ten or eleven random numbers has the right check digit, so a single one says little: a kind is
reported where far more of the numbers of its shape are right than chance would have it.
"""

import importlib
import math
import re
from collections.abc import Callable, Sequence
from functools import cache

SEPARATORS = re.compile(r"[ ./-]")
DECIMAL = re.compile(r"^[-+]?\d+\.\d+$")
DIGITS = re.compile(r"^\d+$")
CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b")
# 000, 666 and 9xx are no area numbers, 00 no group, 0000 no serial (Social Security Administration).
SSN = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
NINO = re.compile(r"^(?![DFIQUV])[A-Z](?![DFIQUVO])[A-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]$")
NAMED = re.compile(
    r"(^|_)(ssn|sin|nino|nhs|cpf|curp|pesel|bsn|dni|nie|aadhaar|pan|tfn)(_?(no|nr|number|num))?($|_)"
    r"|social_?security|national_?(id|insurance)|passport|driv\w*_?licen|tax_?id|id_?card|personal_?id",
    re.IGNORECASE,
)
PATTERNS = (CARD, IBAN, SSN)
CHANCE = 0.12  # Of a random number of the right shape to have the right check digits, at most.
RARELY = (
    1e-6  # Chance of so many right ones below which they are no chance, over some 40 countries.
)
RARELY_CARD = 1e-3  # The same of cards, one kind alone, whose first digits must be an issuer's too.
MOSTLY = 0.5  # Of the numbers of a shape that must be right.
LEAST_NAMED = 6  # Characters of an id, where the column's name says that it is one.

# Of python-stdnum: modules of numbers of people with check digits, by their digits; 0: with letters.
BY_LENGTH = {
    9: ("ca.sin", "il.idnr", "nl.bsn", "au.tfn"),
    10: (
        "at.vnr", "bg.egn", "cz.rc", "dk.cpr", "ec.ci", "gb.nhs", "is_.kennitala",
        "se.personnummer", "ua.rntrc",
    ),
    11: (
        "ar.cuit", "be.nn", "br.cpf", "cu.ni", "de.idnr", "do.cedula", "ee.ik", "gr.amka", "hr.oib",
        "lt.asmens", "no.fodselsnummer", "pl.pesel", "tr.tckimlik",
    ),
    12: ("in_.aadhaar", "jp.in_", "my.nric"),
    13: ("ch.ssn", "fr.nif", "kr.rrn", "ro.cnp", "th.pin", "za.idnr"),
    15: ("fr.nir",),
    18: ("cn.ric",),
}  # fmt: skip
WITH_LETTERS = {
    "es.dni": r"^\d{8}[A-Z]$",
    "es.nie": r"^[XYZ]\d{7}[A-Z]$",
    "fi.hetu": r"^\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]$",
    "ie.pps": r"^\d{7}[A-W][A-IW]?$",
    "it.codicefiscale": r"^[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]$",
    "mx.curp": r"^[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d$",
    "cn.ric": r"^\d{17}X$",
}  # fmt: skip
# First digits and lengths of card numbers by network (ISO/IEC 7812).
ISSUERS = (
    (r"4\d*", (13, 16, 19)),
    (r"5[1-5]\d*|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d*", (16,)),
    (r"3[47]\d*", (15,)),
    (r"6(?:011|5\d\d|4[4-9]\d)\d*|35(?:2[89]|[3-8]\d)\d*|62\d*", (16, 19)),
    (r"3(?:0[0-5]|[68]\d)\d*", (14,)),
)
Found = dict[str, tuple[float, list[str]]]


def found(name: str, values: Sequence[str]) -> Found:
    """Return the share of values that are cards, accounts or national ids beyond chance, and those."""
    kinds: Found = {}
    total = len(values)
    texts = [value for value in values if not DECIMAL.match(value)]
    cards = beyond_chance(*_cards(texts), RARELY_CARD)
    if cards:
        kinds["card numbers"] = (len(cards) / total, cards)
    accounts = [v for v in texts if _is_iban(v)]
    if accounts:
        kinds["bank accounts"] = (len(accounts) / total, accounts)
    people = _national(name, texts)
    if people:
        kinds["national ids"] = (len(people) / total, people)
    return kinds


def is_personal(value: str) -> bool:
    """Whether a single value is a card, an account, or a national id by its format."""
    if DECIMAL.match(value):
        return False
    shaped_right = _cards([value])[1]
    return bool(shaped_right) or _is_iban(value) or bool(SSN.search(value) or NINO.match(value))


def luhn(digits: str) -> bool:
    """Whether the last digit is right by Luhn (ISO/IEC 7812-1, annex B)."""
    odd = sum(map(int, digits[-1::-2]))
    return (odd + sum(sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])) % 10 == 0


def is_issued(digits: str) -> bool:
    """Whether a card network issues numbers of this length that begin like this."""
    return any(len(digits) in sizes and re.fullmatch(first, digits) for first, sizes in ISSUERS)


def beyond_chance(shaped: Sequence[str], right: Sequence[str], rarely: float) -> list[str]:
    """Return the right ones, where so many of these shaped ones are not right by chance; else none."""
    if not right or len(right) < MOSTLY * len(shaped):
        return []
    return list(right) if _tail(len(right), len(shaped)) < rarely else []


def _tail(right: int, shaped: int) -> float:
    """Chance of at least so many right ones (Hoeffding 1963, by the relative entropy)."""
    share = right / shaped
    if share <= CHANCE:
        return 1.0
    entropy = share * math.log(share / CHANCE)
    if share < 1:
        entropy += (1 - share) * math.log((1 - share) / (1 - CHANCE))
    return math.exp(-shaped * entropy)


def _cards(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Values with digits as of an issued card, and those of them that are right."""
    shaped, right = [], []
    for value in texts:
        match = CARD.search(value)
        digits = re.sub(r"\D", "", match.group()) if match else ""
        if digits and is_issued(digits):
            shaped.append(value)
            if luhn(digits) and len(set(digits)) > 1:
                right.append(value)
    return shaped, right


def _is_iban(value: str) -> bool:
    match = IBAN.search(value)
    return match is not None and any(
        _checker("iban")(candidate) for candidate in (match.group(), value)
    )


def _national(name: str, texts: Sequence[str]) -> list[str]:
    plain = [value for value in texts if SSN.search(value) or NINO.match(value)]
    if NAMED.search(name):
        ids = [v for v in texts if sum(c.isalnum() for c in v) >= LEAST_NAMED and _has_digit(v)]
        plain = ids if len(ids) >= MOSTLY * len(texts) else plain
    shapes: dict[str, list[str]] = {}
    for value in texts:
        for module in _modules(SEPARATORS.sub("", value), value):
            shapes.setdefault(module, []).append(value)
    best: list[str] = plain
    for module, shaped in shapes.items():
        # A chance below one in a million needs six: fewer cannot be told from chance.
        check = _checker(module)
        right = [value for value in shaped if check(value)]
        by_letters = module in WITH_LETTERS and len(right) == len(shaped)
        kept = right if by_letters else beyond_chance(shaped, right, RARELY)
        best = max(best, kept, key=len)
    return best


def _has_digit(value: str) -> bool:
    return any(map(str.isdigit, value))


def _modules(compact: str, value: str) -> list[str]:
    if DIGITS.match(compact):
        return list(BY_LENGTH.get(len(compact), ()))
    upper = compact.upper()
    return [
        m for m, shape in WITH_LETTERS.items() if re.match(shape, upper) or re.match(shape, value)
    ]


@cache
def _checker(module: str) -> Callable[[str], bool]:
    valid = importlib.import_module(f"stdnum.{module}").is_valid

    def check(value: str) -> bool:
        try:
            return bool(valid(value))
        except (
            KeyError,
            IndexError,
            ValueError,
            TypeError,
        ):  # Some look up what random digits lack.
            return False

    return check
