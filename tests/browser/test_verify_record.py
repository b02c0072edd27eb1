"""The record of a sale on the page /verify, in a real Chromium: checked in the browser, with the network cut."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.bidding.test_receipt_checking import receipt
from tests.simulate.house import SALE, SIGNER, House

OK = {"en": "What was checked is true.", "zh": "所核验的各项均成立。"}
TENDERS = json.loads(Path(__file__).parents[1].joinpath("vectors", "tender-records.json").read_bytes())["records"]
OPENED = {"en": "12 sealed bids held", "zh": "12 个密封出价已"}
SIMULATED = House(5, lots=3, bidders=5, staff=0.2).run(45)
RECORD = SIMULATED.record(6)
LOST = next(lot.lot for lot in SIMULATED.book.lots.values() if lot.state == "sold")
WITHHELD = SIMULATED.record(6, [LOST])  # its stone has lost the verdict since
NOT_SHOWN = {"en": "the origin of their stone is not confirmed", "zh": "裸石来源未获确认"}


def offered(page, lines, name="sale.record.jsonl"):
    page.set_input_files("#file", {"name": name, "mimeType": "application/jsonl", "buffer": b"".join(lines)})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_record_is_good_and_an_altered_one_names_its_line(reader, lang):
    visitor = reader(None, lang=lang, phone=lang == "zh")
    page = visitor.go("/verify")
    page.context.set_offline(True)  # all it needs has come with the page, which checks by itself where a worker has not
    offered(page, RECORD)
    verdict = page.locator("[data-verdict]")
    expect(verdict).to_contain_text(OK[lang])
    expect(verdict).to_have_class("verify-verdict is-leading")
    sent = []
    page.on("request", lambda request: sent.append((request.method, request.post_data, request.url)))
    at = next(k for k, line in enumerate(RECORD) if b'"bid.accepted"' in line)
    offered(page, [*RECORD[:at], RECORD[at].replace(b'"via":"online"', b'"via":"phone"'), *RECORD[at + 1 :]])
    expect(verdict).to_have_class("verify-verdict is-outbid")
    expect(verdict).to_contain_text(f"line {at + 1}, n ")
    offered(page, WITHHELD, "withheld.record.jsonl")
    expect(verdict).to_contain_text(OK[lang])
    hidden = sum(b'"kind":"leaf"' in line for line in WITHHELD)
    told = page.locator(".verify-line", has_text="HIDDEN")
    expect(told).to_contain_text(NOT_SHOWN[lang])
    expect(told).to_contain_text(str(hidden))
    assert hidden > 2 and LOST not in page.locator("main").inner_text(), "nothing of the lot is shown"
    offered(page, [line.encode() for line in TENDERS[2]], "tender.record.jsonl")  # of two rounds
    expect(verdict).to_contain_text(OK[lang])
    expect(page.locator(".verify-line.is-ok", has_text=OPENED[lang])).to_have_count(1)
    offered(page, [json.dumps(receipt()).encode()], "receipt-2.json")  # of a house whose key is not known here
    expect(verdict).to_contain_text("CHECKPOINT (")
    expect(page.locator(".verify-line.is-ok", has_text="OPENING")).to_contain_text("3,000")
    assert sent == []
    visitor.faults[:] = [fault for fault in visitor.faults if "ERR_INTERNET_DISCONNECTED" not in fault]
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_checkpoint_that_this_browser_kept_bears_witness(reader):
    page = reader(None).go("/verify")
    kept = next(line for line in RECORD if b'"checkpoint"' in line)
    page.evaluate(
        "([sale, line]) => localStorage.setItem('pavilion.checkpoint.' + sale, JSON.parse(line).text)",
        [SALE, kept.decode()],
    )
    offered(page, RECORD)
    expect(page.locator(".verify-line.is-ok", has_text="WATCHED")).to_have_count(1)
    other = f"{SIGNER.name}/sale/{SALE}\\n2\\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\\n\\n"
    sizes = [int(line.split(b"\\n")[1]) for line in RECORD if b'"checkpoint"' in line]
    other = other.replace("\\n2\\n", f"\\n{sizes[0]}\\n")
    page.evaluate(f"localStorage.setItem('pavilion.checkpoint.{SALE}', '{other}')")
    offered(page, RECORD, "again.record.jsonl")
    expect(page.locator("[data-verdict]")).to_have_class("verify-verdict is-outbid")
    expect(page.locator(".verify-line.is-fail", has_text="WATCHED")).to_have_count(1)
