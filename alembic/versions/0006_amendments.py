"""Rule sets are kept by their hash, and a lot may be added to a published sale until the hour before it opens."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TRIGGERS = {
    "postgresql": [
        "create trigger rule_sets_append_only before update or delete on rule_sets for each row execute function pavilion_refuse_change()",
        "drop trigger lots_none_added on lots",
        "create or replace function lots_none_added() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = new.sale_id) is not null and (new.state <> 'draft' or (select state from sales where id = new.sale_id) <> 'published') then raise exception 'a published sale does not change' using errcode = '23514'; end if; return new; end $$",
        "create trigger lots_none_added before insert on lots for each row execute function lots_none_added()",
        "drop trigger lots_facts_stand on lots",
        "create or replace function lots_facts_stand() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = old.sale_id) is not null and old.state <> 'draft' then raise exception 'a published sale does not change' using errcode = '23514'; end if; return new; end $$",
        "create trigger lots_facts_stand before update of sale_id, number, suffix, title_en, title_zh, low_minor, high_minor, opening_minor, consignor_company_id on lots for each row execute function lots_facts_stand()",
        "drop trigger lots_reserve_stands on lots",
        "create or replace function lots_reserve_stands() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = old.sale_id) is not null and old.state <> 'draft' and not (old.reserve_minor is not null and old.reserve_sealed is null and new.reserve_minor is null and new.reserve_sealed is not null) then raise exception 'a published sale does not change' using errcode = '23514'; end if; return new; end $$",
        "create trigger lots_reserve_stands before update of reserve_minor, reserve_sealed on lots for each row execute function lots_reserve_stands()",
        "drop trigger lots_stay on lots",
        "create or replace function lots_stay() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = old.sale_id) is not null and old.state <> 'draft' then raise exception 'a published sale does not change' using errcode = '23514'; end if; return old; end $$",
        "create trigger lots_stay before delete on lots for each row execute function lots_stay()",
        "drop trigger lot_stones_none_added on lot_stones",
        "create or replace function lot_stones_none_added() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = new.sale_id) is not null and ((select state from lots where id = new.lot_id) <> 'draft' or (select state from sales where id = new.sale_id) <> 'published') then raise exception 'a published sale does not change' using errcode = '23514'; end if; return new; end $$",
        "create trigger lot_stones_none_added before insert on lot_stones for each row execute function lot_stones_none_added()",
        "drop trigger lot_stones_stay on lot_stones",
        "create or replace function lot_stones_stay() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = old.sale_id) is not null and (select state from lots where id = old.lot_id) <> 'draft' then raise exception 'a published sale does not change' using errcode = '23514'; end if; return old; end $$",
        "create trigger lot_stones_stay before delete on lot_stones for each row execute function lot_stones_stay()",
    ],
    "sqlite": [
        "create trigger rule_sets_no_update before update on rule_sets begin select raise(abort, 'append only: rule_sets'); end",
        "create trigger rule_sets_no_delete before delete on rule_sets begin select raise(abort, 'append only: rule_sets'); end",
        "drop trigger lots_none_added",
        "create trigger lots_none_added before insert on lots for each row when (select rules_hash from sales where id = new.sale_id) is not null and (new.state <> 'draft' or (select state from sales where id = new.sale_id) <> 'published') begin select raise(abort, 'a published sale does not change'); end",
        "drop trigger lots_facts_stand",
        "create trigger lots_facts_stand before update of sale_id, number, suffix, title_en, title_zh, low_minor, high_minor, opening_minor, consignor_company_id on lots for each row when (select rules_hash from sales where id = old.sale_id) is not null and old.state <> 'draft' begin select raise(abort, 'a published sale does not change'); end",
        "drop trigger lots_reserve_stands",
        "create trigger lots_reserve_stands before update of reserve_minor, reserve_sealed on lots for each row when (select rules_hash from sales where id = old.sale_id) is not null and old.state <> 'draft' and not (old.reserve_minor is not null and old.reserve_sealed is null and new.reserve_minor is null and new.reserve_sealed is not null) begin select raise(abort, 'a published sale does not change'); end",
        "drop trigger lots_stay",
        "create trigger lots_stay before delete on lots for each row when (select rules_hash from sales where id = old.sale_id) is not null and old.state <> 'draft' begin select raise(abort, 'a published sale does not change'); end",
        "drop trigger lot_stones_none_added",
        "create trigger lot_stones_none_added before insert on lot_stones for each row when (select rules_hash from sales where id = new.sale_id) is not null and ((select state from lots where id = new.lot_id) <> 'draft' or (select state from sales where id = new.sale_id) <> 'published') begin select raise(abort, 'a published sale does not change'); end",
        "drop trigger lot_stones_stay",
        "create trigger lot_stones_stay before delete on lot_stones for each row when (select rules_hash from sales where id = old.sale_id) is not null and (select state from lots where id = old.lot_id) <> 'draft' begin select raise(abort, 'a published sale does not change'); end",
    ],
}


def upgrade() -> None:
    op.create_table(
        "rule_sets",
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sale", "hash", name=op.f("pk_rule_sets")),
    )
    # What stands published names a rule set already; the books written before kept no other.
    op.execute('insert into rule_sets (sale, hash, "text") select sale, rules_hash, rules from sale_books')
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("what the events of a book name is kept")
