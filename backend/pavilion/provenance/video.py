"""The film of a stone's way: which scenes, from which facts, and what its captions say. Pure.

Everything is drawn from a parameter document; equal documents give equal frames. A scene whose facts are missing is
left out and the others keep their length.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from babel import Locale

from pavilion.kernel.canon import canonical
from pavilion.provenance.passport import facts_hash
from pavilion.provenance.passport_facts import PROCESSES

VERSION = 2
RATE = 24  # frames a second
SIZE = (1280, 720)
SECONDS = {"where": 6, "rough": 5, "cut": 5, "hands": 5, "graded": 6, "proof": 4, "finished": 5}
LANGUAGES = {"en": "en", "zh": "zh_Hans_CN"}


class Scene(NamedTuple):
    name: str
    start: int  # frames from the beginning
    frames: int


def parameters(
    stone: str, content: Mapping[str, Any], address: str, steps: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The document from which the film is drawn: what the passport says to everybody, and of the chain the masses that
    its page tells everybody too; never a plan of the cut, which no public page tells. `content` is
    `passport.content_of`, `steps` are the bodies of the chain's events."""
    gem, origin, cutter = content["characteristics"], content["origin"], content["origin"].get("cutter")
    said: dict[str, Any] = {"v": VERSION, "stone": stone}
    said["finished"] = _kept(gem, "shape", "mass_mct", "color", "clarity", "cut", "fancy", "species", "dimensions_um")
    if content.get("presented"):  # the last who put a name beside ours; earlier ones stand on the page
        said["finished"]["presented"] = content["presented"][-1]["displayName"]
    mined, cut = (_first(steps, kind) for kind in ("MINED", "CUT"))
    if origin["mine"].get("country"):
        day = {"day": str(mined["at"])[:10]} if mined is not None else {}
        said["where"] = _kept(origin["mine"], "country", "region", "name", "producer") | day
    if origin["rough"].get("mass_mct"):
        said["rough"] = {"mass_mct": origin["rough"]["mass_mct"], "seed": hashlib.sha256(stone.encode()).hexdigest()}
    if cut is not None and cut.get("out"):
        said["cut"] = {"masses_mct": sorted(cut["out"].values(), reverse=True), "loss_mct": cut.get("loss", 0)}
    made = _first(steps, "RECUT") or _first(steps, "POLISHED")
    if cutter is not None:
        said["hands"] = _kept(cutter, "displayName", "years") | _kept({"country": made and made.get("cc")}, "country")
    report = next((one for one in content["reports"] if one["kind"] == "grading"), None)
    if report is not None:
        said["graded"] = _kept(report, "lab", "number", "date")
    links = [_kept(event, "type", "evidence") for event in content["events"]]
    digest = facts_hash(gem, origin, content["reports"])
    said["proof"] = {"grade": origin["grade"], "links": links, "digest": digest, "address": address}
    return said


def parameters_bytes(said: Mapping[str, Any]) -> bytes:
    return canonical(dict(said))


def parameters_sha256(said: Mapping[str, Any]) -> str:
    """The name of the film: equal hash, equal frames."""
    return hashlib.sha256(parameters_bytes(said)).hexdigest()


def timeline(said: Mapping[str, Any]) -> list[Scene]:
    scenes, start = [], 0
    for name, seconds in SECONDS.items():
        if name in said:
            scenes.append(Scene(name, start, seconds * RATE))
            start += seconds * RATE
    return scenes


def captions(said: Mapping[str, Any], lang: str) -> str:
    """WebVTT: the facts of each scene as a sentence, in its time."""
    lines = ["WEBVTT", ""]
    for number, scene in enumerate(timeline(said), start=1):
        end = scene.start + scene.frames
        lines += [str(number), f"{_clock(scene.start)} --> {_clock(end)}", sentence(said, scene.name, lang), ""]
    return "\n".join(lines)


def sentence(said: Mapping[str, Any], scene: str, lang: str) -> str:
    return _SENTENCES[lang][scene](said[scene], lang)


def _where(facts: Mapping[str, Any], lang: str) -> str:
    place = country(facts["country"], lang)
    region = facts.get("region")
    if lang == "zh":
        return f"{facts['day'] + '，' if 'day' in facts else ''}采自{place}{f'（{region}）' if region else ''}。"
    where = f"{region}, {place}" if region else place
    return f"Mined in {where}{' on ' + facts['day'] if 'day' in facts else ''}."


def _rough(facts: Mapping[str, Any], lang: str) -> str:
    return (
        f"原石重 {carats(facts['mass_mct'])} 克拉。" if lang == "zh" else f"The rough: {carats(facts['mass_mct'])} ct."
    )


def _cut(facts: Mapping[str, Any], lang: str) -> str:
    masses, loss = [carats(mass) for mass in facts["masses_mct"]], carats(facts["loss_mct"])
    if lang == "zh":
        return f"锯切为 {'、'.join(masses)} 克拉，损耗 {loss} 克拉。"
    return f"Sawn into {', '.join(masses)} ct; {loss} ct lost."


def _hands(facts: Mapping[str, Any], lang: str) -> str:
    where = country(facts["country"], lang) if "country" in facts else ""
    years = facts.get("years")
    if lang == "zh":
        told = f"，从业 {years} 年" if years else ""
        return f"由 {facts['displayName']} 切磨{told}{'，' + where if where else ''}。"
    told = f", {years} years at the wheel" if years else ""
    return f"Polished by {facts['displayName']}{told}{', ' + where if where else ''}."


def _graded(facts: Mapping[str, Any], lang: str) -> str:
    if lang == "zh":
        return f"{facts['lab']} 证书 {facts['number']}，{facts['date']}。"
    return f"Report {facts['lab']} {facts['number']} of {facts['date']}."


def _proof(facts: Mapping[str, Any], lang: str) -> str:
    if lang == "zh":
        return f"来源已核实，{facts['grade']} 级，{len(facts['links'])} 个环节载入公开日志。"
    return f"Origin verified, grade {facts['grade']}; {len(facts['links'])} links in the public log."


def _finished(facts: Mapping[str, Any], lang: str) -> str:
    fancy = facts.get("fancy")
    color = f"{fancy['intensity']} {fancy['hue']}".strip() if fancy else facts.get("color")
    mass, clarity, presented = carats(facts["mass_mct"]), facts.get("clarity"), facts.get("presented")
    if lang == "zh":  # the laboratory's own words of a fancy colour stand in quotes, never half translated
        quoted = f"颜色“{color}”" if fancy and color else color
        words = f"成品：{'，'.join(filter(None, (f'{mass} 克拉', quoted, clarity)))}。"
        return words + (f"由 {presented} 呈献。" if presented else "")
    words = f"The finished stone: {', '.join(filter(None, (f'{mass} ct', color, clarity)))}."
    return words + (f" Presented by {presented}." if presented else "")


_SENTENCES = {
    lang: {
        "where": _where, "rough": _rough, "cut": _cut, "hands": _hands, "graded": _graded,
        "proof": _proof, "finished": _finished,
    }
    for lang in LANGUAGES
}  # fmt: skip


def link_name(kind: str) -> str:
    return PROCESSES.get(kind, kind).replace("Kimberley Process", "Kimberley")


def country(cc: str, lang: str) -> str:
    found = Locale.parse(LANGUAGES[lang]).territories.get(cc)
    return found if isinstance(found, str) else cc


def carats(mct: int) -> str:
    """Three decimals, as the scale said: the pieces and the dust add up to the rough before everybody's eyes."""
    return f"{mct // 1000}.{mct % 1000:03d}"


def _clock(frame: int) -> str:
    ms = frame * 1000 // RATE
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def _first(steps: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any] | None:
    return next((step for step in steps if step["t"] == kind), None)


def _kept(facts: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: facts[name] for name in names if facts.get(name) is not None}
