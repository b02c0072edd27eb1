"""Reserves stand sealed. What stands in clear is sealed by the first start: a migration knows no key."""

import sqlalchemy as sa
from alembic import op

from pavilion.kernel.migrating import widen_check

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# The order of opening bid, reserve and estimates is kept by the program: a sealed amount cannot be compared here.
IN_ORDER = (
    "state = 'draft' or (number is not null and title_en <> '' and title_zh <> '' and consignor_company_id is not null and opening_minor is not null and low_minor is not null and high_minor is not null and opening_minor <= coalesce(reserve_minor, low_minor) and coalesce(reserve_minor, low_minor) <= low_minor and low_minor <= high_minor)",
    "state = 'draft' or (number is not null and title_en <> '' and title_zh <> '' and consignor_company_id is not null and opening_minor is not null and low_minor is not null and high_minor is not null and opening_minor <= low_minor and low_minor <= high_minor)",
)
GUARDS = {
    "postgresql": [
        "drop trigger lots_facts_stand on lots",
        "create or replace function lots_facts_stand() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = old.sale_id) is not null then raise exception 'a published sale does not change' using errcode = '23514'; end if; return new; end $$",
        "create trigger lots_facts_stand before update of sale_id, number, suffix, title_en, title_zh, low_minor, high_minor, opening_minor, consignor_company_id on lots for each row execute function lots_facts_stand()",
        "create or replace function lots_reserve_stands() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = old.sale_id) is not null and not (old.reserve_minor is not null and old.reserve_sealed is null and new.reserve_minor is null and new.reserve_sealed is not null) then raise exception 'a published sale does not change' using errcode = '23514'; end if; return new; end $$",
        "create trigger lots_reserve_stands before update of reserve_minor, reserve_sealed on lots for each row execute function lots_reserve_stands()",
        "create or replace function lots_none_in_clear() returns trigger language plpgsql as $$ begin if new.reserve_minor is not null then raise exception 'a reserve stands sealed, never in clear' using errcode = '23514'; end if; return new; end $$",
        "create trigger lots_none_in_clear before insert on lots for each row execute function lots_none_in_clear()",
        "create or replace function lots_reserve_sealed() returns trigger language plpgsql as $$ begin if new.reserve_minor is not null then raise exception 'a reserve stands sealed, never in clear' using errcode = '23514'; end if; return new; end $$",
        "create trigger lots_reserve_sealed before update of reserve_minor on lots for each row execute function lots_reserve_sealed()",
    ],
    "sqlite": [
        "drop trigger lots_facts_stand",
        "create trigger lots_facts_stand before update of sale_id, number, suffix, title_en, title_zh, low_minor, high_minor, opening_minor, consignor_company_id on lots for each row when (select rules_hash from sales where id = old.sale_id) is not null begin select raise(abort, 'a published sale does not change'); end",
        "create trigger lots_reserve_stands before update of reserve_minor, reserve_sealed on lots for each row when (select rules_hash from sales where id = old.sale_id) is not null and not (old.reserve_minor is not null and old.reserve_sealed is null and new.reserve_minor is null and new.reserve_sealed is not null) begin select raise(abort, 'a published sale does not change'); end",
        "create trigger lots_none_in_clear before insert on lots for each row when new.reserve_minor is not null begin select raise(abort, 'a reserve stands sealed, never in clear'); end",
        "create trigger lots_reserve_sealed before update of reserve_minor on lots for each row when new.reserve_minor is not null begin select raise(abort, 'a reserve stands sealed, never in clear'); end",
    ],
}


def upgrade() -> None:
    bind = op.get_bind()
    op.add_column("lots", sa.Column("reserve_sealed", sa.String(length=72), nullable=True))
    widen_check(bind, "lots", "ck_lots_complete_when_listed", *IN_ORDER)
    for statement in GUARDS[bind.dialect.name]:
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("what is sealed is not said again")
