"""Stories of the viewing desk in the form of the public vectors: operations, and what each is answered."""

OFFICES = [{"id": "ant", "zone": "Europe/Brussels"}, {"id": "hkg", "zone": "Asia/Hong_Kong"}]
ROOMS = [{"id": "R1", "office": "ant", "cap": 4}, {"id": "H1", "office": "hkg", "cap": 6}]
DESKS = [{"id": id, "office": "ant", "room": "R1"} for id in ("A3", "A4", "A5")]
DESKS += [{"id": "H1a", "office": "hkg", "room": "H1"}, {"id": "V1", "office": "ant"}]
STONES = [{"id": id, "line": [{"office": "ant"}]} for id in ("S1", "S2", "S3")]
NINE, TEN, ELEVEN, NOON = (f"2026-03-16T{hour:02d}:00:00Z" for hour in (9, 10, 11, 12))
EARLY = "2026-03-02T08:00:00Z"


def setup(rules=None, **more):
    return {"offices": OFFICES, "rooms": ROOMS, "desks": DESKS, "rules": rules or {}, "stones": STONES} | more


def book(ref, company="C1", desk="A3", start=NINE, end=TEN, at=EARLY, op="book", **more):
    said = {"at": at, "op": op, "ref": ref, "company": company, "desk": desk, "start": start, "end": end}
    return said | more


def then(op, ref=None, at=EARLY, **more):
    return {"at": at, "op": op} | ({"ref": ref} if ref else {}) | more


def ok(**more):
    return {"code": "ok"} | more


def no(code, **more):
    return {"code": code} | more


STORIES = {
    "bad input is named and nothing is taken": (setup(), [
        (book("a", start=TEN, end=NINE), no("bad_input")),
        (book("b", start="2101-01-01T09:00:00Z", end="2101-01-01T10:00:00Z"), no("bad_input")),
        (book("c", party=0), no("bad_input")),
        (book("d", party=21), no("bad_input")),
        (book("e", stones=["S1", "S1"]), no("bad_input")),
        (book("f", stones=[f"S{n}" for n in range(10_000)]), no("bad_input")),
        (book("g", end="2026-03-18T09:00:00Z"), no("bad_input")),
        (book("h", mode="remote"), no("bad_input")),
        (book("i", desk="V1"), no("bad_input")),
        (book("j", desk="A9"), no("unknown_reference")),
        (book("k", stones=["S9"]), no("unknown_reference")),
        (book("l", quotas=["q"]), no("unknown_reference")),
        (book("m", start="2026-03-16T09:01:00Z", end="2026-03-16T09:59:00Z", desk="A9"), no("not_on_grid", grid={
            "start": ["2026-03-16T09:00:00.000000Z", "2026-03-16T09:05:00.000000Z"],
            "end": ["2026-03-16T09:55:00.000000Z", "2026-03-16T10:00:00.000000Z"]})),
        (book("n", start="2026-03-01T09:00:00Z", end="2026-03-01T10:00:00Z"), no("notice_too_short")),
        (then("confirm", "n"), no("unknown_reference")),
        (then("look", "n"), no("unknown_reference")),
        (book("o"), ok()),
        (book("o", start=TEN, end=ELEVEN), no("bad_input")),
    ]),
    "the first check that fails is the answer": (
        setup({"company_day_limit": 1, "company_hours": 1, "horizon": 30 * 1440}, viewing_ends="2026-03-18T00:00:00Z",
              windows=[{"office": "ant", "open": "2026-03-16T08:00:00Z", "close": "2026-03-20T17:00:00Z"}]), [
        (then("stone_hold", stone="S1", company="C9", **{"from": EARLY, "to": "2026-03-20T00:00:00Z"}), ok()),
        (then("memo_out", stone="S2", **{"from": NINE, "to": NOON}), ok()),
        (book("a", start="2026-03-18T09:00:00Z", end="2026-03-18T10:00:00Z", stones=["S2"]), no("viewing_closed")),
        (book("b", start="2026-03-16T07:30:00Z", end="2026-03-16T08:30:00Z", stones=["S2"]), no("outside_window")),
        (book("c", stones=["S2", "S1"]), no("on_memo", stone="S2")),
        (book("d", stones=["S1", "S2"]), no("stone_on_hold", stone="S1", until="2026-03-20T00:00:00Z")),
        (book("e"), ok()),
        (book("f", desk="A4", stones=["S2"]), no("company_day_limit")),
        (book("g", start="2026-03-17T09:00:00Z", end="2026-03-17T10:00:00Z"), no("company_hours")),
        (book("h", "C2", stones=["S1"], party=9), no("stone_on_hold")),
        (book("i", "C2", party=9), no("desk_taken")),
        (book("j", "C2", desk="A4", party=4), no("room_full", clash_from=NINE, clash_to=TEN)),
    ]),
    "a company sits at one desk, unless more are allowed; its place in the room is one": (
        setup({"desks_per_company": 2}, regimes=[{"office": "ant", "companies": 2}]), [
        (book("a", "C1", "A3"), ok()),
        (book("b", "C1", "A4"), ok()),
        (book("c", "C1", "A5"), no("company_busy")),
        (book("d", "C2", "A5"), ok()),
        (then("cancel", "a"), ok()),
        (book("e", "C3", "A3"), no("room_companies")),
        (then("cancel", "b"), ok()),
        (book("f", "C3", "A3"), ok()),
    ]),
    "who comes for one company is not with another": (setup(), [
        (book("a", "C1", "A3", visitors=["Ada"]), ok()),
        (book("b", "C2", "A4", visitors=["Ada"]), no("visitor_busy")),
        (book("c", "C2", "A4", start=TEN, end=ELEVEN, visitors=["Ada"]), ok()),
    ]),
    "an operator shows one stone after the other": (setup(desks=[*DESKS, {"id": "V2", "office": "ant"}]), [
        (book("a", "C1", "V1", mode="remote", operator="P1"), ok()),
        (book("b", "C2", "V2", mode="remote", operator="P1"), no("operator_taken")),
        (book("c", "C2", "V2", mode="remote", operator="P2"), ok()),
        (book("d", "C3", "V2", mode="remote", operator="P1", start="2026-03-16T10:05:00Z", end=ELEVEN), ok()),
    ]),
    "a refusal for holds alone says when to come again": (setup(), [
        (book("a", op="hold", party=2), ok(expires="2026-03-02T08:05:00Z")),
        (book("b", "C2", "A4", at="2026-03-02T08:01:00Z", op="hold", party=2), ok()),
        (book("c", "C3", "A5", at="2026-03-02T08:01:30Z"),
         no("room_full", retry_after=270, clash_from=NINE, clash_to=TEN)),
        (then("confirm", "a", "2026-03-02T08:02:00Z"), ok()),
        (then("confirm", "a", "2026-03-02T08:02:01Z"), ok(state="booked")),
        (book("d", "C3", "A3", at="2026-03-02T08:02:02Z"), {"code": "desk_taken", "retry_after": None}),
        (book("e", "C3", "A5", at="2026-03-02T08:03:00Z", party=3), {"code": "room_full", "retry_after": None}),
        (book("f", "C3", "A5", at="2026-03-02T08:03:00Z", party=2), no("room_full", retry_after=180)),
        (then("confirm", "b", "2026-03-02T08:06:00Z"), no("hold_expired", rehold_possible=True)),
        (book("g", "C3", "A5", at="2026-03-02T08:06:01Z", party=2), ok()),
        (then("confirm", "b", "2026-03-02T08:06:02Z"), no("hold_expired", rehold_possible=False)),
        (then("cancel", "b", "2026-03-02T08:06:03Z"), no("wrong_state")),
    ]),
    "a move that cannot be leaves everything where it was": (setup(quotas=[{"id": "q", "cap": 3}]), [
        (book("a", stones=["S1"], party=2, quotas=["q"]), ok()),
        (book("b", "C2", "A4", start=ELEVEN, end=NOON, stones=["S2"]), ok()),
        (then("reschedule", "a", start=ELEVEN, end=NOON, desk="A4"), no("desk_taken")),
        (book("c", "C3", "A3"), no("desk_taken")),
        (then("reschedule", "a", start=ELEVEN, end=NOON, desk="A5"), ok(sequence=1)),
        (book("c", "C3", "A3", stones=["S1"]), ok()),
        (book("d", "C4", "A3", start=ELEVEN, end=NOON, stones=["S1"]), no("stone_taken", stone="S1")),
        (book("d", "C4", "A3", start=ELEVEN, end=NOON, party=2, quotas=["q"]), no("room_full")),
        (book("d", "C4", "A3", start="2026-03-17T09:00:00Z", end="2026-03-17T10:00:00Z", party=2, quotas=["q"]),
         no("quota_full", quota="q")),
        (then("cancel", "a"), ok(sequence=2)),
        (book("d", "C4", "A3", start="2026-03-17T09:00:00Z", end="2026-03-17T10:00:00Z", party=2, quotas=["q"]), ok()),
        (then("reschedule", "a", start=ELEVEN, end=NOON), no("wrong_state")),
        (then("reschedule", "z", start=ELEVEN, end=NOON), no("unknown_reference")),
    ]),
    "after the cut-off staff moves, buyers do not": (setup(), [
        (book("a"), ok()),
        (then("reschedule", "a", "2026-03-14T09:00:00Z", start=TEN, end=ELEVEN), ok(sequence=1)),
        (then("reschedule", "a", "2026-03-14T10:00:01Z", start=NINE, end=TEN),
         no("cutoff_passed", cutoff="2026-03-14T10:00:00Z", cutoff_local="2026-03-14T11:00+01:00")),
        (then("reschedule", "a", "2026-03-14T10:00:02Z", start=NINE, end=TEN, by="staff"), ok(sequence=2)),
    ]),
    "check-in opens, once, and the end of a viewing frees the rest after its pad": (setup({"after": 10}), [
        (book("a", end=ELEVEN, stones=["S1"]), ok()),
        (then("checkin", "a", "2026-03-16T08:29:59Z"), no("too_early")),
        (then("finish", "a", "2026-03-16T08:30:00Z"), no("wrong_state")),
        (then("checkin", "a", "2026-03-16T08:30:00Z"), ok(state="checked_in")),
        (then("cancel", "a", "2026-03-16T09:20:00Z"), no("wrong_state")),
        (book("b", "C2", at="2026-03-16T09:31:00Z", start="2026-03-16T09:45:00Z", stones=["S1"]), no("desk_taken")),
        (then("finish", "a", "2026-03-16T09:32:00Z"), ok(state="done")),
        (book("b", "C2", at="2026-03-16T09:32:00Z", start="2026-03-16T09:40:00Z", stones=["S1"]), no("desk_taken")),
        (book("b", "C2", at="2026-03-16T09:32:00Z", start="2026-03-16T09:45:00Z", stones=["S1"]), ok()),
        (book("c", "C1", "A4", at="2026-03-16T09:32:00Z", start="2026-03-16T09:35:00Z"), ok()),
    ]),
    "who missed the start may still sit down while nobody else does": (setup(), [
        (book("a", party=2), ok()),
        (then("look", "a", "2026-03-16T09:15:00Z"), ok(state="no_show")),
        (book("b", "C2", "A4", at="2026-03-16T09:16:00Z", start="2026-03-16T09:40:00Z", party=3), ok()),
        (then("checkin", "a", "2026-03-16T09:22:00Z"), no("no_show")),
        (then("cancel", "b", "2026-03-16T09:23:00Z", by="staff"), ok()),
        (then("checkin", "a", "2026-03-16T09:24:00Z"), ok(state="checked_in")),
        (book("c", "C3", "A3", at="2026-03-16T09:25:00Z", start="2026-03-16T09:30:00Z"), no("desk_taken")),
        (book("d", "C4", "A5", at=EARLY.replace("02T08", "16T10"), start=ELEVEN, end=NOON), ok()),
        (then("checkin", "d", "2026-03-16T12:00:00Z"), no("no_show")),
    ]),
    "a memo neither begins over a viewing nor lets one begin": (setup({"after": 15}), [
        (book("a", stones=["S1"]), ok()),
        (then("memo_out", stone="S1", **{"from": "2026-03-16T10:10:00Z", "to": NOON}), no("stone_taken", stone="S1")),
        (then("memo_out", stone="S1", **{"from": "2026-03-16T10:15:00Z", "to": NOON}), ok()),
        (then("memo_out", stone="S1", **{"from": TEN, "to": TEN}), no("bad_input")),
        (then("memo_out", stone="S9", **{"from": NINE, "to": TEN}), no("unknown_reference")),
        (then("memo_return", stone="S2"), no("unknown_reference")),
        (book("b", "C2", "A4", start=NOON, end="2026-03-16T13:00:00Z", stones=["S1"]), ok()),
        (then("withdraw", stone="S1"), ok(updated=["a", "b"], needs_attention=["a", "b"])),
        (book("c", "C3", "A5", start=NOON, end="2026-03-16T13:00:00Z", stones=["S1"]), no("stone_withdrawn")),
        (then("look", "a"), ok(state="booked")),
        (then("confirm", "a"), ok(sequence=1)),
    ]),
    "offers go by the order of waiting and are given back, lapse once, or end": (setup({"cutoff_h": 0}), [
        (book("x", "C9"), ok()),
        (book("w1", "C1", op="join"), ok()),
        (book("w2", "C2", op="join", priority=-1, party=2), ok()),
        (book("w3", "C3", op="join", at="2026-03-02T08:30:00Z"), ok()),
        (then("look", "w1", "2026-03-02T08:30:00Z"), ok(state="waiting")),
        (then("confirm", "w1", "2026-03-02T08:30:00Z"), no("unknown_reference")),
        (then("decline", "w1", "2026-03-02T08:30:00Z"), no("wrong_state")),
        (then("cancel", "x", "2026-03-02T09:00:00Z"), ok(offers=["w2"], skipped=["w1", "w3"])),
        (then("decline", "w2", "2026-03-02T09:10:00Z"), ok(offers=["w1"], skipped=["w3"])),
        (then("look", "w2", "2026-03-02T09:10:00Z"), ok(state="gone")),
        (then("look", "w1", "2026-03-02T11:10:00Z"), ok(state="waiting", offers=["w3"], skipped=[])),
        (then("confirm", "w1", "2026-03-02T11:10:00Z"), no("hold_expired", rehold_possible=False)),
        (then("look", "w3", "2026-03-02T13:10:00Z"), ok(state="waiting", offers=["w1"], skipped=[])),
        (then("look", "w1", "2026-03-02T15:10:00Z"), ok(state="gone", offers=["w3"], skipped=[])),
        (then("look", "w3", "2026-03-02T17:10:00Z"), ok(state="gone")),
        (book("y", "C8", at="2026-03-02T17:11:00Z"), ok()),
    ]),
    "an offer never outlives the notice, and who would start too soon is passed over": (
        setup({"cutoff_h": 0, "min_notice": 60}), [
        (book("x", "C9"), ok()),
        (book("w1", "C1", op="join"), ok()),
        (then("cancel", "x", "2026-03-16T07:30:00Z"), ok(offers=["w1"], skipped=[])),
        (then("look", "w1", "2026-03-16T07:59:59Z"), ok(state="held")),
        (then("look", "w1", "2026-03-16T08:00:00Z"), ok(state="waiting")),
        (book("z", "C7", op="join", at="2026-03-16T08:00:01Z"), no("notice_too_short")),
    ]),
    "what was asked for waits for the office and obeys it then": (setup({"company_day_limit": 1}), [
        (book("a", op="request", stones=["S1"]), ok(state="requested")),
        (book("b", "C2", stones=["S1"]), ok()),
        (then("approve", "a"), no("desk_taken")),
        (then("look", "a"), ok(state="requested")),
        (then("cancel", "b"), ok()),
        (then("approve", "a"), ok(state="booked")),
        (then("approve", "a"), ok(state="booked")),
        (book("c", op="request", start=TEN, end=ELEVEN), ok()),
        (then("approve", "c"), no("company_day_limit")),
        (then("cancel", "c", by="staff"), ok(state="cancelled", sequence=0)),
    ]),
    "one way of telling neighbours apart, with the sum of the pads": (setup({"before": 5, "after": 10,
                                                                           "gap_mode": "sum"}), [
        (book("a", stones=["S1"]), ok()),
        (book("b", "C2", "A4", start="2026-03-16T10:10:00Z", end=ELEVEN, stones=["S1"]), no("stone_taken")),
        (book("b", "C2", "A4", start="2026-03-16T10:15:00Z", end=ELEVEN, stones=["S1"]), ok()),
        (then("reschedule", "a", start="2026-03-16T09:05:00Z", end="2026-03-16T10:05:00Z"), no("stone_taken")),
        (then("reschedule", "a", start="2026-03-16T08:55:00Z", end="2026-03-16T10:00:00Z"), ok()),
    ]),
}  # fmt: skip
