"""Colours in words and letters: the white scale, and fancy colours as the trade writes them."""

import re
from typing import Any

from pavilion.catalogue.nomenclature import Nomenclature, key
from pavilion.catalogue.numbers import Unread

MODIFIERS_MOST = 4  # no laboratory writes more

_PAIR = re.compile(r"([D-Z])(?:\s*[-/]\s*|\s+TO\s+)([D-Z])")


def white(text: str, table: Nomenclature) -> str | None:
    """A letter of the white scale or a range of two, in order; None when it is neither."""
    word = key(text).upper()
    if word in table.codes["color"]:
        return word
    if len(word) == 2 and f"{word[0]}-{word[1]}" in table.codes["color_range"]:
        return f"{word[0]}-{word[1]}"
    pair = _PAIR.fullmatch(text.upper())
    if pair is None or pair[1] == pair[2]:
        return None
    return "-".join(sorted(pair.groups()))


def described(text: str, table: Nomenclature) -> dict[str, Any]:
    """The parts of a fancy colour by column, from words (`Fancy Intense Purplish Pink`) or letters (`FIY`)."""
    found = _worded(text.casefold(), table.fancy) or _compact(key(text).upper(), table.fancy["compact"])
    if found is None:
        raise Unread("unknown_value")
    return found


def _worded(text: str, words: dict[str, Any]) -> dict[str, Any] | None:
    """`[intensity] modifier* hue[-hue]`; of two joined hues the last is dominant."""
    parts: dict[str, Any] = {}
    for phrase, intensity in sorted(words["intensity_words"], key=lambda row: -len(row[0])):
        if text == phrase or text.startswith(phrase + " "):
            parts["fancy_intensity"] = intensity
            text = text[len(phrase) :].strip()
            break
    hues, modifiers = dict(words["hue_words"]), dict(words["overtone_words"])
    *before, last = text.split(" ")
    nouns = [hues.get(noun) for noun in last.split("-")]
    overtones = [modifiers.get(word) for word in before]
    if None in nouns or None in overtones or len(nouns) > 2 or len(overtones) > MODIFIERS_MOST:
        return None
    parts["fancy_color"] = nouns[-1]
    if len(nouns) == 2:
        parts["fancy_secondary"] = nouns[0]
    if overtones:
        parts["fancy_overtone"] = overtones
    return parts


def _compact(word: str, compact: dict[str, Any]) -> dict[str, Any] | None:
    """Intensity and hue in letters; a prefix with two readings is never guessed."""
    hues = dict(compact["hue"])
    if any(word.startswith(prefix) and word[len(prefix) :] in hues for prefix, _ in compact["intensity_ambiguous"]):
        raise Unread("ambiguous_value")
    found = {
        (intensity, hues[word[len(prefix) :]])
        for prefix, intensity in compact["intensity"]
        if word.startswith(prefix) and word[len(prefix) :] in hues
    }
    if len(found) > 1:
        raise Unread("ambiguous_value")
    if not found:
        return None
    intensity, hue = found.pop()
    return {"fancy_intensity": intensity, "fancy_color": hue}
