"""Why a lot went as it did, told to one bidder: true, complete, and nothing of others but what prices show."""

from itertools import pairwise

import pytest

from pavilion.bidding import rules
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.why import tell
from pavilion.webkit import static
from pavilion.webkit.html import Pages
from tests.bidding.house import house
from tests.bidding.served import served
from tests.simulate.house import SALE, House

PAGES = Pages(static.frontend())


def stories(seed):
    """Each bidder's story of each lot, with that lot's events and all amounts by n."""
    one = House(seed, lots=2, bidders=4, staff=0.1).run(60)
    amounts = {}
    for line in one.private:
        amounts[line.n] = one.book.vault.open_bid(line.sealed, line.lot, line.paddle, line.key).amount
    for lot in one.book.lots.values():
        events = [event for event in one.events() if event["lot"] == lot.lot]
        bids = [event for event in events if event["type"] in ("bid.accepted", "bid.refused")]
        for alias in {event["data"]["bidder"] for event in bids}:
            own = {event["n"]: amounts[event["n"]] for event in bids if event["data"]["bidder"] == alias}
            seen = [event for event in events if event["seq"] > 0 or event["n"] in own]
            yield one, lot, alias, seen, own, amounts, tell(seen, own, one.doc["reserve_rule"])


@pytest.mark.parametrize("seed", range(8))
def test_every_sentence_exists_and_names_only_prices_and_own_amounts(seed):
    for one, _, alias, events, own, _, story in stories(seed):
        prices = {event["data"].get("price") for event in events}
        for why in story:
            assert all(tongue.knows("code", why.code) for tongue in PAGES.tongues.values()), why
            assert why.price is None or why.price in prices
            assert why.amount is None or why.amount in own.values()
        assert {why.n for why in story if why.n is not None} == own.keys(), (one, alias)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_said_of_a_bid_is_true_of_all_maxima(seed):
    said = set()
    for one, lot, alias, events, own, amounts, story in stories(seed):
        increments = parse_rules(one.doc).increments
        best = {}
        live = []
        pairs = {why.n: after for why, after in pairwise(story) if why.code == "why_bid"}
        for event in events:
            if event["type"] == "bid.voided":
                live = [bid for bid in live if bid.seq not in event["data"]["seqs"]]
            if event["type"] != "bid.accepted":
                continue
            live.append(rules.Commitment(event["data"]["bidder"], amounts[event["n"]], event["seq"]))
            best = rules.best_of(live)
            others = max((amount for name, (amount, _) in best.items() if name != alias), default=0)
            if event["n"] not in own:
                continue
            mine, after = best[alias][0], pairs[event["n"]]
            said.add(after.code)
            match after.code:
                case "why_lead_whole":
                    assert after.price == mine >= others and (increments.next(others) >= mine or not others)
                case "why_lead_step":
                    assert after.price in (increments.next(others), lot.terms.reserve, lot.terms.opening)
                case "why_not_enough":
                    assert others > mine
                case "why_tied":
                    assert others == mine == after.price
                case "why_lead_reserve":
                    assert mine >= lot.terms.reserve
                case "why_seller":
                    assert lot.terms.reserve > max(mine, others)
    assert SALE and said


async def test_a_bidder_reads_the_own_story_and_nobody_else_does(sqlite_database_url, sqlite_sessions):
    async with house(sqlite_database_url, sqlite_sessions) as made, served(made) as live:
        lot = made.lots[0]
        await made.bid(0, 412_345)
        await made.bid(1, 537_891)
        await made.bid(0, 1)
        async with live.browser(made.buyers[0]) as wen, live.browser(made.buyers[1]) as ilse, live.browser() as nobody:
            story = (await wen.get(f"/lots/{lot}/why")).text
            assert "your maximum was" in story and "4,123.45" in story and "You were outbid" in story
            assert "5,378.91" not in story and "&lt;" not in story  # amounts are marked up, and no markup is shown
            theirs = (await ilse.get(f"/lots/{lot}/why")).text
            assert "5,378.91" in theirs and "4,123.45" not in theirs
            assert (await wen.get(f"/lots/{made.lots[1]}/why")).status_code == 404
            assert (await nobody.get(f"/lots/{lot}/why", follow_redirects=False)).status_code in (303, 401)
            assert f"/lots/{lot}/why" in (await wen.get("/desk/bids")).text
            assert f"/lots/{lot}/why" in (await wen.get(f"/lots/{lot}")).text
            answer = await made.bid(0, 800_000)
            image = await wen.get(f"/sales/{made.sale}/receipts/{answer.n}.svg")
            assert image.headers["content-type"].startswith("image/svg") and "<svg" in image.text
            assert (await ilse.get(f"/sales/{made.sale}/receipts/{answer.n}.svg")).status_code == 404
