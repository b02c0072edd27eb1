"""The page /verify and the passport's own proof in a real Chromium: nothing is sent, nothing is green that was not
checked, and the network may be cut."""

import re
import time

import pytest
from playwright.sync_api import expect

from pavilion.kernel.clock import utc_now
from pavilion.provenance import bundle, log_wiring, service
from tests.browser import axe
from tests.browser.conftest import PATIENCE_S
from tests.browser.test_every_page import WIDER
from tests.provenance import sealed, stones
from tests.provenance.sealed import Sealed


@pytest.fixture(scope="module")
def stone(house, tmp_path_factory):
    """A stone whose passport the house issues, logs and covers by itself."""
    registry = stones.registry(tmp_path_factory.mktemp("registry"), (1, stones.chain(1)))
    claim, signer = stones.claim(1), log_wiring.signer_of(house.settings)

    async def confirmed(sessions):
        async with sessions.begin() as session:
            return await service.confirm(session, claims=[claim], registry=registry, now=utc_now(), log=signer)

    (verdict,) = house.do(confirmed)
    assert verdict.verdict == "verified", verdict
    return claim.stone


@pytest.fixture
def packed(house, stone, reader):
    context = reader(None).context
    until = time.monotonic() + PATIENCE_S
    while (answer := context.request.get(f"{house.url}/passports/{stone}/bundle")).status != 200:
        assert time.monotonic() < until, answer.text()
        time.sleep(0.2)  # the worker issues and the log signs in their own time
    return answer.body()


VALID = {"en": "VALID, grade B", "zh": "有效：B 级"}
NOT_VALID = {"en": "NOT VALID: ", "zh": "无效："}


def offered(page, data, name="passport.zip"):
    page.set_input_files("#file", {"name": name, "mimeType": "application/zip", "buffer": data})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_with_the_network_cut_a_bundle_is_valid_and_a_changed_one_is_not(reader, packed, lang):
    visitor = reader(None, lang=lang, phone=lang == "zh")
    page = visitor.go("/verify")
    page.wait_for_load_state("networkidle")
    visitor.context.set_offline(True)
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    offered(page, packed)
    verdict = page.locator("[data-verdict]")
    expect(verdict).to_contain_text(VALID[lang])
    expect(verdict).to_have_class("verify-verdict is-leading")
    lines = page.locator(".verify-line")
    states = {line.locator("b").inner_text(): line.get_attribute("class") for line in lines.all()}
    assert states["VERDICT"] == states["COUNTERSIGN"] == "verify-line is-skip"
    assert states["WITNESS"] == "verify-line is-ok"
    members = bundle.read(packed).members
    for name in ("passport.json", "proofs/passport.entry", "status/1.jwt", "passport.jwt"):
        at = packed.index(members[name]) + len(members[name]) // 2
        offered(page, packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :])
        expect(verdict).to_have_class("verify-verdict is-outbid")
        expect(verdict).to_contain_text(NOT_VALID[lang])
        offered(page, packed)
        expect(verdict).to_contain_text(VALID[lang])
    offered(page, b"hello", "hello.txt")
    expect(verdict).to_have_class("verify-verdict is-quiet")
    assert [url for url in sent if "/static/fonts/" not in url] == []  # a new Chinese character asks for its shape
    visitor.context.set_offline(False)
    visitor.forgive("ERR_INTERNET_DISCONNECTED")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_report_reads_on_a_phone_and_has_no_fault_that_axe_knows(reader, packed, lang):
    page = reader(None, lang=lang, phone=True).go("/verify")
    offered(page, packed)
    expect(page.locator("[data-verdict]")).to_contain_text(VALID[lang])
    assert page.evaluate(WIDER, 360) == []
    found = axe.violations(page)
    assert [(fault["id"], [node["html"][:90] for node in fault["nodes"]]) for fault in found] == []
    if lang == "zh":
        facts = page.locator(".verify-line > span").all_inner_texts()
        assert all(re.search(r"[\u4e00-\u9fff]", fact.partition("\n")[2]) for fact in facts), facts


def test_of_another_house_the_page_says_what_to_hand_in_and_checks_by_it(reader):
    data = Sealed(cosigners=sealed.WITNESSES).packed()
    visitor = reader(None, phone=True)
    page = visitor.go("/verify")
    page.wait_for_load_state("networkidle")
    visitor.context.set_offline(True)
    offered(page, data)
    verdict, keys = page.locator("[data-verdict]"), page.locator(".verify-line").first
    expect(verdict).to_contain_text("NOT DECIDED: PROOF-DI")
    expect(keys).to_contain_text("https://house.example/.well-known/did.json")
    page.click("summary:has-text('another house')")
    pins = {"house.policy": sealed.policy().encode(), "did.json": sealed.did_document()}
    page.set_input_files("#pins", [{"name": n, "mimeType": "text/plain", "buffer": body} for n, body in pins.items()])
    expect(verdict).to_contain_text("VALID, grade A")
    expect(verdict).to_have_class("verify-verdict is-leading")
    expect(keys).to_contain_text("handed in with it: did:web:house.example")
    assert page.evaluate(WIDER, 360) == []
    visitor.context.set_offline(False)
    visitor.forgive("ERR_INTERNET_DISCONNECTED")


def test_a_file_may_be_dropped_and_the_keyboard_is_enough(reader, packed):
    page = reader(None).go("/verify")
    page.wait_for_load_state("networkidle")
    page.evaluate(
        """([name, bytes]) => {
        const given = new DataTransfer();
        given.items.add(new File([new Uint8Array(bytes)], name));
        const event = new DragEvent("drop", {dataTransfer: given, bubbles: true});
        document.querySelector("[data-drop]").dispatchEvent(event);
        }""",
        ["dropped.zip", list(packed)],
    )
    expect(page.locator("[data-where]")).to_contain_text("dropped.zip")
    expect(page.locator("[data-verdict]")).to_contain_text("VALID, grade B")
    page.focus("#file")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "submit"


def test_without_its_own_ed25519_the_browser_uses_ours_in_a_worker(reader, packed):
    visitor = reader(None)
    visitor.page.add_init_script("SubtleCrypto.prototype.importKey = () => Promise.reject(new Error('no'));")
    page = visitor.go("/verify")
    page.wait_for_load_state("networkidle")
    assert "ed25519-worker.js" in [worker.url.rpartition("/")[2] for worker in page.workers]
    offered(page, packed)
    expect(page.locator("[data-verdict]")).to_contain_text("VALID, grade B")


def test_without_scripts_the_form_is_answered_by_the_house(reader, packed):
    page = reader(None, script=False).go("/verify")
    offered(page, packed)
    page.click("button[type=submit]:has-text('Check')")
    expect(page.locator("[data-verdict]")).to_contain_text("VALID, grade B")


def test_the_passports_page_checks_itself(reader, packed, stone):
    page = reader(None).go(f"/passports/{stone}")
    panel = page.locator("[data-proof-panel]")
    expect(panel).to_have_attribute("data-checked", "0", timeout=15_000)
    expect(panel.locator("[data-verdict]")).to_contain_text("VALID, grade B")


@pytest.mark.parametrize("phone", [True, False])
def test_a_long_list_is_folded_on_a_phone_alone(reader, phone):
    page = reader(None, phone=phone).go("/log")
    page.evaluate(
        """() => {
        const part = document.createElement("details");
        part.className = "phone-fold";
        part.append(Object.assign(document.createElement("summary"), {textContent: "All 9"}));
        part.append(Object.assign(document.createElement("p"), {textContent: "the long list"}));
        document.querySelector("main").append(part);
        }"""
    )
    told, head = page.locator(".phone-fold > p"), page.locator(".phone-fold > summary")
    expect(head).to_be_visible(visible=phone)
    expect(told).to_be_visible(visible=not phone)
    if phone:
        head.click()
        expect(told).to_be_visible()
