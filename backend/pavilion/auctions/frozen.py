"""Guards that the database itself keeps: what is published stands still, and only exposed stones stand in lots."""

from dataclasses import dataclass

from sqlalchemy import DDL, Table, event

# A sale of any kind is frozen from its publication until it is unpublished.
_SALE = "(select state from sales where id = {row}.sale_id) <> 'draft'"
_LOT = "(select state from lots where id = {row}.lot_id)"


@dataclass(frozen=True, slots=True)
class Guard:
    """`act` on `table` is refused with `words` for each row of which `when` is true."""

    name: str
    table: str
    act: str  # insert, delete or update of ...
    when: str
    words: str

    def statements(self, dialect: str) -> tuple[str, ...]:
        if dialect == "sqlite":
            return (
                f"create trigger {self.name} before {self.act} on {self.table} for each row when {self.when} "
                f"begin select raise(abort, '{self.words}'); end",
            )
        row = "old" if self.act == "delete" else "new"
        return (
            f"create or replace function {self.name}() returns trigger language plpgsql as $$ begin "
            f"if {self.when} then raise exception '{self.words}' using errcode = '23514'; end if; return {row}; end $$",
            f"create trigger {self.name} before {self.act} on {self.table} for each row execute function {self.name}()",
        )


_LOT_FACTS = (
    "sale_id, number, suffix, title_en, title_zh, low_minor, high_minor, opening_minor, consignor_company_id, "
    "group_id, text_en, text_zh, on_request"
)
_SALE_FACTS = (
    "type, title_en, title_zh, text_en, text_zh, currency, zone, opens_at, first_close_at, stagger_s, stagger_per, "
    "breaks, increments, mode, soft_close, premium, reserve_rule, options, rules, rules_hash, entity, "
    "langs"
)
_SAME_STONE = "new.exposed_id is not distinct from (select public_id from stones where id = new.stone_id)"
_NEW, _OLD = _SALE.format(row="new"), _SALE.format(row="old")
_BOTH = "old.state <> 'draft' and new.state <> 'draft'"
_OTHER = f"new.exposed_id is not null and not ({_SAME_STONE})"
_CLEAR = "new.reserve_minor is not null"
# What an earlier version left in clear is sealed under published sales too, once; nothing else happens to a reserve.
_SEALING = (
    "old.reserve_minor is not null and old.reserve_sealed is null "
    "and new.reserve_minor is null and new.reserve_sealed is not null"
)
# A lot is added to a published sale as a draft, and stays one until the sale's book lists it (bidding spec 2); while
# the sale runs only one that is offered again. A collection takes none.
_LATE = (
    "{lot} <> 'draft' or (select type from sales where id = {row}.sale_id) = 'collection' "
    "or ((select state from sales where id = {row}.sale_id) <> 'published' and not ({again} is not null "
    "and (select state from sales where id = {row}.sale_id) in ('open', 'paused')))"
)
_STILL_OFFERED = (
    "new.relotted and not old.relotted "
    "and (select state from lots where id = old.lot_id) not in ('passed', 'withdrawn')"
)
_AGAIN = "(select reoffer_of from lots where id = new.lot_id)"
_LATE_LOT = f"{_NEW} and ({_LATE.format(lot='new.state', row='new', again='new.reoffer_of')})"
_STANDS = "a published sale does not change"
_SEALED = "a reserve stands sealed, never in clear"
_EXPOSED = "only an exposed stone can stand in a lot"

GUARDS = (
    Guard("sales_facts_stand", "sales", f"update of {_SALE_FACTS}", _BOTH, _STANDS),
    Guard("sales_stay", "sales", "delete", "old.state <> 'draft'", _STANDS),
    Guard("lots_none_added", "lots", "insert", _LATE_LOT, _STANDS),
    Guard(
        "lots_stay_listed",
        "lots",
        "update of state",
        f"{_OLD} and old.state <> 'draft' and new.state = 'draft'",
        _STANDS,
    ),
    Guard("lots_facts_stand", "lots", f"update of {_LOT_FACTS}", f"{_OLD} and old.state <> 'draft'", _STANDS),
    Guard(
        "lots_reserve_stands",
        "lots",
        "update of reserve_minor, reserve_sealed",
        f"{_OLD} and old.state <> 'draft' and not ({_SEALING})",
        _STANDS,
    ),
    Guard("lots_none_in_clear", "lots", "insert", _CLEAR, _SEALED),
    Guard("lots_reserve_sealed", "lots", "update of reserve_minor", _CLEAR, _SEALED),
    Guard("lots_stay", "lots", "delete", f"{_OLD} and old.state <> 'draft'", _STANDS),
    Guard(
        "lot_stones_none_added",
        "lot_stones",
        "insert",
        f"{_NEW} and ({_LATE.format(lot=_LOT.format(row='new'), row='new', again=_AGAIN)})",
        _STANDS,
    ),
    Guard("lot_stones_stand", "lot_stones", "update of lot_id, sale_id, stone_id, place", _OLD, _STANDS),
    # What a later lot offers again ended without a buyer, and is not unsaid while that lot stands.
    Guard("lot_stones_relotted", "lot_stones", "update of relotted", _STILL_OFFERED, _STANDS),
    Guard("lot_stones_stay", "lot_stones", "delete", f"{_OLD} and {_LOT.format(row='old')} <> 'draft'", _STANDS),
    Guard("lot_stones_exposed", "lot_stones", "insert", f"new.exposed_id is null or not ({_SAME_STONE})", _EXPOSED),
    Guard("lot_groups_stand", "lot_groups", "update", _OLD, _STANDS),
    Guard("lot_groups_stay", "lot_groups", "delete", _OLD, _STANDS),
    # A stone that loses its exposure empties the link by its foreign key; no other stone may take its place.
    Guard("lot_stones_own_exposure", "lot_stones", "update of stone_id, exposed_id", _OTHER, _EXPOSED),
)


def keep(table: Table) -> None:
    """The guards of this table are made with it, on both databases; `info` names them for the migration."""
    guards = [guard for guard in GUARDS if guard.table == table.name]
    table.info["guards"] = guards
    for guard in guards:
        for dialect in ("sqlite", "postgresql"):
            for statement in guard.statements(dialect):
                ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
                event.listen(table, "after_create", ddl.execute_if(dialect=dialect))
