"""The simulators over real sockets: each adapter reads them, each fault is an answer nobody believes."""

import httpx2
import pytest

from pavilion.provenance.registries.connecting import in_this_process
from pavilion.provenance.registries.port import Reason, Status
from tests.make import NOON
from tests.provenance import simulated, stones


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulated.folder_of(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def running(folder):
    with simulated.running(folder) as address:
        yield address


@pytest.fixture
def address(running):
    simulated.order(running, "*", "well")
    return running


@pytest.fixture
async def house(tmp_path, address, folder):
    registries = simulated.house(tmp_path, address, folder)
    yield registries
    await registries.close()


def claim(number=1, **changes):
    return stones.claim(number, kp_no=f"BW{number:06d}", **changes)


async def asked(house, *args, **changes):
    return {answer.registry: answer for answer in await house.ask(claim(*args, **changes), NOON)}


EVERYBODY = ["kp", "laboratory", "match", "own-production", "rjc", "sanctions", "warranty"]


async def test_every_registry_answers_over_http_as_it_does_in_process(house, folder):
    heard, local = await asked(house), await asked(in_this_process(folder))
    assert sorted(heard) == sorted(local) == EVERYBODY
    for name, answer in heard.items():
        assert (answer.status, answer.simulated, answer.differs) == (Status.FOUND, True, ()), name
        assert answer.fields == local[name].fields, name
        assert answer.mandatory is (name not in ("match", "rjc"))
        assert len(answer.claim_sha256) == 64 and answer.raw_sha256 and answer.ms is not None
    chain, same = heard["own-production"], local["own-production"]
    assert chain.events == same.events and chain.bodies == same.bodies
    assert (chain.trust, chain.keys) == (None, None), "whom to trust is not for a registry on the wire to say"
    assert list(same.trust.rows("prod", "MINED", NOON.date())) and same.keys.of("prod")


async def test_the_facts_have_the_form_that_the_rules_read(house):
    heard = await asked(house)
    lab = heard["laboratory"].fields
    assert lab | {"lab": "GIA", "no": "6100000001", "weight": "1.01", "shape": "RBC", "color": "G"} == lab
    assert lab | {"clarity": "VS1", "type": "DG", "date": "2026-02-19", "withdrawn": False, "treatment": None} == lab
    assert (lab["meas"], lab["inscription"]) == (["6.45", "6.48", "3.98"], "GIA 6100000001")
    certificate = heard["kp"].fields["certificates"]["BW000001"]
    assert (certificate["used_mct"], certificate["conflict"], certificate["confirmed"]) == (0, False, "2026-01-11")
    assert heard["warranty"].fields["companies"]["manu"]["self_assessed"] == "2025-09-17"
    assert heard["rjc"].fields["members"]["0000 2222"]["status"] == "certified"
    assert heard["sanctions"].fields | {"matched": [], "near": []} == heard["sanctions"].fields
    assert heard["match"].fields["threshold"] == "0.950"
    assert heard["own-production"].fields == {"stolen": [], "revoked": []}


async def test_a_stone_of_the_shared_registry_is_found_there_and_only_there(house):
    heard = await asked(house, 900, origin_id=simulated.SHARED, origin_registry="shared-producer")
    assert heard["shared-producer"].status is Status.FOUND and heard["shared-producer"].mandatory
    assert heard["shared-producer"].stone == simulated.SHARED
    heard = await asked(house, origin_id=simulated.SHARED)
    assert heard["own-production"].status is Status.ABSENT


def test_each_participant_of_the_shared_registry_sees_its_own_view(address):
    url = f"{address}/shared/v1/diamonds/SH%2F00001%20%C3%A9"
    views = {
        who: httpx2.get(url, headers={"Authorization": f"simulated-{who}"}).json()
        for who in ("pavilion", "manu", "stranger")
    }
    counts = {who: (view["view"], len(view["events"])) for who, view in views.items()}
    assert counts == {"pavilion": ("whole", 11), "manu": ("own", 7), "stranger": ("own", 0)}
    assert httpx2.get(url).status_code == 401


async def test_what_nobody_knows_is_absent_everywhere(house):
    heard = await asked(house, 77)
    statuses = {name: answer.status for name, answer in heard.items()}
    assert statuses == dict.fromkeys(("own-production", "laboratory", "kp"), Status.ABSENT)


REASONS = {
    "down": Reason.DOWN,
    "drop": Reason.DOWN,
    "garble": Reason.BAD_SIGNATURE,
    "wrong": Reason.SCHEMA,
}


@pytest.mark.parametrize("fault", REASONS)
async def test_whoever_goes_wrong_is_not_believed(house, address, fault):
    for name in EVERYBODY:
        simulated.order(address, name, fault)
    heard = await asked(house)
    assert heard["own-production"].reason is REASONS[fault]
    assert {answer.status for answer in heard.values()} == {Status.UNAVAILABLE}
    simulated.order(address, "own-production", "well")
    heard = await asked(house)
    del heard["own-production"]
    assert sorted(heard) == sorted(set(EVERYBODY) - {"own-production"})
    assert {(a.status, a.reason) for a in heard.values()} == {(Status.UNAVAILABLE, REASONS[fault])}


async def test_a_lie_comes_under_a_good_signature_and_shows_in_the_facts(house, address):
    for name in EVERYBODY:
        simulated.order(address, name, "lying")
    heard = await asked(house)
    assert heard["laboratory"].fields["color"] == "M"
    assert heard["kp"].fields["certificates"]["BW000001"]["conflict"] is True
    assert heard["rjc"].fields["members"]["0000 2222"]["status"] == "suspended"
    assert heard["warranty"].fields["companies"]["manu"]["registered"] is False
    assert heard["match"].fields["score"] == "0.410"
    assert heard["own-production"].events[0]["cc"] == "BE"


@pytest.mark.parametrize(
    ("registry", "order", "key", "told"),
    [
        ("laboratory", "withdrawn", "6100000001", lambda a: (a.status, a.differs) == ("mismatch", ("withdrawn",))),
        ("own-production", "stolen", "OP-00001", lambda a: a.fields["stolen"] == ["OP-00001"]),
        ("own-production", "revoke", "OP-00001", lambda a: a.fields["revoked"] == ["GRADED"]),
        ("kp", "used", "BW000001", lambda a: a.fields["certificates"]["BW000001"]["used_mct"] == 1_250_500),
        ("rjc", "lapsed", "0000 2222", lambda a: a.fields["members"]["0000 2222"]["status"] == "expired"),
        ("warranty", "lapsed", "manu", lambda a: a.fields["companies"]["manu"]["registered"] is False),
        ("sanctions", "listed", "Manu", lambda a: a.fields["matched"] == ["manu"]),
    ],
)
async def test_what_happens_in_the_world_is_heard_and_can_be_taken_back(
    tmp_path, address, folder, registry, order, key, told
):
    async def heard():
        house = simulated.house(tmp_path, address, folder)  # nothing in hand
        try:
            return (await asked(house))[registry]
        finally:
            await house.close()

    simulated.order(address, registry, order, key)
    assert told(await heard())
    simulated.order(address, registry, f"not-{order}", key)
    assert not told(await heard())


@pytest.mark.parametrize(
    ("said", "status"), [("status=503", 503), ("status=418", 418), ("garble", 200), ("delay=1", 200), ("nonsense", 200)]
)
def test_one_answer_is_spoiled_by_its_own_header(address, said, status):
    answer = httpx2.get(f"{address}/sow/companies/manu", headers={"X-Sim": said})
    assert (answer.status_code, answer.headers["x-simulated"]) == (status, "true")


def test_a_header_can_cut_the_answer_short(address):
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(f"{address}/sow/companies/manu", headers={"X-Sim": "drop"})


def test_the_same_question_is_charged_once(address):
    def left(once, number="6100000002"):
        answer = httpx2.post(
            f"{address}/laboratory/GIA",
            json={"query": "", "variables": {"report_number": number}},
            headers={"Authorization": "simulated-pavilion", "Idempotency-Key": once},
        )
        return answer.json()["data"]["getReport"]["quota"]["remaining"]

    first = left("a")
    assert (left("a"), left("b"), left("a")) == (first, first - 1, first - 1)


def test_orders_come_from_this_machine_only(address):
    said = {"registry": "kp", "order": "down"}
    for headers in ({"Origin": "https://elsewhere.example"}, {"Host": "elsewhere.example"}):
        assert httpx2.post(f"{address}/control", json=said, headers=headers).status_code == 403
    assert httpx2.get(f"{address}/control").json()["kp"]["fault"] is None


@pytest.mark.parametrize(
    "said", [{}, [], {"registry": "kp"}, {"registry": "x", "order": "down"}, {"registry": "kp", "order": "stolen"}, 7]
)
def test_an_order_that_nobody_can_carry_out_is_refused(address, said):
    assert httpx2.post(f"{address}/control", json=said).status_code == 422


def test_the_page_lists_them_all_in_both_languages_and_its_buttons_work(address):
    for lang, title, word in (("en", "Simulated registries", "invented"), ("zh", "模拟登记机构", "虚构")):
        page = httpx2.get(f"{address}/?lang={lang}").text
        assert title in page and word in page
        assert all(f"<code>{name}</code>" in page for name in [*EVERYBODY, "shared-producer"])
    sent = {"registry": "laboratory", "order": "withdrawn", "key": "<b>", "lang": "zh"}
    answer = httpx2.post(f"{address}/control", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=zh")
    page = httpx2.get(f"{address}/").text
    assert "&lt;b&gt;" in page and "<b>" not in page


async def test_simulators_may_run_before_their_files_are_written(tmp_path):
    folder = tmp_path / "registry"
    with simulated.running(folder) as address:
        house = simulated.house(tmp_path, address, folder)
        assert (await asked(house))["own-production"].status is Status.ABSENT
        await house.close()
        simulated.folder_of(folder)
        house = simulated.house(tmp_path, address, folder)
        assert (await asked(house))["own-production"].status is Status.FOUND
        await house.close()
