"""Reading what registries send: a value has the type that was agreed, or the document is nonsense (ValueError)."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

MOST_TEXT, MOST_ITEMS = 300, 20_000
MAX_MCT = 10**9
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def word(document: Mapping[str, Any], name: str) -> str:
    value = optional_word(document, name)
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def optional_word(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > MOST_TEXT):
        raise ValueError(f"{name} is no text")
    return value


def day(document: Mapping[str, Any], name: str) -> str:
    value = word(document, name)
    if _DAY.fullmatch(value) is None:
        raise ValueError(f"{name} is no day")
    date.fromisoformat(value)
    return value


def optional_day(document: Mapping[str, Any], name: str) -> str | None:
    return None if document.get(name) is None else day(document, name)


def decimal(document: Mapping[str, Any], name: str) -> str:
    value = word(document, name)
    if _DECIMAL.fullmatch(value) is None:
        raise ValueError(f"{name} is no decimal")
    return value


def whole(document: Mapping[str, Any], name: str, most: int = MAX_MCT) -> int:
    value = document.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{name} is no number")
    return value


def optional_whole(document: Mapping[str, Any], name: str, most: int = MAX_MCT) -> int | None:
    return None if document.get(name) is None else whole(document, name, most)


def truth(document: Mapping[str, Any], name: str) -> bool:
    value = document.get(name)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is neither true nor false")
    return value


def words(document: Mapping[str, Any], name: str) -> list[str]:
    value = document.get(name)
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise ValueError(f"{name} is no list")
    if not all(isinstance(item, str) and len(item) <= MOST_TEXT for item in value):
        raise ValueError(f"{name} is no list of texts")
    return value


def masses(document: Mapping[str, Any], name: str) -> dict[str, int]:
    value = document.get(name)
    if not isinstance(value, dict) or len(value) > MOST_ITEMS:
        raise ValueError(f"{name} is no table")
    if not all(type(mct) is int and 0 <= mct <= MAX_MCT for mct in value.values()):
        raise ValueError(f"{name} is no table of masses")
    return value


def objects(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = document.get(name)
    if not isinstance(value, list) or len(value) > MOST_ITEMS or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{name} is no list of objects")
    return value
