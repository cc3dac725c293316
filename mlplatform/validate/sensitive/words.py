"""Personal data in words: names of people, dates of birth, free text that may hold anything."""

import re
from collections.abc import Sequence

from mlplatform.validate.sensitive.names import FAMILY, GIVEN

NAMED = re.compile(
    r"(^|_)((first|last|full|given|family|middle|maiden|sur|fore|nick)_?name|surname|fname|lname)($|_)"
    r"|(^|_)(patient|person|customer|client|passenger|employee|applicant|owner|holder|user|contact)_?name($|_)",
    re.IGNORECASE,
)
JUST_NAME = re.compile(r"^(name|names|person|patient|passenger)$", re.IGNORECASE)
BIRTH = re.compile(r"(^|_)(dob|birth_?(date|day)|date_of_birth|born)($|_)", re.IGNORECASE)
DATE = re.compile(r"^\d{4}-?\d\d-?\d\d|^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}$")
WORD = r"(?:[A-ZÀ-ÖØ-ÞĀ-Ž][a-zß-öø-ÿā-ž]+|[A-Z]\.|(?:Mc|Mac|O'|D')[A-Z][a-z]+)"
PARTICLE = r"(?:[ -](?:de|da|van|von|der|di|la|el|al|bin) )?"
PERSON = re.compile(
    rf"^(?:(?:Dr|Mr|Mrs|Ms|Prof)\.? )?{WORD}{PARTICLE}(?:,? |-)?(?:{WORD}(?:[ ,-]+|$)){{0,3}}$"
)
PAIR = re.compile(rf"\b{WORD},? {WORD}\b")  # Of words inside a text.
MOSTLY = 0.5  # Of values that look like names, where the column is called so.
OFTEN = 0.3  # Of values that begin with a given name, where nothing else says that they are people.
FREE_WORDS = 8  # Of a sentence; names of things are shorter.
FREE_CHARACTERS = 40
LEAST_FREE = 5  # Different texts: fewer are long names of categories.
Found = dict[str, tuple[float, list[str]]]


def is_birth(name: str) -> bool:
    """Whether a column of this name holds dates of birth."""
    return BIRTH.search(name) is not None


def found(name: str, values: Sequence[str]) -> Found:
    """Return the share of the values that are names, dates of birth or free text, and those values."""
    kinds = {
        "names of people": _people(name, values),
        "dates of birth": [v for v in values if DATE.match(v)] if is_birth(name) else [],
        "free text": _free(values),
    }
    return {kind: (len(fit) / len(values), fit) for kind, fit in kinds.items() if fit}


def is_personal(value: str) -> bool:
    """Whether a single value is a well-known given name with a family name, or free text."""
    return bool(_sure([value])) or _is_free(value)


def _people(name: str, values: Sequence[str]) -> list[str]:
    """Names by the column's name, by a known given name before a known surname, or by most of them."""
    shaped = [value for value in values if PERSON.match(value)]
    if NAMED.search(name) and len(shaped) >= MOSTLY * len(values):
        return shaped
    begun = [value for value, words in _several(shaped) if words[0] in GIVEN or words[-1] in GIVEN]
    often = OFTEN / 3 if JUST_NAME.search(name) else OFTEN
    return begun if len(begun) >= often * len(values) else _sure(shaped)


def _sure(values: Sequence[str]) -> list[str]:
    """Values of a known given name and a known family name, either first."""
    several = _several([value for value in values if PERSON.match(value)])
    return [
        value
        for value, words in several
        if (words[0] in GIVEN and words[-1] in FAMILY)
        or (words[-1] in GIVEN and words[0] in FAMILY)
    ]


def _several(values: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Values of more than one word, with their words in lower case."""
    parts = [(value, re.split(r"[ ,]+", value.casefold())) for value in values]
    return [(value, words) for value, words in parts if len(words) > 1]


def _free(values: Sequence[str]) -> list[str]:
    long = [value for value in values if _is_free(value)]
    return long if len(long) >= LEAST_FREE else []


def _is_free(value: str) -> bool:
    return len(value) >= FREE_CHARACTERS and _words(value) >= FREE_WORDS


def _words(value: str) -> int:
    return sum(any(map(str.isalpha, word)) for word in value.split())
