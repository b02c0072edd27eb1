"""The modules of sealed bids in a real Chromium: what it seals the command opens, and its shares are the command's."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pavilion.bidding import custody, sealing
from pavilion.bidding.sealing import Payload
from pavilion.kernel.base64url import base64url
from pavilion.kernel.canon import canonical
from tests.bidding.tenders import CUSTODIANS, KEYS, LATER, SALE, SIGNER, payload, rules, tender

STATIC = Path(__file__).parents[2] / "frontend" / "static"


class Files(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def page(chrome):
    """A blank page beside the modules; once they are loaded the network is cut, and nothing needs it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(STATIC)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = chrome.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/js/seal.js")
    page.evaluate("async () => { await import('/js/seal.js'); (await import('/js/custodian.js')).prepare(); }")
    page.wait_for_load_state("networkidle")
    context.set_offline(True)
    yield page
    context.close()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("entry", "value"), [("total", 300_000), ("per_carat", 1), ("discount", -1250)])
def test_what_the_browser_seals_the_custodians_open(page, entry, value):
    bid = payload(entry=entry, value=value)
    made = page.evaluate(
        "async ([bid, custodians, k]) => (await import('/js/seal.js')).seal(bid, { custodians, k })",
        [bid._asdict(), list(CUSTODIANS), 2],
    )
    envelope = sealing.read_envelope(made, 3)
    shares = [(x, sealing.open_share(key, CUSTODIANS, envelope, x)) for x, key in enumerate(KEYS, start=1)]
    assert sealing.combine(envelope, CUSTODIANS, 2, shares[1:]) == bid
    hashed = page.evaluate("async (one) => (await import('/js/seal.js')).envelopeHash(one)", made)
    assert hashed == envelope.hash


def test_the_shares_of_a_browser_are_taken_like_those_of_the_command(page):
    """A key made by the command, a tender file of the house, a share file made in the browser."""
    key = canonical(custody.key_document(KEYS[1])).decode()
    handed = page.evaluate(
        """async ([key, file, house, rules, now]) => {
          const custodian = await import("/js/custodian.js");
          const tender = custodian.readTender(new TextEncoder().encode(file));
          await custodian.checkTender(tender, now, { house, rules });
          return custodian.openTender(await custodian.readKey(key), tender);
        }""",
        [key, canonical(tender()).decode(), str(SIGNER.verifier), rules(), LATER // 1000],
    )
    file = custody.read_tender(canonical(tender()))
    assert custody.read_shares(handed, CUSTODIANS) == custody.open_tender(KEYS[1], file)


def test_a_key_made_in_the_browser_is_a_key_of_the_command(page):
    text = page.evaluate(
        "async () => { const c = await import('/js/custodian.js'); return c.keyText(await c.newKey()); }"
    )
    key = custody.read_key(text.encode())
    assert canonical(custody.key_document(key)) + b"\n" == text.encode()
    circle = [base64url(key.point), CUSTODIANS[0]]
    envelope = sealing.seal(payload(), circle, 2, lambda count: bytes(range(count)))
    share = page.evaluate(
        """async ([key, circle, envelope]) => {
          const c = await import("/js/custodian.js");
          return [...(await c.openShare(await c.readKey(key), circle, envelope, 1))];
        }""",
        [text, circle, envelope.document()],
    )
    shares = [(1, bytes(share)), (2, sealing.open_share(KEYS[0], circle, envelope, 2))]
    assert isinstance(found := sealing.combine(envelope, circle, 2, shares), Payload) and found.sale == SALE
