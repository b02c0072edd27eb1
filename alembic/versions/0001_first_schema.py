"""The house's first schema.

Triggers are written out here as they stood; the application's own definitions live beside its models.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")

TRIGGERS = {
    "postgresql": [
        """create or replace function pavilion_refuse_change() returns trigger language plpgsql as
$$ begin raise exception 'append only: %', tg_table_name using errcode = 'restrict_violation'; end $$""",
        """create trigger book_bids_append_only before update or delete on book_bids for each row execute function pavilion_refuse_change()""",
        """create trigger book_events_append_only before update or delete on book_events for each row execute function pavilion_refuse_change()""",
        """create trigger book_openings_append_only before update or delete on book_openings for each row execute function pavilion_refuse_change()""",
        """create trigger chain_events_append_only before update or delete on chain_events for each row execute function pavilion_refuse_change()""",
        """create trigger checkpoints_append_only before update or delete on checkpoints for each row execute function pavilion_refuse_change()""",
        """create trigger events_append_only before update or delete on events for each row execute function pavilion_refuse_change()""",
        """create trigger lot_moves_append_only before update or delete on lot_moves for each row execute function pavilion_refuse_change()""",
        """create trigger paid_lots_append_only before update or delete on paid_lots for each row execute function pavilion_refuse_change()""",
        """create trigger postings_append_only before update or delete on postings for each row execute function pavilion_refuse_change()""",
        """create trigger registry_answers_append_only before update or delete on registry_answers for each row execute function pavilion_refuse_change()""",
        """create trigger reserve_openings_append_only before update or delete on reserve_openings for each row execute function pavilion_refuse_change()""",
        """create trigger review_decisions_append_only before update or delete on review_decisions for each row execute function pavilion_refuse_change()""",
        """create or replace function sales_facts_stand() returns trigger language plpgsql as $$ begin if old.rules_hash is not null and new.rules_hash is not null then raise exception 'a published sale does not change' using errcode = '23514'; end if; return new; end $$""",
        """create trigger sales_facts_stand before update of type, title_en, title_zh, text_en, text_zh, currency, zone, opens_at, first_close_at, stagger_s, stagger_per, breaks, increments, mode, soft_close, premium, reserve_rule, rules, rules_hash, entity on sales for each row execute function sales_facts_stand()""",
        """create or replace function sales_stay() returns trigger language plpgsql as $$ begin if old.rules_hash is not null then raise exception 'a published sale does not change' using errcode = '23514'; end if; return old; end $$""",
        "create trigger sales_stay before delete on sales for each row execute function sales_stay()",
        """create trigger staff_aliases_append_only before update or delete on staff_aliases for each row execute function pavilion_refuse_change()""",
        """create trigger stock_contents_append_only before update or delete on stock_contents for each row execute function pavilion_refuse_change()""",
        """create trigger verdicts_append_only before update or delete on verdicts for each row execute function pavilion_refuse_change()""",
        """create trigger journal_append_only before update or delete on journal for each row execute function pavilion_refuse_change()""",
        """create or replace function pavilion_posting_balances() returns trigger language plpgsql as
$$ begin
  if exists (select 1 from journal where txn_id = new.txn_id group by currency having sum(amount_minor) <> 0) then
    raise exception 'posting % does not balance', new.txn_id using errcode = 'check_violation';
  end if;
  return null;
end $$""",
        """create constraint trigger journal_balances after insert on journal deferrable initially deferred for each row execute function pavilion_posting_balances()""",
        """create or replace function lots_none_added() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = new.sale_id) is not null then raise exception 'a published sale does not change' using errcode = '23514'; end if; return new; end $$""",
        "create trigger lots_none_added before insert on lots for each row execute function lots_none_added()",
        """create or replace function lots_facts_stand() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = old.sale_id) is not null then raise exception 'a published sale does not change' using errcode = '23514'; end if; return new; end $$""",
        """create trigger lots_facts_stand before update of sale_id, number, suffix, title_en, title_zh, low_minor, high_minor, reserve_minor, opening_minor, consignor_company_id on lots for each row execute function lots_facts_stand()""",
        """create or replace function lots_stay() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = old.sale_id) is not null then raise exception 'a published sale does not change' using errcode = '23514'; end if; return old; end $$""",
        "create trigger lots_stay before delete on lots for each row execute function lots_stay()",
        """create trigger stock_mappings_append_only before update or delete on stock_mappings for each row execute function pavilion_refuse_change()""",
        """create trigger invoice_papers_append_only before update or delete on invoice_papers for each row execute function pavilion_refuse_change()""",
        """create trigger payments_append_only before update or delete on payments for each row execute function pavilion_refuse_change()""",
        """create or replace function lot_stones_none_added() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = new.sale_id) is not null then raise exception 'a published sale does not change' using errcode = '23514'; end if; return new; end $$""",
        """create trigger lot_stones_none_added before insert on lot_stones for each row execute function lot_stones_none_added()""",
        """create or replace function lot_stones_stand() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = old.sale_id) is not null then raise exception 'a published sale does not change' using errcode = '23514'; end if; return new; end $$""",
        """create trigger lot_stones_stand before update of lot_id, sale_id, stone_id, place on lot_stones for each row execute function lot_stones_stand()""",
        """create or replace function lot_stones_stay() returns trigger language plpgsql as $$ begin if (select rules_hash from sales where id = old.sale_id) is not null then raise exception 'a published sale does not change' using errcode = '23514'; end if; return old; end $$""",
        """create trigger lot_stones_stay before delete on lot_stones for each row execute function lot_stones_stay()""",
        """create or replace function lot_stones_exposed() returns trigger language plpgsql as $$ begin if new.exposed_id is null or not (new.exposed_id is not distinct from (select public_id from stones where id = new.stone_id)) then raise exception 'only an exposed stone can stand in a lot' using errcode = '23514'; end if; return new; end $$""",
        """create trigger lot_stones_exposed before insert on lot_stones for each row execute function lot_stones_exposed()""",
        """create or replace function lot_stones_own_exposure() returns trigger language plpgsql as $$ begin if new.exposed_id is not null and not (new.exposed_id is not distinct from (select public_id from stones where id = new.stone_id)) then raise exception 'only an exposed stone can stand in a lot' using errcode = '23514'; end if; return new; end $$""",
        """create trigger lot_stones_own_exposure before update of stone_id, exposed_id on lot_stones for each row execute function lot_stones_own_exposure()""",
    ],
    "sqlite": [
        """create trigger book_bids_no_update before update on book_bids begin select raise(abort, 'append only: book_bids'); end""",
        """create trigger book_bids_no_delete before delete on book_bids begin select raise(abort, 'append only: book_bids'); end""",
        """create trigger book_events_no_update before update on book_events begin select raise(abort, 'append only: book_events'); end""",
        """create trigger book_events_no_delete before delete on book_events begin select raise(abort, 'append only: book_events'); end""",
        """create trigger book_openings_no_update before update on book_openings begin select raise(abort, 'append only: book_openings'); end""",
        """create trigger book_openings_no_delete before delete on book_openings begin select raise(abort, 'append only: book_openings'); end""",
        """create trigger chain_events_no_update before update on chain_events begin select raise(abort, 'append only: chain_events'); end""",
        """create trigger chain_events_no_delete before delete on chain_events begin select raise(abort, 'append only: chain_events'); end""",
        """create trigger checkpoints_no_update before update on checkpoints begin select raise(abort, 'append only: checkpoints'); end""",
        """create trigger checkpoints_no_delete before delete on checkpoints begin select raise(abort, 'append only: checkpoints'); end""",
        """create trigger events_no_update before update on events begin select raise(abort, 'append only: events'); end""",
        """create trigger events_no_delete before delete on events begin select raise(abort, 'append only: events'); end""",
        """create trigger lot_moves_no_update before update on lot_moves begin select raise(abort, 'append only: lot_moves'); end""",
        """create trigger lot_moves_no_delete before delete on lot_moves begin select raise(abort, 'append only: lot_moves'); end""",
        """create trigger paid_lots_no_update before update on paid_lots begin select raise(abort, 'append only: paid_lots'); end""",
        """create trigger paid_lots_no_delete before delete on paid_lots begin select raise(abort, 'append only: paid_lots'); end""",
        """create trigger postings_no_update before update on postings begin select raise(abort, 'append only: postings'); end""",
        """create trigger postings_no_delete before delete on postings begin select raise(abort, 'append only: postings'); end""",
        """create trigger registry_answers_no_update before update on registry_answers begin select raise(abort, 'append only: registry_answers'); end""",
        """create trigger registry_answers_no_delete before delete on registry_answers begin select raise(abort, 'append only: registry_answers'); end""",
        """create trigger reserve_openings_no_update before update on reserve_openings begin select raise(abort, 'append only: reserve_openings'); end""",
        """create trigger reserve_openings_no_delete before delete on reserve_openings begin select raise(abort, 'append only: reserve_openings'); end""",
        """create trigger review_decisions_no_update before update on review_decisions begin select raise(abort, 'append only: review_decisions'); end""",
        """create trigger review_decisions_no_delete before delete on review_decisions begin select raise(abort, 'append only: review_decisions'); end""",
        """create trigger sales_facts_stand before update of type, title_en, title_zh, text_en, text_zh, currency, zone, opens_at, first_close_at, stagger_s, stagger_per, breaks, increments, mode, soft_close, premium, reserve_rule, rules, rules_hash, entity on sales for each row when old.rules_hash is not null and new.rules_hash is not null begin select raise(abort, 'a published sale does not change'); end""",
        """create trigger sales_stay before delete on sales for each row when old.rules_hash is not null begin select raise(abort, 'a published sale does not change'); end""",
        """create trigger staff_aliases_no_update before update on staff_aliases begin select raise(abort, 'append only: staff_aliases'); end""",
        """create trigger staff_aliases_no_delete before delete on staff_aliases begin select raise(abort, 'append only: staff_aliases'); end""",
        """create trigger stock_contents_no_update before update on stock_contents begin select raise(abort, 'append only: stock_contents'); end""",
        """create trigger stock_contents_no_delete before delete on stock_contents begin select raise(abort, 'append only: stock_contents'); end""",
        """create trigger verdicts_no_update before update on verdicts begin select raise(abort, 'append only: verdicts'); end""",
        """create trigger verdicts_no_delete before delete on verdicts begin select raise(abort, 'append only: verdicts'); end""",
        """create trigger journal_no_update before update on journal begin select raise(abort, 'append only: journal'); end""",
        """create trigger journal_no_delete before delete on journal begin select raise(abort, 'append only: journal'); end""",
        """create trigger lots_none_added before insert on lots for each row when (select rules_hash from sales where id = new.sale_id) is not null begin select raise(abort, 'a published sale does not change'); end""",
        """create trigger lots_facts_stand before update of sale_id, number, suffix, title_en, title_zh, low_minor, high_minor, reserve_minor, opening_minor, consignor_company_id on lots for each row when (select rules_hash from sales where id = old.sale_id) is not null begin select raise(abort, 'a published sale does not change'); end""",
        """create trigger lots_stay before delete on lots for each row when (select rules_hash from sales where id = old.sale_id) is not null begin select raise(abort, 'a published sale does not change'); end""",
        """create trigger stock_mappings_no_update before update on stock_mappings begin select raise(abort, 'append only: stock_mappings'); end""",
        """create trigger stock_mappings_no_delete before delete on stock_mappings begin select raise(abort, 'append only: stock_mappings'); end""",
        """create trigger invoice_papers_no_update before update on invoice_papers begin select raise(abort, 'append only: invoice_papers'); end""",
        """create trigger invoice_papers_no_delete before delete on invoice_papers begin select raise(abort, 'append only: invoice_papers'); end""",
        """create trigger payments_no_update before update on payments begin select raise(abort, 'append only: payments'); end""",
        """create trigger payments_no_delete before delete on payments begin select raise(abort, 'append only: payments'); end""",
        """create trigger lot_stones_none_added before insert on lot_stones for each row when (select rules_hash from sales where id = new.sale_id) is not null begin select raise(abort, 'a published sale does not change'); end""",
        """create trigger lot_stones_stand before update of lot_id, sale_id, stone_id, place on lot_stones for each row when (select rules_hash from sales where id = old.sale_id) is not null begin select raise(abort, 'a published sale does not change'); end""",
        """create trigger lot_stones_stay before delete on lot_stones for each row when (select rules_hash from sales where id = old.sale_id) is not null begin select raise(abort, 'a published sale does not change'); end""",
        """create trigger lot_stones_exposed before insert on lot_stones for each row when new.exposed_id is null or not (new.exposed_id is not distinct from (select public_id from stones where id = new.stone_id)) begin select raise(abort, 'only an exposed stone can stand in a lot'); end""",
        """create trigger lot_stones_own_exposure before update of stone_id, exposed_id on lot_stones for each row when new.exposed_id is not null and not (new.exposed_id is not distinct from (select public_id from stones where id = new.stone_id)) begin select raise(abort, 'only an exposed stone can stand in a lot'); end""",
    ],
}


def upgrade() -> None:
    op.create_table(
        "book_bids",
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("paddle", BIG, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("alias", sa.String(length=4), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sale", "paddle", "key", name=op.f("pk_book_bids")),
        sa.UniqueConstraint("sale", "n", name=op.f("uq_book_bids_sale_n")),
    )
    op.create_table(
        "book_events",
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("n", BIG, autoincrement=False, nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=True),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("t", INSTANT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("type", sa.String(length=24), nullable=False),
        sa.Column("prev", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("n >= 0 and seq >= 0", name=op.f("ck_book_events_counted")),
        sa.CheckConstraint("seq > 0 or lot is not null", name=op.f("ck_book_events_sale_in_order")),
        sa.PrimaryKeyConstraint("sale", "n", name=op.f("pk_book_events")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "uq_book_events_lot_seq",
        "book_events",
        ["lot", "seq"],
        unique=True,
        postgresql_where=sa.text("seq > 0"),
        sqlite_where=sa.text("seq > 0"),
    )
    op.create_index(
        "uq_book_events_sale_seq",
        "book_events",
        ["sale", "seq"],
        unique=True,
        postgresql_where=sa.text("lot is null"),
        sqlite_where=sa.text("lot is null"),
    )
    op.create_table(
        "book_lots",
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("opening", BIG, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("price", BIG, nullable=True),
        sa.Column("ask", BIG, nullable=False),
        sa.Column("leader", BIG, nullable=True),
        sa.Column("alias", sa.String(length=4), nullable=True),
        sa.Column("reserve_met", sa.Boolean(), nullable=True),
        sa.Column("bids", BIG, nullable=False),
        sa.Column("end", INSTANT, nullable=False),
        sa.Column("published_end", INSTANT, nullable=False),
        sa.Column("paused_at", INSTANT, nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_reserve", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "state in ('listed', 'open', 'paused', 'closing', 'sold', 'passed', 'withdrawn')",
            name=op.f("ck_book_lots_state_known"),
        ),
        sa.PrimaryKeyConstraint("lot", name=op.f("pk_book_lots")),
    )
    op.create_index("ix_book_lots_sale_position", "book_lots", ["sale", "position"], unique=False)
    op.create_table(
        "book_openings",
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("n", BIG, autoincrement=False, nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("sale", "n", name=op.f("pk_book_openings")),
    )
    op.create_table(
        "chain_events",
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("prev_sha256", sa.String(length=64), nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("stone", "seq", name=op.f("pk_chain_events")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "chain_uses",
        sa.Column("what", sa.String(length=160), nullable=False),
        sa.Column("piece", sa.String(length=80), nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("mct", BIG, nullable=False),
        sa.Column("detail", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("what", "piece", "stone", name=op.f("pk_chain_uses")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_chain_uses_stone", "chain_uses", ["stone"], unique=False)
    op.create_table(
        "checkpoints",
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("size", BIG, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sale", "size", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "companies",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("city", sa.String(length=80), nullable=False),
        sa.Column("tax_no", sa.String(length=40), nullable=False),
        sa.Column("owners", sa.JSON(), nullable=False),
        sa.Column("sow_self_assessed", sa.String(length=10), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("applied_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "state in ('applied', 'approved', 'declined', 'suspended')", name=op.f("ck_companies_state_known")
        ),
        sa.CheckConstraint("length(country) = 2", name=op.f("ck_companies_country_two_letters")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companies")),
        sa.UniqueConstraint("public_id", name=op.f("uq_companies_public_id")),
    )
    op.create_table(
        "counters",
        sa.Column("series", sa.String(length=60), nullable=False),
        sa.Column("last", BIG, nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_counters")),
    )
    op.create_table(
        "event_cursors",
        sa.Column("follower", sa.String(length=60), nullable=False),
        sa.Column("last_id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("follower", name=op.f("pk_event_cursors")),
    )
    op.create_table(
        "events",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_name_id", "events", ["name", "id"], unique=False)
    op.create_index("ix_events_subject", "events", ["subject"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("run_until", INSTANT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("state in ('due', 'running', 'done', 'failed')", name=op.f("ck_jobs_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_jobs_kind_key")),
    )
    op.create_index("ix_jobs_state_due_at", "jobs", ["state", "due_at"], unique=False)
    op.create_table(
        "lot_moves",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sale_id", BIG, nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("from_key", sa.String(length=120), nullable=True),
        sa.Column("to_key", sa.String(length=120), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_moves")),
    )
    op.create_index("ix_lot_moves_sale_id_id", "lot_moves", ["sale_id", "id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_outbox_kind_key")),
    )
    op.create_index("ix_outbox_sent_at_id", "outbox", ["sent_at", "id"], unique=False)
    op.create_table(
        "paid_lots",
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("lot", name=op.f("pk_paid_lots")),
    )
    op.create_index(op.f("ix_paid_lots_sale"), "paid_lots", ["sale"], unique=False)
    op.create_table(
        "postings",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.String(length=40), nullable=True),
        sa.Column("reverses", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["reverses"], ["postings.id"], name=op.f("fk_postings_reverses_postings"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postings")),
        sa.UniqueConstraint("key", name=op.f("uq_postings_key")),
    )
    op.create_table(
        "registry_answers",
        sa.Column("id", BIG, nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("registry_name", sa.String(length=60), nullable=False),
        sa.Column("claim_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=True),
        sa.Column("differs", sa.String(length=200), nullable=False),
        sa.Column("raw_sha256", sa.String(length=64), nullable=True),
        sa.Column("signature", sa.String(length=100), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "status in ('found', 'mismatch', 'absent', 'unavailable')", name=op.f("ck_registry_answers_status_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_answers")),
    )
    op.create_index("ix_registry_answers_stone_id", "registry_answers", ["stone", "id"], unique=False)
    op.create_table(
        "reserve_openings",
        sa.Column("lot", sa.String(length=26), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("reserve", BIG, nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("lot", name=op.f("pk_reserve_openings")),
    )
    op.create_index(op.f("ix_reserve_openings_sale"), "reserve_openings", ["sale"], unique=False)
    op.create_table(
        "review_decisions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("inputs_sha256", sa.String(length=64), nullable=False),
        sa.Column("verdict_sha256", sa.String(length=64), nullable=False),
        sa.Column("by", sa.String(length=26), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_decisions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_review_decisions_public_id")),
    )
    op.create_index("ix_review_decisions_stone_id", "review_decisions", ["stone", "id"], unique=False)
    op.create_table(
        "sale_books",
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("rules_hash", sa.String(length=64), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.CheckConstraint(
            "state in ('unpublished', 'published', 'open', 'paused', 'closed')", name=op.f("ck_sale_books_state_known")
        ),
        sa.PrimaryKeyConstraint("sale", name=op.f("pk_sale_books")),
    )
    op.create_table(
        "sale_leases",
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("holder", sa.String(length=60), nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("beat_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sale", name=op.f("pk_sale_leases")),
    )
    op.create_table(
        "sales",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("type", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("title_en", sa.String(length=160), nullable=False),
        sa.Column("title_zh", sa.String(length=160), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("place_city", sa.String(length=80), nullable=False),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("opens_at", INSTANT, nullable=True),
        sa.Column("first_close_at", INSTANT, nullable=True),
        sa.Column("stagger_s", BIG, nullable=False),
        sa.Column("stagger_per", BIG, nullable=False),
        sa.Column("breaks", sa.JSON(), nullable=False),
        sa.Column("increments", sa.JSON(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("soft_close", sa.JSON(), nullable=False),
        sa.Column("premium", sa.JSON(), nullable=False),
        sa.Column("reserve_rule", sa.String(length=5), nullable=False),
        sa.Column("rules", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("rules_hash", sa.String(length=64), nullable=True),
        sa.Column("snapshot_hash", sa.String(length=64), nullable=True),
        sa.Column("version", BIG, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.CheckConstraint("(state = 'draft') = (rules_hash is null)", name=op.f("ck_sales_published_with_rules")),
        sa.CheckConstraint("mode in ('add', 'snap')", name=op.f("ck_sales_mode_known")),
        sa.CheckConstraint("reserve_rule in ('jump', 'push', 'house')", name=op.f("ck_sales_reserve_rule_known")),
        sa.CheckConstraint(
            "state in ('draft', 'published', 'open', 'paused', 'closed', 'settled')", name=op.f("ck_sales_state_known")
        ),
        sa.CheckConstraint("type in ('timed')", name=op.f("ck_sales_type_known")),
        sa.CheckConstraint("rules_hash is null or length(rules_hash) = 64", name=op.f("ck_sales_rules_hash_sha256")),
        sa.CheckConstraint("stagger_s >= 0 and stagger_per > 0", name=op.f("ck_sales_stagger_forward")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales")),
        sa.UniqueConstraint("public_id", name=op.f("uq_sales_public_id")),
    )
    op.create_index("ix_sales_state_opens_at", "sales", ["state", "opens_at"], unique=False)
    op.create_table(
        "staff_aliases",
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("alias", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("sale", "person", name=op.f("pk_staff_aliases")),
        sa.UniqueConstraint("sale", "alias", name=op.f("uq_staff_aliases_sale_alias")),
    )
    op.create_table(
        "stock_contents",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_stock_contents")),
    )
    op.create_table(
        "stone_verdicts",
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("grade", sa.String(length=1), nullable=False),
        sa.Column("assurance", sa.String(length=1), nullable=False),
        sa.Column("ruleset", sa.String(length=40), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("codes", sa.String(length=400), nullable=False),
        sa.Column("claim", sa.JSON(), nullable=False),
        sa.Column("registry_name", sa.String(length=60), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("inputs_sha256", sa.String(length=64), nullable=False),
        sa.Column("verdict_sha256", sa.String(length=64), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("pending_since", INSTANT, nullable=True),
        sa.Column("next_try", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(grade = '-') = (verdict <> 'verified')", name=op.f("ck_stone_verdicts_grade_only_when_verified")
        ),
        sa.CheckConstraint(
            "verdict in ('verified', 'review', 'pending', 'rejected')", name=op.f("ck_stone_verdicts_verdict_known")
        ),
        sa.PrimaryKeyConstraint("stone", name=op.f("pk_stone_verdicts")),
        sa.UniqueConstraint("stone", "verdict", name=op.f("uq_stone_verdicts_stone_verdict")),
    )
    op.create_index(
        "ix_stone_verdicts_open",
        "stone_verdicts",
        ["decided_at", "stone"],
        unique=False,
        postgresql_where=sa.text("verdict <> 'verified'"),
        sqlite_where=sa.text("verdict <> 'verified'"),
    )
    op.create_index(
        "ix_stone_verdicts_registry_name_next_try", "stone_verdicts", ["registry_name", "next_try"], unique=False
    )
    op.create_table(
        "verdicts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("grade", sa.String(length=1), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "verdict in ('verified', 'review', 'pending', 'rejected')", name=op.f("ck_verdicts_verdict_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
    )
    op.create_index("ix_verdicts_stone_id", "verdicts", ["stone", "id"], unique=False)
    op.create_table(
        "exposed_stones",
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("exposed_at", INSTANT, nullable=False),
        sa.CheckConstraint("verdict = 'verified'", name=op.f("ck_exposed_stones_only_verified")),
        sa.ForeignKeyConstraint(
            ["stone", "verdict"],
            ["stone_verdicts.stone", "stone_verdicts.verdict"],
            name="fk_exposed_stones_verdict",
            onupdate="RESTRICT",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("stone", name=op.f("pk_exposed_stones")),
    )
    op.create_table(
        "invoices",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("destination", sa.String(length=2), nullable=False),
        sa.Column("regime", sa.String(length=20), nullable=True),
        sa.Column("rate_bp", BIG, nullable=False),
        sa.Column("tax_table", sa.String(length=40), nullable=False),
        sa.Column("total_minor", BIG, nullable=False),
        sa.Column("memo_tax_minor", BIG, nullable=False),
        sa.Column("warranty_id", sa.String(length=60), nullable=True),
        sa.Column("warranty_sha256", sa.String(length=64), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=True),
        sa.Column("issued_on", sa.String(length=10), nullable=True),
        sa.Column("due_on", sa.String(length=10), nullable=True),
        sa.CheckConstraint("(state = 'draft') = (number is null)", name=op.f("ck_invoices_issued_with_number")),
        sa.CheckConstraint(
            "state in ('draft', 'issued', 'overdue', 'defaulted', 'paid', 'cancelled', 'written_off')",
            name=op.f("ck_invoices_state_known"),
        ),
        sa.CheckConstraint("total_minor >= 0", name=op.f("ck_invoices_total_counted")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_invoices_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("number", name=op.f("uq_invoices_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_invoices_public_id")),
    )
    op.create_index("ix_invoices_company_id", "invoices", ["company_id"], unique=False)
    op.create_index("ix_invoices_sale", "invoices", ["sale"], unique=False)
    op.create_index(
        "uq_invoices_draft",
        "invoices",
        ["sale", "company_id", "currency", "entity"],
        unique=True,
        sqlite_where=sa.text("state = 'draft'"),
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_table(
        "journal",
        sa.Column("id", BIG, nullable=False),
        sa.Column("txn_id", BIG, nullable=False),
        sa.Column("account", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_journal_amount_moves")),
        sa.ForeignKeyConstraint(
            ["txn_id"], ["postings.id"], name=op.f("fk_journal_txn_id_postings"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
    )
    op.create_index("ix_journal_account_currency", "journal", ["account", "currency"], unique=False)
    op.create_index("ix_journal_txn_id", "journal", ["txn_id"], unique=False)
    op.create_table(
        "lots",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("sale_id", BIG, nullable=False),
        sa.Column(
            "rank",
            sa.String(length=120).with_variant(sa.VARCHAR(length=120, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("number", BIG, nullable=True),
        sa.Column("suffix", sa.String(length=2), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("low_minor", BIG, nullable=True),
        sa.Column("high_minor", BIG, nullable=True),
        sa.Column("reserve_minor", BIG, nullable=True),
        sa.Column("opening_minor", BIG, nullable=True),
        sa.Column("consignor_company_id", BIG, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.CheckConstraint(
            "state = 'draft' or (number is not null and title_en <> '' and title_zh <> '' and consignor_company_id is not null and opening_minor is not null and low_minor is not null and high_minor is not null and opening_minor <= coalesce(reserve_minor, low_minor) and coalesce(reserve_minor, low_minor) <= low_minor and low_minor <= high_minor)",
            name=op.f("ck_lots_complete_when_listed"),
        ),
        sa.CheckConstraint(
            "state in ('draft', 'listed', 'open', 'paused', 'closing', 'sold', 'passed', 'withdrawn')",
            name=op.f("ck_lots_state_known"),
        ),
        sa.CheckConstraint("high_minor > 0 and high_minor <= 999999999999999", name=op.f("ck_lots_high_positive")),
        sa.CheckConstraint("low_minor > 0", name=op.f("ck_lots_low_positive")),
        sa.CheckConstraint("number is null or number > 0", name=op.f("ck_lots_number_positive")),
        sa.CheckConstraint("opening_minor > 0", name=op.f("ck_lots_opening_positive")),
        sa.CheckConstraint("reserve_minor > 0", name=op.f("ck_lots_reserve_positive")),
        sa.ForeignKeyConstraint(
            ["consignor_company_id"],
            ["companies.id"],
            name=op.f("fk_lots_consignor_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_lots_sale_id_sales"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lots")),
        sa.UniqueConstraint("id", "sale_id", name=op.f("uq_lots_id_sale_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_lots_public_id")),
        sa.UniqueConstraint("sale_id", "number", "suffix", name=op.f("uq_lots_sale_id_number_suffix")),
        sa.UniqueConstraint("sale_id", "rank", name=op.f("uq_lots_sale_id_rank")),
    )
    op.create_index("ix_lots_consignor_company_id", "lots", ["consignor_company_id"], unique=False)
    op.create_table(
        "people",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("lang", sa.String(length=2), nullable=True),
        sa.Column("failed_sign_ins", BIG, nullable=False),
        sa.Column("locked_until", INSTANT, nullable=True),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_people_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("email", name=op.f("uq_people_email")),
        sa.UniqueConstraint("public_id", name=op.f("uq_people_public_id")),
    )
    op.create_table(
        "stock_files",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("supplier_company_id", BIG, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("profile", sa.String(length=12), nullable=False),
        sa.Column("mapping_version", BIG, nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("sent_by", sa.String(length=26), nullable=True),
        sa.Column("header_map", sa.JSON(), nullable=False),
        sa.Column("unknown_headers", sa.JSON(), nullable=False),
        sa.Column("file_issues", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("received", BIG, nullable=False),
        sa.Column("done", BIG, nullable=False),
        sa.Column("row_reached", BIG, nullable=False),
        sa.Column("withdrawn_by_replace", BIG, nullable=False),
        sa.Column("confirmed", BIG, nullable=True),
        sa.Column("queued_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint("mode in ('add', 'update', 'replace')", name=op.f("ck_stock_files_mode_known")),
        sa.CheckConstraint(
            "state in ('queued', 'running', 'waiting', 'done', 'stopped')", name=op.f("ck_stock_files_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["sha256"],
            ["stock_contents.sha256"],
            name=op.f("fk_stock_files_sha256_stock_contents"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["supplier_company_id"],
            ["companies.id"],
            name=op.f("fk_stock_files_supplier_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_files")),
        sa.UniqueConstraint("public_id", name=op.f("uq_stock_files_public_id")),
        sa.UniqueConstraint(
            "supplier_company_id",
            "sha256",
            "mode",
            "profile",
            "mapping_version",
            "dry_run",
            name=op.f("uq_stock_files_supplier_company_id_sha256_mode_profile_mapping_version_dry_run"),
        ),
    )
    op.create_index("ix_stock_files_supplier_company_id_id", "stock_files", ["supplier_company_id", "id"], unique=False)
    op.create_table(
        "stock_mappings",
        sa.Column("id", BIG, nullable=False),
        sa.Column("supplier_company_id", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=26), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["supplier_company_id"],
            ["companies.id"],
            name=op.f("fk_stock_mappings_supplier_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_mappings")),
        sa.UniqueConstraint(
            "supplier_company_id", "version", name=op.f("uq_stock_mappings_supplier_company_id_version")
        ),
    )
    op.create_table(
        "curation_commands",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sale_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("by", BIG, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["by"], ["people.id"], name=op.f("fk_curation_commands_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_curation_commands_sale_id_sales"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_curation_commands")),
    )
    op.create_index("ix_curation_commands_sale_id_id", "curation_commands", ["sale_id", "id"], unique=False)
    op.create_table(
        "invoice_lines",
        sa.Column("id", BIG, nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=True),
        sa.Column("text_en", sa.String(length=300), nullable=False),
        sa.Column("text_zh", sa.String(length=300), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.CheckConstraint(
            "kind in ('hammer', 'premium', 'charge', 'tax', 'credit')", name=op.f("ck_invoice_lines_kind_known")
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_invoice_lines_amount_counted")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_lines_invoice_id_invoices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_lines")),
        sa.UniqueConstraint("invoice_id", "place", name=op.f("uq_invoice_lines_invoice_id_place")),
        sa.UniqueConstraint("lot", "kind", name=op.f("uq_invoice_lines_lot_kind")),
    )
    op.create_table(
        "invoice_papers",
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("lang", sa.String(length=2), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_papers_invoice_id_invoices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("invoice_id", "lang", name=op.f("pk_invoice_papers")),
    )
    op.create_table(
        "payments",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("value_date", sa.String(length=10), nullable=False),
        sa.Column("bank_reference", sa.String(length=60), nullable=False),
        sa.Column("entered_by", BIG, nullable=False),
        sa.Column("confirmed_by", BIG, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payments_amount_positive")),
        sa.CheckConstraint("confirmed_by <> entered_by", name=op.f("ck_payments_two_persons")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["people.id"], name=op.f("fk_payments_confirmed_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["people.id"], name=op.f("fk_payments_entered_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_payments_invoice_id_invoices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("entity", "bank_reference", name=op.f("uq_payments_entity_bank_reference")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payments_public_id")),
    )
    op.create_index("ix_payments_invoice_id", "payments", ["invoice_id"], unique=False)
    op.create_table(
        "person_roles",
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.CheckConstraint(
            "role in ('visitor', 'viewer', 'buyer', 'supplier', 'producer', 'company_admin', 'curator', 'reserve', 'registrar', 'clerk', 'auctioneer', 'lead', 'cashier', 'viewings', 'compliance', 'auditor', 'admin')",
            name=op.f("ck_person_roles_role_known"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_person_roles_person_id_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "role", name=op.f("pk_person_roles")),
    )
    op.create_table(
        "proposals",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("proposed_by", BIG, nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("decided_by", BIG, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "state in ('open', 'approved', 'declined', 'expired')", name=op.f("ck_proposals_state_known")
        ),
        sa.CheckConstraint("decided_by is null or decided_by <> proposed_by", name=op.f("ck_proposals_two_persons")),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["people.id"], name=op.f("fk_proposals_decided_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["people.id"], name=op.f("fk_proposals_proposed_by_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("public_id", name=op.f("uq_proposals_public_id")),
    )
    op.create_index("ix_proposals_state", "proposals", ["state", "id"], unique=False)
    op.create_table(
        "registrations",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("sale_id", BIG, nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("paddle", BIG, nullable=True),
        sa.Column("limit_minor", BIG, nullable=True),
        sa.Column("asked_minor", BIG, nullable=True),
        sa.Column("destination", sa.String(length=2), nullable=False),
        sa.Column("terms_hash", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("applied_by", BIG, nullable=False),
        sa.Column("applied_at", INSTANT, nullable=False),
        sa.Column("decided_by", BIG, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("version", BIG, nullable=False),
        sa.CheckConstraint(
            "state in ('applied', 'more_information', 'approved', 'declined', 'suspended', 'struck', 'closed')",
            name=op.f("ck_registrations_state_known"),
        ),
        sa.CheckConstraint(
            "state not in ('approved', 'suspended', 'struck') or (paddle is not null and limit_minor is not null)",
            name=op.f("ck_registrations_approved_with_paddle"),
        ),
        sa.CheckConstraint("length(destination) = 2", name=op.f("ck_registrations_destination_two_letters")),
        sa.CheckConstraint(
            "limit_minor >= 0 and limit_minor <= 999999999999999", name=op.f("ck_registrations_limit_counted")
        ),
        sa.CheckConstraint("paddle is null or paddle > 0", name=op.f("ck_registrations_paddle_positive")),
        sa.ForeignKeyConstraint(
            ["applied_by"], ["people.id"], name=op.f("fk_registrations_applied_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_registrations_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["people.id"], name=op.f("fk_registrations_decided_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_registrations_sale_id_sales"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("public_id", name=op.f("uq_registrations_public_id")),
        sa.UniqueConstraint("sale_id", "company_id", name=op.f("uq_registrations_sale_id_company_id")),
        sa.UniqueConstraint("sale_id", "paddle", name=op.f("uq_registrations_sale_id_paddle")),
    )
    op.create_index("ix_registrations_company_id", "registrations", ["company_id"], unique=False)
    op.create_index("ix_registrations_state_id", "registrations", ["state", "id"], unique=False)
    op.create_table(
        "sign_in_sessions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_sign_in_sessions_person_id_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_sessions")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_sign_in_sessions_token_sha256")),
    )
    op.create_index("ix_sign_in_sessions_person_id", "sign_in_sessions", ["person_id"], unique=False)
    op.create_table(
        "stock_rows",
        sa.Column("file_id", BIG, nullable=False),
        sa.Column("row", BIG, nullable=False),
        sa.Column("stock_no", sa.String(length=80), nullable=False),
        sa.Column("outcome", sa.String(length=30), nullable=False),
        sa.Column("issues", sa.JSON(), nullable=False),
        sa.Column("first_row", BIG, nullable=True),
        sa.Column("stone", sa.String(length=26), nullable=True),
        sa.Column("verdict", sa.String(length=10), nullable=True),
        sa.Column("grade", sa.String(length=1), nullable=True),
        sa.Column("verdict_sha256", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "outcome in ('accepted', 'accepted_with_warnings', 'accepted_changed', 'pending_lab', 'pending_origin', 'review', 'duplicate_in_file', 'duplicate_of_other_supplier', 'rejected', 'unchanged')",
            name=op.f("ck_stock_rows_outcome_known"),
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stock_files.id"], name=op.f("fk_stock_rows_file_id_stock_files"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "row", name=op.f("pk_stock_rows")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_stock_rows_file_id_outcome_row", "stock_rows", ["file_id", "outcome", "row"], unique=False)
    op.create_table(
        "stones",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("supplier_company_id", BIG, nullable=False),
        sa.Column("stock_no", sa.String(length=32), nullable=False),
        sa.Column("stock_no_key", sa.String(length=32), nullable=False),
        sa.Column("species", sa.String(length=20), nullable=False),
        sa.Column("variety", sa.String(length=20), nullable=True),
        sa.Column("shape", sa.String(length=20), nullable=False),
        sa.Column("weight_mct", BIG, nullable=False),
        sa.Column("color", sa.String(length=4), nullable=True),
        sa.Column("clarity", sa.String(length=20), nullable=True),
        sa.Column("cut", sa.String(length=20), nullable=True),
        sa.Column("polish", sa.String(length=20), nullable=True),
        sa.Column("symmetry", sa.String(length=20), nullable=True),
        sa.Column("fluor_intensity", sa.String(length=20), nullable=True),
        sa.Column("fluor_color", sa.String(length=20), nullable=True),
        sa.Column("fancy_color", sa.String(length=20), nullable=True),
        sa.Column("fancy_secondary", sa.String(length=20), nullable=True),
        sa.Column("fancy_intensity", sa.String(length=20), nullable=True),
        sa.Column("fancy_overtone", sa.String(length=120), nullable=True),
        sa.Column("treatment", sa.String(length=20), nullable=True),
        sa.Column("lab", sa.String(length=20), nullable=False),
        sa.Column("report_no", sa.String(length=40), nullable=False),
        sa.Column("length_um", BIG, nullable=True),
        sa.Column("width_um", BIG, nullable=True),
        sa.Column("depth_um", BIG, nullable=True),
        sa.Column("depth_pct", BIG, nullable=True),
        sa.Column("table_pct", BIG, nullable=True),
        sa.Column("ratio", BIG, nullable=True),
        sa.Column("crown_angle", BIG, nullable=True),
        sa.Column("crown_height_pct", BIG, nullable=True),
        sa.Column("pavilion_angle", BIG, nullable=True),
        sa.Column("pavilion_depth_pct", BIG, nullable=True),
        sa.Column("girdle_pct", BIG, nullable=True),
        sa.Column("girdle_min", sa.String(length=20), nullable=True),
        sa.Column("girdle_max", sa.String(length=20), nullable=True),
        sa.Column("culet", sa.String(length=20), nullable=True),
        sa.Column("price_per_carat_minor", BIG, nullable=True),
        sa.Column("price_total_minor", BIG, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("list_pct", BIG, nullable=True),
        sa.Column("availability", sa.String(length=30), nullable=False),
        sa.Column("city", sa.String(length=80), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("origin_id", sa.String(length=64), nullable=False),
        sa.Column("origin_registry", sa.String(length=60), nullable=True),
        sa.Column("mine_country", sa.String(length=2), nullable=True),
        sa.Column("mine", sa.String(length=120), nullable=True),
        sa.Column("producer", sa.String(length=120), nullable=True),
        sa.Column("rough_weight_mct", BIG, nullable=True),
        sa.Column("cutter_name", sa.String(length=120), nullable=True),
        sa.Column("cutter_years", BIG, nullable=True),
        sa.Column("picture", sa.String(length=80), nullable=True),
        sa.Column("words", sa.JSON(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("listed_at", INSTANT, nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.Column("exposed_id", sa.String(length=26), nullable=True),
        sa.CheckConstraint("exposed_id = public_id", name=op.f("ck_stones_exposed_as_itself")),
        sa.CheckConstraint("length_um >= width_um", name=op.f("ck_stones_length_is_the_longer")),
        sa.CheckConstraint(
            "price_per_carat_minor >= 0 and price_total_minor >= 0", name=op.f("ck_stones_price_not_negative")
        ),
        sa.CheckConstraint("weight_mct > 0", name=op.f("ck_stones_weight_positive")),
        sa.ForeignKeyConstraint(
            ["exposed_id"],
            ["exposed_stones.stone"],
            name=op.f("fk_stones_exposed_id_exposed_stones"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["supplier_company_id"],
            ["companies.id"],
            name=op.f("fk_stones_supplier_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stones")),
        sa.UniqueConstraint("public_id", name=op.f("uq_stones_public_id")),
        sa.UniqueConstraint(
            "supplier_company_id", "stock_no_key", name=op.f("uq_stones_supplier_company_id_stock_no_key")
        ),
    )
    op.create_index("ix_stones_exposed_id", "stones", ["exposed_id"], unique=False)
    op.create_index("ix_stones_lab_report_no", "stones", ["lab", "report_no"], unique=False)
    op.create_index("ix_stones_origin_id", "stones", ["origin_id"], unique=False)
    op.create_index("ix_stones_seq", "stones", ["seq"], unique=False)
    op.create_index(
        "uq_stones_listed_report",
        "stones",
        ["lab", "report_no"],
        unique=True,
        postgresql_where=sa.text("exposed_id is not null and withdrawn_at is null"),
        sqlite_where=sa.text("exposed_id is not null and withdrawn_at is null"),
    )
    op.create_table(
        "lot_stones",
        sa.Column("lot_id", BIG, nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("sale_id", BIG, nullable=False),
        sa.Column("stone_id", BIG, nullable=False),
        sa.Column("exposed_id", sa.String(length=26), nullable=True),
        sa.CheckConstraint("place >= 0", name=op.f("ck_lot_stones_place_counted")),
        sa.ForeignKeyConstraint(
            ["exposed_id"],
            ["exposed_stones.stone"],
            name=op.f("fk_lot_stones_exposed_id_exposed_stones"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["lot_id", "sale_id"],
            ["lots.id", "lots.sale_id"],
            name=op.f("fk_lot_stones_lot_id_sale_id_lots"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["stone_id"], ["stones.id"], name=op.f("fk_lot_stones_stone_id_stones"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("lot_id", "place", name=op.f("pk_lot_stones")),
        sa.UniqueConstraint("sale_id", "stone_id", name=op.f("uq_lot_stones_sale_id_stone_id")),
    )
    op.create_index("ix_lot_stones_exposed_id", "lot_stones", ["exposed_id"], unique=False)
    op.create_index("ix_lot_stones_stone_id", "lot_stones", ["stone_id"], unique=False)
    op.create_table(
        "stone_commitments",
        sa.Column("id", BIG, nullable=False),
        sa.Column("stone_id", BIG, nullable=False),
        sa.Column("exposed_id", sa.String(length=26), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=26), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("released_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "kind in ('in_sale', 'held', 'offered_lock', 'on_memo', 'sold')",
            name=op.f("ck_stone_commitments_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["exposed_id"],
            ["exposed_stones.stone"],
            name=op.f("fk_stone_commitments_exposed_id_exposed_stones"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["stone_id"], ["stones.id"], name=op.f("fk_stone_commitments_stone_id_stones"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stone_commitments")),
    )
    op.create_index("ix_stone_commitments_ref", "stone_commitments", ["ref"], unique=False)
    op.create_index(
        "uq_stone_commitments_live",
        "stone_commitments",
        ["stone_id"],
        unique=True,
        postgresql_where=sa.text("released_at is null"),
        sqlite_where=sa.text("released_at is null"),
    )
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("the first schema has nothing below it")
