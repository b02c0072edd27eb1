"""The passport on paper: two pages of A4 in one language, with the signed document and its proof of the log attached.

Equal facts give equal bytes, so a paper made once is kept until something about it changes.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from html import unescape
from threading import Lock
from typing import Any

from pavilion.kernel.canon import canonical
from pavilion.provenance.journey import Journey, Line, Stop
from pavilion.provenance.passport_showing import Code
from pavilion.provenance.worldmap import HEIGHT, WIDTH, Drawing
from pavilion.webkit import pdf
from pavilion.webkit.figures import Figures
from pavilion.webkit.html import Pages
from pavilion.webkit.i18n import Lang

TEMPLATE = "passport.typ"
STANDARDS = ("a-3a", "ua-1")  # an archive that may carry files, readable by everybody
MOST_KEPT = 64  # papers, of some 100 kB each

_WHERE = "Marks stand in the middle of a country or region, never at the exact place. Lines show the shortest way."
_SCAN = (
    "The code tells whether this passport stands today. The signed document is inside this file, but whether it still "
    "stands only the house can answer; the bundle, downloaded there, needs nobody: pavilion verify BUNDLE.zip --offline"
)
_APART = re.compile(r"<small>|<span class=\"when\">")
_TAGS = re.compile(r"<[^>]*>")
_INK, _EDGE, _TRAY, _RULE = "#141414", "#757575", "#e9e9e9", "#d2d2d2"


class _Kept:
    """The papers asked for last, by the hash of what is on them."""

    def __init__(self) -> None:
        self._papers: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def paper(self, key: str, make: Callable[[], bytes]) -> bytes:
        with self._lock:
            if (found := self._papers.get(key)) is not None:
                self._papers.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._papers[key] = made
            while len(self._papers) > MOST_KEPT:
                self._papers.popitem(last=False)
        return made


_KEPT = _Kept()


def render(pages: Pages, facts: Mapping[str, Any], lang: Lang, *, proof: str | None) -> bytes:
    """The paper of `passport_showing.page_facts`. `proof` is the passport's tlog-proof, if a checkpoint covers it yet.
    Blocks for up to a second: call it in a thread."""
    data = data_of(pages, facts, lang, proof=proof)
    made_at: datetime = facts["passport"].issued_at
    key = sha256(canonical(data)).hexdigest()
    return _KEPT.paper(key, lambda: pdf.render(TEMPLATE, data, standards=STANDARDS, made_at=made_at))


def data_of(pages: Pages, facts: Mapping[str, Any], lang: Lang, *, proof: str | None) -> dict[str, Any]:
    """Everything that `pdf/passport.typ` sets, ready worded by the macros of the page: one wording for both."""
    words = _Words(pages, lang)
    say, passport, journey = words.say, facts["passport"], facts["journey"]
    portrait, origin, document = facts["portrait"], facts["origin"], facts["document"]
    title = portrait.title if portrait is not None else document["credentialSubject"]["product"]["name"]
    presented = facts["presented"][0] if facts["presented"] else None
    return {
        "lang": lang,
        "title": title,
        "kind": say("Passport of a stone"),
        "version": f"{say('Version %(n)s') % {'n': passport.n}} · {words.day(passport.issued_at)}",
        "stone": passport.stone,
        "presented": None
        if presented is None
        else {
            "word": say("Presented by"),
            "name": presented.name,
            "message": presented.message.get(lang) or next(iter(presented.message.values()), ""),
        },
        "plates": [] if portrait is None else [_standing_alone(str(drawing)) for _, drawing in portrait.plates],
        "pairs": words.pairs(facts["characteristics"]) + _origin_pairs(words, origin, facts["reports"]),
        "verdict": _verdict(words, facts),
        "stopped": _stopped(words, facts),
        "map": "" if journey.drawing is None else map_svg(journey.drawing, journey, words.country),
        "stops": [[str(stop.number), words.place(stop), words.roles(stop)] for stop in journey.stops],
        "lines": [_line(words, line) for line in journey.lines],
        "weights": _weights(words, journey),
        "reports": [words.plain(words.passport.papers([one])) for one in facts["reports"]],
        "simulated": say("Told by simulated registries, for demonstration.") if facts["simulated"] else "",
        "code": _code_svg(facts["code"]),
        "address": facts["code"].url,
        "proof_lines": _proof_lines(words, facts),
        "words": {
            "way": say("From the mine to this page"),
            "weights": say("From the rough to the stone"),
            "reports": say("Reports and certificates"),
            "proof": say("Proof"),
            "check": say("Check it without us"),
            "scan": say(_SCAN),
            "map": say("The way of the stone on a map"),
            "code": say("Code of this passport’s address"),
            "note": say(_WHERE),
            "drawn": say("Crown, pavilion and profile, as drawn"),
        },
        "files": {"passport": passport.document, "proof": proof or "", "of_passport": "passport.json"},
    }


def map_svg(drawing: Drawing, journey: Journey, country: Callable[[str], str]) -> str:
    """The map as a picture of its own."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="Inter, Noto Sans SC" font-size="10">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<path d="{drawing.net}" fill="none" stroke="{_RULE}" stroke-width=".4"/>',
        f'<path d="{drawing.land}" fill="{_TRAY}" stroke="{_EDGE}" stroke-width=".3"/>',
    ]
    parts += [
        f'<path d="{leg}" fill="none" stroke="{_INK}" stroke-width="1.2" stroke-dasharray="3 2.6"/>'
        for leg in drawing.legs
    ]
    for mark in drawing.marks:
        half, last = 3.5 + 5 * len(mark.numbers), len(journey.stops) in mark.numbers
        name = country(journey.stop(mark.numbers[0]).cc)
        parts.append(
            f'<rect x="{mark.x - half}" y="{mark.y - 8.5}" width="{2 * half}" height="17" rx="8.5" '
            f'fill="{_INK if last else "#ffffff"}" stroke="{_INK}" stroke-width="1.2"/>'
            f'<text x="{mark.x}" y="{mark.y + 3.6}" text-anchor="middle" font-weight="600" '
            f'fill="{"#ffffff" if last else _INK}">{"·".join(map(str, mark.numbers))}</text>'
            f'<text x="{mark.label_x}" y="{mark.label_y}" text-anchor="{mark.anchor}" fill="{_INK}" stroke="#ffffff" '
            f'stroke-width="3" stroke-linejoin="round" paint-order="stroke" font-size="11">{name}</text>'
        )
    return "".join([*parts, "</svg>"])


class _Words:
    """The words of the page's own macros, as plain text."""

    def __init__(self, pages: Pages, lang: Lang) -> None:
        environment, self._tongue = pages.environment(lang), pages.tongues[lang]
        self.journey: Any = environment.get_template("provenance/_journey.html").make_module({})
        self.passport: Any = environment.get_template("provenance/_passport.html").make_module({})
        self.facts: Any = environment.get_template("provenance/_facts.html").make_module({})
        figures = Figures(self._tongue)
        self.day, self.country = figures.day, figures.country
        self.ct, self.number = figures.ct, figures.number
        self.say, self.code = self._tongue.gettext, self._tongue.say

    @staticmethod
    def plain(markup: object) -> str:
        """The text alone; what stands smaller or apart on the page stands behind a dot."""
        return " ".join(unescape(_TAGS.sub(" ", _APART.sub(" · ", str(markup)))).split())

    def finding(self, code: str, severity: str) -> str:
        return self.plain(self.facts.sentence(code, severity))

    def pairs(self, characteristics: Mapping[str, Any]) -> list[list[str]]:
        rows = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", str(self.passport.four(characteristics)), re.S)
        return [[self.plain(word), self.plain(value)] for word, value in rows]

    def place(self, stop: Stop) -> str:
        return self.plain(self.journey.place_of(stop))

    def roles(self, stop: Stop) -> str:
        return self.say(", ").join(self.plain(self.journey.role(role)) for role in stop.roles if role != "left")


def _origin_pairs(words: _Words, origin: Mapping[str, Any], reports: list[dict[str, Any]]) -> list[list[str]]:
    say, mine, cutter = words.say, origin["mine"], origin["cutter"]
    comma = say(", ")
    where = words.plain(words.journey.spot(mine["region"], mine["country"])) if mine["country"] else None
    place = [mine["name"], where]
    pairs = [[say("Mined"), comma.join(filter(None, place)) or "–"]]
    divided = say("divided into %(n)s") % {"n": origin["rough"]["pieces"]}
    pairs.append([say("Rough"), comma.join((words.ct(origin["rough"]["mass_mct"], exact=True), divided))])
    if cutter:
        years = [say("%(years)s years at the wheel") % {"years": cutter["years"]}] * (cutter["years"] is not None)
        pairs.append([say("Cut by"), comma.join([cutter["displayName"], *years])])
    graded = [f"{one['lab']} {one['number']}" for one in reports if one["kind"] == "grading" and one.get("lab")]
    return pairs + [[say("Report"), one] for one in graded]


def _stopped(words: _Words, facts: Mapping[str, Any]) -> dict[str, str] | None:
    """The word that stands on both pages of a paper that may not be relied on, and since when."""
    if (state := facts["stopped"]) is None:
        return None
    told = words.plain(words.passport.formerly(state, facts["standing"].entry, facts["as_of"]))
    return {"word": words.say("SUSPENDED" if state == "suspended" else "REVOKED"), "told": told}


def _verdict(words: _Words, facts: Mapping[str, Any]) -> dict[str, Any]:
    origin = facts["origin"]
    weakest = origin["weakestLink"]
    sentences = [] if origin["grade"] == "-" else [words.plain(words.passport.assurance(origin))]
    if weakest:
        sentences.append(words.plain(words.journey.weakest(weakest["type"], weakest["evidence"])))
    sentences += [words.finding(one["code"], str(one["severity"]).lower()) for one in origin["findings"]]
    day = {"day": words.day(facts["as_of"]) if facts["as_of"] else "–", "ruleset": origin["rulesetVersion"]}
    return {
        "head": words.code(f"verdict_{origin['verdict'].lower()}")
        if facts["stopped"] is None
        else words.say("Suspended" if facts["stopped"] == "suspended" else "Revoked"),
        "grade": "" if origin["grade"] == "-" else origin["grade"],
        "text": " ".join(sentences),
        "legend": "" if origin["grade"] == "-" else words.plain(words.passport.legend()),
        "by": words.say("By rule set %(ruleset)s, as of %(day)s.") % day,
    }


def _line(words: _Words, line: Line) -> dict[str, str]:
    journey = words.journey
    logged = "" if line.logged is None else words.say("log entry %(n)s") % {"n": words.number(line.logged)}
    return {
        "day": words.day(line.at),
        "stop": "" if line.stop is None else str(line.stop),
        "head": words.plain(journey.head(line)),
        "told": words.plain(journey.told(line)),
        "evidence": words.plain(journey.evidence_word(line.evidence)),
        "source": words.plain(journey.source(line.source)),
        "logged": logged,
    }


def _weights(words: _Words, journey: Journey) -> list[dict[str, Any]]:
    balance = journey.balance
    if balance is None:
        return []
    rows = re.findall(r'<span class="weights-word">(.*?)</span>', str(words.journey.weights(balance)), re.S)
    drawn = [[(0, 1000, "ours")], *(stage.segments(balance.rough_mct) for stage in balance.stages)]
    return [
        {"word": words.plain(row), "parts": [[wide, kind] for _, wide, kind in parts]}
        for row, parts in zip(rows, drawn, strict=True)
    ]


def _proof_lines(words: _Words, facts: Mapping[str, Any]) -> list[list[str]]:
    say, passport = words.say, facts["passport"]
    lines = [
        [say("Fingerprint"), passport.sha256],
        [say("Signed by"), facts["document"]["proof"]["verificationMethod"]],
        [say("Public log"), facts["log"]["origin"]],
    ]
    if passport.log_index is not None:
        lines[-1][1] += f" · {say('log entry %(n)s') % {'n': words.number(passport.log_index)}}"
    return lines


def _code_svg(code: Code) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {code.size} {code.size}">'
        f'<rect width="{code.size}" height="{code.size}" fill="#ffffff"/><path d="{code.path}" fill="{_INK}"/></svg>'
    )


def _standing_alone(drawing: str) -> str:
    """A plate of the page as a file of its own: the page's ink is no longer around it."""
    named = drawing if "xmlns=" in drawing else drawing.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return named.replace("currentColor", "#444444")
