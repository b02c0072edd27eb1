"""The film of a stone's way: drawn from facts alone, the same twice, and silent about what it does not know."""

import copy
import hashlib
import io
import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from PIL import Image, ImageStat

from pavilion.provenance import (
    countersigning,
    hosted,
    issuing,
    passport_queries,
    video,
    video_drawing,
    video_encoding,
    video_making,
)
from pavilion.provenance.video_mesh import cut_stone, family_of, outline, rough
from pavilion.provenance.video_models import Film
from tests import make
from tests.make import NOON
from tests.provenance import issued

SAID = {
    "v": 2,
    "stone": "01KJ8Q3V5W9X7Y2Z4A6B8C0D1E",
    "finished": {
        "shape": "RBC", "mass_mct": 1012, "color": "G", "clarity": "VS1", "species": "diamond",
        "dimensions_um": {"diameter_min": 6450, "diameter_max": 6480, "depth": 3980},
    },
    "where": {"country": "BW", "region": "Central District", "producer": "Kgale Diamonds", "day": "2025-01-12"},
    "rough": {"mass_mct": 2650, "seed": "a scan"},
    "cut": {"masses_mct": [2110, 480], "loss_mct": 60},
    "hands": {"displayName": "A. P.", "years": 27, "country": "BE"},
    "graded": {"lab": "GIA", "number": "0123456789", "date": "2025-07-05"},
    "proof": {
        "grade": "A", "digest": "ab" * 32, "address": "https://pavilion.example/id/stone/01KJ8Q3V5W9X7Y2Z4A6B8C0D1E",
        "links": [{"type": "MINED", "evidence": "attested"}, {"type": "CUT", "evidence": "measured"}],
    },
}  # fmt: skip
SHORT = {name: SAID[name] for name in ("v", "stone", "finished", "proof")}


def test_every_scene_has_its_time_and_a_missing_one_leaves_the_others_theirs():
    whole = video.timeline(SAID)
    assert [scene.name for scene in whole] == list(video.SECONDS)
    assert sum(scene.frames for scene in whole) == 36 * video.RATE
    without = video.timeline({name: facts for name, facts in SAID.items() if name != "cut"})
    assert sum(scene.frames for scene in without) == 31 * video.RATE
    assert all(a.start + a.frames == b.start for a, b in pairwise(without))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_captions_say_the_facts_of_each_scene_in_its_time(lang):
    lines = video.captions(SAID, lang)
    assert lines.startswith("WEBVTT\n") and "00:00:06.000 --> 00:00:11.000" in lines
    for fact in ("2.650", "0.060", "A. P.", "0123456789", "27"):
        assert fact in lines, fact
    assert ("Botswana" if lang == "en" else "博茨瓦纳") in lines


def test_equal_documents_give_equal_frames_and_a_changed_fact_other_ones():
    def hashes(said):
        return video_encoding.frame_hashes(video_drawing.frames(said, every=12))

    first, again = hashes(SHORT), hashes(copy.deepcopy(SHORT))
    assert first == again and len(set(first)) > 5
    other = copy.deepcopy(SHORT)
    other["finished"]["clarity"] = "VS2"
    assert hashes(other) != first and video.parameters_sha256(other) != video.parameters_sha256(SHORT)


def test_a_twelfth_of_the_frames_are_every_twelfth_of_them():
    whole = list(video_drawing.frames(SHORT))
    assert len(whole) == 9 * video.RATE
    some = video_encoding.frame_hashes(video_drawing.frames(SHORT, every=12))
    assert some == video_encoding.frame_hashes(whole[::12])


def test_motion_is_calm_no_frame_differs_much_from_the_one_before():
    before, worst = None, 0.0
    for scene in ("where", "rough", "hands"):
        said = {name: SAID[name] for name in ("v", "stone", "finished", scene)}
        first = video.timeline(said)[0]
        for n, frame in enumerate(video_drawing.frames(said)):
            light = ImageStat.Stat(frame.reduce(8).convert("L")).mean[0]
            if 0 < n < first.frames and before is not None:
                worst = max(worst, abs(light - before))
            before = light
            if n >= first.frames:
                break
    assert worst < 2.0, "a flash"


@pytest.mark.parametrize(
    "shape", ["RBC", "EMR", "PRN", "OVL", "CUS", "PER", "MQS", "HRT", "Trilliant", "nothing known"]
)
def test_a_stone_has_its_facets_and_its_proportions(shape):
    facets = cut_stone(shape, 5000, 7000, 3000)
    corners = [corner for facet in facets for corner in facet.corners]
    assert len(facets) == 57
    assert max(x for x, _, _ in corners) == pytest.approx(1.4, abs=0.01)
    assert max(z for *_, z in corners) - min(z for *_, z in corners) == pytest.approx(1.2, abs=0.01)


@pytest.mark.parametrize(
    ("said", "family"),
    [
        ("RBC", "round"), ("Round Brilliant", "round"), ("round", "round"), ("CUSHION", "cushion"),
        ("Cushion", "cushion"), ("CUS", "cushion"), ("CB", "cushion"), ("Cushion Modified Brilliant", "cushion"),
        ("old_miner", "cushion"),
        ("EM", "step"), ("Emerald Cut", "step"), ("Cut-Cornered Rectangular Modified Brilliant", "step"),
        ("PRINCESS", "princess"), ("OV", "oval"), ("PS", "pear"), ("Pear Brilliant", "pear"), ("MQ", "marquise"),
        ("heart", "heart"), ("", "round"), ("kite", "round"),
    ],
)  # fmt: skip
def test_a_shape_is_known_by_our_code_and_by_the_laboratorys_word(said, family):
    assert family_of(said) == family


def test_each_outline_is_its_own_and_reaches_its_whole_length_and_width():
    families = ("round", "cushion", "princess", "step", "marquise", "pear", "heart", "triangle")
    rims = {family: outline(family) for family in families}
    assert len(set(rims.values())) == len(families)
    for rim in rims.values():
        xs, ys = zip(*rim, strict=True)
        assert max(xs) - min(xs) == pytest.approx(2, abs=0.1) and max(ys) - min(ys) == pytest.approx(2, abs=0.1)


def test_pieces_and_dust_add_up_and_chinese_captions_mix_no_languages():
    said = copy.deepcopy(SAID)
    said["finished"]["fancy"] = {"intensity": "Fancy Vivid", "hue": "Yellow"}
    assert "Sawn into 2.110, 0.480 ct; 0.060 ct lost." in video.captions(said, "en")
    assert "颜色“Fancy Vivid Yellow”，VS1" in video.captions(said, "zh")
    assert "博茨瓦纳（Central District）" in video.captions(said, "zh")


def test_each_rough_has_its_own_form_and_always_the_same():
    assert rough("a scan") == rough("a scan") != rough("another scan")


async def test_the_worker_renders_files_that_players_can_open():
    import av

    files, facts = await video_making.rendered(SHORT)
    assert facts["frames"] == 9 * video.RATE and len(facts["frames_sha256"]) == 64
    assert Image.open(io.BytesIO(files["poster.jpg"])).size == video.SIZE
    for name, codec, frames in (
        ("film.mp4", "libdav1d", 216),
        ("film.webm", "vp9", 216),
        ("loop.mp4", "libdav1d", 144),
    ):
        with av.open(io.BytesIO(files[name])) as container:
            stream = container.streams.video[0]
            assert (stream.codec_context.name, stream.width, stream.height) == (codec, *video.SIZE)
            assert not container.streams.audio
            assert sum(1 for _ in container.decode(video=0)) == frames


def a_content(consent="initials"):
    return {
        "characteristics": SAID["finished"] | {"polish": "Excellent"},
        "origin": {
            "verdict": "VERIFIED", "grade": "A", "verdictDigest": "sha256:" + "ab" * 32,
            "mine": {"country": "BW", "region": None, "name": None, "producer": "Kgale Diamonds"},
            "rough": {"mass_mct": 2650, "pieces": 2},
            "cutter": {"displayName": "A. P.", "years": 27, "consent": consent},
        },
        "reports": [{"lab": "GIA", "number": "0123456789", "kind": "grading", "date": "2025-07-05"}],
        "events": [{"type": "MINED", "index": 1, "leaf": "00", "evidence": "attested"}],
        "media": [],
    }  # fmt: skip


def told(consent="initials"):
    return video.parameters(SAID["stone"], a_content(consent), SAID["proof"]["address"], STEPS)


STEPS = [
    {"t": "MINED", "at": "2025-01-12", "by": "kgale", "out": {"R": 2650}},
    {"t": "PLANNED", "at": "2025-02-01", "by": "scheldt", "plan": [1020, 402]},
    {"t": "CUT", "at": "2025-02-03", "by": "scheldt", "out": {"A": 2110, "B": 480}, "loss": 60},
]


def test_the_film_tells_what_the_passport_tells_and_never_the_plan():
    said = told()
    assert "plan" not in said and said["cut"] == {"masses_mct": [2110, 480], "loss_mct": 60}
    assert said["where"] == {"country": "BW", "producer": "Kgale Diamonds", "day": "2025-01-12"}
    assert said["hands"] == {"displayName": "A. P.", "years": 27}
    assert "plan" not in told("name") and "1020" not in str(told("name"))
    assert "kgale" not in str(said) and "scheldt" not in str(said)


def test_who_puts_a_name_beside_ours_is_named_at_the_end_in_picture_and_caption():
    shown = [{"displayName": "Lumen"}, {"displayName": "Atelier \u7389\u6cc9"}]
    said = video.parameters(SAID["stone"], a_content() | {"presented": shown}, SAID["proof"]["address"], STEPS)
    assert said["finished"]["presented"] == "Atelier \u7389\u6cc9"  # the last of them
    assert video.sentence(said, "finished", "en").endswith(" Presented by Atelier \u7389\u6cc9.")
    assert "\u7531 Atelier \u7389\u6cc9 \u5448\u732e" in video.sentence(said, "finished", "zh")
    alone = video_drawing.still(told(), "finished")
    assert alone.tobytes() != video_drawing.still(said, "finished").tobytes()
    assert "presented" not in told()["finished"] and "Presented" not in video.captions(told(), "en")


# -- on order ---------------------------------------------------------------------------------------------------------

FILES = {"film.mp4": b"a film", "poster.jpg": b"a still"}
HOUSE = "https://pavilion.example"


async def drawn(said):
    """In place of the process that draws, which has a test of its own: this is about what is kept of it."""
    return dict(FILES), {"frames": 24, "frames_sha256": video.parameters_sha256(said)}


async def failing(_said):
    raise RuntimeError("no codec here")


async def ticked(sessions, issuer):
    while await issuing.tick(sessions, issuer, NOON):
        pass


async def ordered(sessions, stone):
    async with sessions.begin() as session:
        return await video_making.order(session, stone, HOUSE, by="noor", now=NOON)


async def media(sessions, stone):
    async with sessions() as session:
        passport = await passport_queries.latest(session, stone)
        return passport.n, json.loads(passport.document)["credentialSubject"]["stone:media"]


async def a_stone(sessions, issuer):
    async with sessions.begin() as session:
        claim = await issued.keep(session, issued.claim())
    await ticked(sessions, issuer)
    return claim


async def test_an_ordered_film_is_made_once_and_the_next_version_of_the_passport_tells_of_it(sessions):
    issuer = issued.issuer()
    stone = (await a_stone(sessions, issuer)).stone
    name = await ordered(sessions, stone)
    assert name == await ordered(sessions, stone)
    async with sessions() as session:
        assert await video_making.is_coming(session, stone)
    assert [await video_making.tick(sessions, NOON, drawn) for _ in range(2)] == [1, 0]
    await ticked(sessions, issuer)
    n, (medium,) = await media(sessions, stone)
    assert (n, medium["parameters"]) == (2, f"sha256:{name}")
    assert medium["digest"] == f"sha256:{hashlib.sha256(FILES['film.mp4']).hexdigest()}"
    await ordered(sessions, stone)
    async with sessions() as session:
        assert not await video_making.is_coming(session, stone)
        assert (await video_making.file(session, name, "poster.jpg")).content == FILES["poster.jpg"]
    assert await video_making.tick(sessions, NOON, drawn) == 0, "nothing has changed, so nothing is drawn again"


async def test_a_film_of_former_facts_leaves_the_passport(sessions):
    issuer = issued.issuer()
    claim = await a_stone(sessions, issuer)
    await ordered(sessions, claim.stone)
    await video_making.tick(sessions, NOON, drawn)
    await ticked(sessions, issuer)
    async with sessions.begin() as session:
        await issued.judge(session, replace(claim, mass_mct=1005))  # weighed anew
    await ticked(sessions, issuer)
    assert await media(sessions, claim.stone) == (3, [])


async def test_a_film_that_cannot_be_made_is_tried_again_later_and_nothing_is_shown(sessions):
    issuer = issued.issuer()
    stone = (await a_stone(sessions, issuer)).stone
    await ordered(sessions, stone)
    assert [await video_making.tick(sessions, NOON, failing) for _ in range(2)] == [1, 0]
    assert await video_making.tick(sessions, NOON + timedelta(minutes=1), drawn) == 1
    await ticked(sessions, issuer)
    assert (await media(sessions, stone))[0] == 2


async def test_without_a_passport_there_is_nothing_to_tell(sessions):
    with pytest.raises(video_making.NoPassport):
        await ordered(sessions, "01KJ8Q3V5W9X7Y2Z4A6B8C0D1E")


async def test_a_name_beside_ours_gets_a_film_of_its_own_where_there_was_one(sessions):
    issuer = issued.issuer()
    claims = [await a_stone(sessions, issuer) for _ in range(2)]
    await ordered(sessions, claims[0].stone)
    await video_making.tick(sessions, NOON, drawn)
    await ticked(sessions, issuer)
    made = []
    async with sessions.begin() as session:
        firm = await make.company(session)
        key = await hosted.of_company(session, firm.id, did=issued.HOUSE.did, seed=issued.SEED, now=NOON)
        facts = {"company_id": firm.id, "base": HOUSE, "by": "x" * 26, "now": NOON}
        for claim in claims:
            passport = await passport_queries.latest(session, claim.stone)
            words = countersigning.Words("Lumen of Antwerp", {})
            made.append(
                await countersigning.countersign(session, passport=passport, words=words, logo=None, key=key, **facts)
            )
    async with sessions() as session:
        assert [await video_making.is_coming(session, claim.stone) for claim in claims] == [True, False]
    await video_making.tick(sessions, NOON, drawn)
    await ticked(sessions, issuer)
    _, (medium,) = await media(sessions, claims[0].stone)
    async with sessions() as session:
        film = await session.get(Film, medium["parameters"].removeprefix("sha256:"))
        assert film.parameters["finished"]["presented"] == "Lumen of Antwerp"
    async with sessions.begin() as session:
        facts = {"public_id": made[0].public_id, "company_id": firm.id, "by": "x" * 26, "now": NOON}
        await countersigning.withdraw(session, stone=claims[0].stone, **facts)
    await video_making.tick(sessions, NOON, drawn)
    await ticked(sessions, issuer)
    _, (medium,) = await media(sessions, claims[0].stone)
    async with sessions() as session:
        film = await session.get(Film, medium["parameters"].removeprefix("sha256:"))
        assert "presented" not in film.parameters["finished"], "the former film tells the truth again"
