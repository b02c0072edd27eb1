"""How registries are connected, whom they match, and what their words mean."""

import asyncio
import json

import pytest

from pavilion.provenance.house import shipped_house
from pavilion.provenance.registries import laboratory_words, sanctions, simulators
from pavilion.provenance.registries.connecting import NEEDED, connect
from pavilion.provenance.registries.file import RegistryUnreadable
from pavilion.provenance.registries.guarding import GuardedRegistry
from pavilion.provenance.registries.port import NAMES, Answer, Claim, Reason, Status
from pavilion.settings import Environment, Settings
from tests.make import NOON
from tests.provenance import simulated, stones

KEY = "11" * 32
KGALE = {"name": "Kgale", "code": "K"}


def house_of(tmp_path, document, environment=Environment.TEST):
    path = tmp_path / "registries.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return connect(Settings(environment=environment, data_dir=tmp_path, registries=path))


def test_a_file_of_registries_names_each_of_them(tmp_path):
    house = house_of(tmp_path, simulators.registries_file("http://127.0.0.1:1", tmp_path / "r"))
    assert sorted(house.names) == sorted(NAMES)
    assert house.address_of("laboratory") == "http://127.0.0.1:1/laboratory/{lab}"


def entry(**changes):
    return {"name": "kp", "url": "https://kp.example", "public_key": KEY} | changes


@pytest.mark.parametrize(
    "document",
    [
        *("", "[]", "{", '{"registries":7}', '{"registries":[],"registries":[]}'),
        {"registries": [entry(name="nobody")]},
        {"registries": [entry(), entry()]},
        {"registries": [entry(public_key="11")]},
        {"registries": [entry(public_key="zz" * 32)]},
        {"registries": [entry(url=7)]},
        {"registries": [entry(more="x")]},
        {"registries": [entry(key_file="nowhere")]},
        {"registries": [{"name": "kp"}]},
    ],
)
def test_a_file_that_is_none_of_registries_is_refused(tmp_path, document):
    with pytest.raises(RegistryUnreadable):
        house_of(tmp_path, document)


async def test_who_is_needed_and_not_connected_is_silent_not_skipped(tmp_path):
    heard = {}
    for house in (house_of(tmp_path, {"registries": []}), connect(Settings(data_dir=tmp_path / "empty"))):
        assert sorted(house.names) == sorted(NEEDED)
        for answer in await house.ask(stones.claim(kp_no="BW000001"), NOON):
            heard[answer.registry] = answer
            assert (answer.status, answer.reason, answer.mandatory) == (Status.UNAVAILABLE, Reason.DOWN, True)
    assert {"own-production", "laboratory", "kp"} == heard.keys()


async def test_a_registry_of_no_known_name_never_answers(tmp_path):
    house = connect(Settings(data_dir=tmp_path, registries=simulated.folder_of(tmp_path / "r", 1)))
    for name in ("elsewhere", "laboratory", ""):
        answer = (await house.ask(stones.claim(origin_registry=name), NOON))[0]
        assert (answer.registry, answer.status, answer.mandatory) == (name, Status.UNAVAILABLE, True)


async def test_in_production_plain_http_is_not_spoken_even_to_this_machine(tmp_path):
    folder = simulated.folder_of(tmp_path / "r", 1)
    with simulated.running(folder) as address:
        document = simulators.registries_file(address, folder)
        house = house_of(tmp_path, document, Environment.PRODUCTION)
        answers = await house.ask(stones.claim(1), NOON)
        await house.close()
    assert {(a.status, a.reason) for a in answers} == {(Status.UNAVAILABLE, Reason.SCHEMA)}


def test_the_key_of_a_registry_may_stand_in_a_file_beside(tmp_path):
    (tmp_path / "kp.key").write_text("secret\n")
    house = house_of(tmp_path, {"registries": [entry(key_file="kp.key")]})
    assert "secret" not in str(house.address_of("kp"))


async def test_a_coloured_stone_needs_neither_certificate_nor_warranty(tmp_path):
    house = connect(Settings(data_dir=tmp_path, registries=simulated.folder_of(tmp_path / "r", 1)))
    answers = await house.ask(stones.claim(1, species="ruby", kp_no="BW000001"), NOON)
    assert {"kp", "warranty"}.isdisjoint(answer.registry for answer in answers)


async def test_what_the_listing_keeps_to_itself_the_chain_tells(tmp_path):
    house = connect(Settings(data_dir=tmp_path, registries=simulated.folder_of(tmp_path / "r", 1)))
    heard = {a.registry: a for a in await house.ask(stones.claim(1, lab=None, report_no=None), NOON)}
    assert heard["laboratory"].fields["no"] == "6100000001"
    assert list(heard["kp"].fields["certificates"]) == ["BW000001"]


class Waiting:
    name = "kp"

    def __init__(self):
        self.calls, self.fails, self.go = 0, True, asyncio.Event()

    async def confirm(self, claim, now):
        self.calls += 1
        await self.go.wait()
        if self.fails:
            raise OSError("refused")
        return Answer(self.name, Status.FOUND, now)


async def test_the_same_claim_asked_by_many_at_once_is_one_question():
    registry = Waiting()
    registry.fails = False
    safe = GuardedRegistry(registry)
    asking = [asyncio.create_task(safe.confirm(Claim("kp", "A"), NOON)) for _ in range(50)]
    await asyncio.sleep(0)
    registry.go.set()
    assert {answer.status for answer in await asyncio.gather(*asking)} == {Status.FOUND}
    assert (await safe.confirm(Claim("kp", "A"), NOON)).status is Status.FOUND
    assert registry.calls == 1


async def test_who_is_called_off_leaves_the_others_an_answer():
    registry = Waiting()
    safe = GuardedRegistry(registry)
    first = asyncio.create_task(safe.confirm(Claim("kp", "A"), NOON))
    await asyncio.sleep(0)
    second = asyncio.create_task(safe.confirm(Claim("kp", "A"), NOON))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).reason is Reason.TIMEOUT
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_after_its_rest_a_registry_is_tried_with_one_question():
    seconds, registry = [0.0], Waiting()
    safe = GuardedRegistry(registry, clock=lambda: seconds[0])
    registry.go.set()
    for number in range(shipped_house().breaker_failures):
        await safe.confirm(Claim("kp", str(number)), NOON)
    seconds[0] += shipped_house().breaker_rest_s
    registry.go.clear()
    asking = [asyncio.create_task(safe.confirm(Claim("kp", f"again {n}"), NOON)) for n in range(20)]
    await asyncio.sleep(0)
    registry.go.set()
    reasons = [answer.reason for answer in await asyncio.gather(*asking)]
    assert (reasons.count(Reason.DOWN), reasons.count(Reason.BREAKER_OPEN)) == (1, 19)
    assert registry.calls == shipped_house().breaker_failures + 1


LISTED = sanctions.read_list(
    {
        "version": "1",
        "issued": "2026-01-01",
        "valid_until": "2027-01-01",
        "entries": [
            {"id": "tarvos-minerals", "name": "Tarvos Minerals SARL", "aliases": ["塔沃斯矿业"]},
            {"id": "p-7", "name": "Ivan Petrovich Zolotov", "aliases": ["I. Zolotov"]},
        ],
    }
)


@pytest.mark.parametrize(
    ("party", "name", "matched", "near"),
    [
        ("tarvos-minerals", "x", True, True),
        ("TARVOS-MINERALS", "x", True, True),
        ("a", "Tarvos Minerals", True, True),
        ("a", "MINERALS, TARVOS Ltd.", True, True),
        ("a", "Ｔａｒｖｏｓ　Ｍｉｎｅｒａｌｓ", True, True),  # full-width letters
        ("a", "Tárvos-Minerals S.A.R.L.", True, True),
        ("a", "塔沃斯矿业", True, True),
        ("a", "Zolotov Ivan Petrovich", True, True),
        ("a", "Tarvoss Minerals", False, True),
        ("a", "Ivan Zolotov", False, True),
        ("a", "Tarvos", False, True),
        ("a", "Minerals of the North", False, False),
        ("kgale", "Kgale Diamonds", False, False),
        ("a", "", False, False),
        ("a", "...", False, False),
        ("cutter:陈明", "陈明", False, False),
    ],
)
def test_names_are_matched_without_case_marks_and_order_and_alike_ones_are_shown(party, name, matched, near):
    assert LISTED.matched(party, name) is matched
    assert (LISTED.near(party, name) is not None) is near


def test_the_invented_world_has_nobody_like_anybody_on_its_list():
    from pavilion.catalogue.chains import HOUSES, MINES
    from pavilion.provenance.registries.deriving import LIST_ENDS, LIST_ISSUED
    from pavilion.provenance.registries.deriving import LISTED as ENTRIES

    listed = sanctions.read_list(
        {"version": "1", "issued": LIST_ISSUED, "valid_until": LIST_ENDS, "entries": [dict(e) for e in ENTRIES]}
    )
    people = {mine.party: mine.producer for mine in MINES} | {house.party: house.name for house in HOUSES}
    people |= {f"cutter:{name}": name for house in HOUSES for name, _ in house.cutters}
    assert [party for party, name in people.items() if listed.matched(party, name) or listed.near(party, name)] == []


def report(**changes):
    said = {"lab": "GIA", "no": "1", "type": "DG", "date": "2026-03-05", "weight": "1.01", "shape": "RBC", "color": "G"}
    return said | {"clarity": "VS1", "meas": ["6.45", "6.48", "3.98"], "treat": None} | changes


def test_what_a_laboratory_writes_is_read_again():
    document = laboratory_words.written(report(), 7)
    results = document["data"]["getReport"]["results"]
    assert (results["carat_weight"], results["measurements"]) == ("1.01 carat", "6.45 x 6.48 x 3.98 mm")
    assert results["shape_and_cutting_style"] == "Round Brilliant"
    fields, left = laboratory_words.read("GIA", "1", document)
    assert fields | {"weight": "1.01", "shape": "RBC", "color": "G", "meas": ["6.45", "6.48", "3.98"]} == fields
    assert left == 7


@pytest.mark.parametrize(
    ("changes", "kind", "fields"),
    [
        ({"type": "LGDR"}, "LabGrownDiamondGradingReportResults", {"type": "LGDR"}),
        ({"species": "Corundum", "variety": "Ruby"}, "IdentificationReportResults", {"variety": "Ruby", "color": None}),
        ({"treat": "HPHT"}, "DiamondGradingReportResults", {"treatment": "HPHT"}),
        ({"meas": None, "shape": "EMERALD"}, "DiamondGradingReportResults", {"meas": None, "shape": "EMERALD"}),
        ({"source_disclosed": KGALE}, "DiamondGradingReportResults", {"origin": KGALE}),
    ],
)
def test_every_kind_of_report_keeps_its_words(changes, kind, fields):
    document = laboratory_words.written(report(**changes), 7)
    assert document["data"]["getReport"]["results"]["__typename"] == kind
    read, _ = laboratory_words.read("GIA", "1", document)
    assert read | fields == read


@pytest.mark.parametrize("weight", ["1.01", "1,01 carat", "1.01 carats!", "-1.01 carat", "one carat", "1.0123 carat"])
def test_a_weight_that_cannot_be_read_is_nonsense(weight):
    document = laboratory_words.written(report(), 7)
    document["data"]["getReport"]["results"]["carat_weight"] = weight
    with pytest.raises(ValueError, match="unreadable"):
        laboratory_words.read("GIA", "1", document)
