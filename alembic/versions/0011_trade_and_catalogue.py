"""Orders and holds at a fixed price, and what a company may owe of them.

No company of before has a trade limit: it pays before it is handed anything."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


FACTS = (
    "sale_id, number, suffix, title_en, title_zh, low_minor, high_minor, opening_minor, consignor_company_id, group_id"
)
DRAFT = "(select state from sales where id = old.sale_id) <> 'draft'"
STANDS = "a published sale does not change"
BOARD = {
    "postgresql": [
        "drop trigger lots_facts_stand on lots",
        f"create trigger lots_facts_stand before update of {FACTS} on lots for each row execute function lots_facts_stand()",
        *(
            statement
            for name, act, row in (("lot_groups_stand", "update", "new"), ("lot_groups_stay", "delete", "old"))
            for statement in (
                f"create or replace function {name}() returns trigger language plpgsql as $$ begin if {DRAFT} then raise exception '{STANDS}' using errcode = '23514'; end if; return {row}; end $$",
                f"create trigger {name} before {act} on lot_groups for each row execute function {name}()",
            )
        ),
    ],
    "sqlite": [
        "drop trigger lots_facts_stand",
        f"create trigger lots_facts_stand before update of {FACTS} on lots for each row when (select rules_hash from sales where id = old.sale_id) is not null and old.state <> 'draft' begin select raise(abort, '{STANDS}'); end",  # noqa: S608 - our own words
        *(
            f"create trigger {name} before {act} on lot_groups for each row when {DRAFT} begin select raise(abort, '{STANDS}'); end"
            for name, act in (("lot_groups_stand", "update"), ("lot_groups_stay", "delete"))
        ),
    ],
}


def upgrade() -> None:
    orders_and_holds()
    the_board()
    what_files_say_of_stones()
    program_keys()
    offers()
    papers_of_a_sale()


def orders_and_holds() -> None:
    op.execute("alter table companies add column trade_limit_minor bigint default 0 not null")
    op.execute("alter table companies add column trade_currency varchar(3) default 'USD' not null")
    op.create_table(
        "orders",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("seller_company_id", BIG, nullable=False),
        sa.Column("entity", sa.String(length=3), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("destination", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("total_minor", BIG, nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("source_ref", sa.String(length=26), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("placed_by", sa.String(length=40), nullable=True),
        sa.Column("placed_at", WHEN, nullable=False),
        sa.Column("confirm_by", WHEN, nullable=True),
        sa.Column("answered_at", WHEN, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("invoice", sa.String(length=40), nullable=True),
        sa.Column("version", BIG, nullable=False),
        sa.CheckConstraint("source in ('buy_now', 'offer', 'memo', 'collection')", name=op.f("ck_orders_source_known")),
        sa.CheckConstraint(
            "state in ('placed', 'confirmed', 'invoiced', 'paid', 'shipped', 'completed', 'refused', 'cancelled')",
            name=op.f("ck_orders_state_known"),
        ),
        sa.CheckConstraint("company_id <> seller_company_id", name=op.f("ck_orders_of_another")),
        sa.CheckConstraint("length(destination) = 2", name=op.f("ck_orders_destination_two_letters")),
        sa.CheckConstraint("total_minor > 0 and total_minor <= 999999999999999", name=op.f("ck_orders_total_counted")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_orders_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["seller_company_id"],
            ["companies.id"],
            name=op.f("fk_orders_seller_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("company_id", "key", name=op.f("uq_orders_company_id_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_orders_public_id")),
    )
    op.create_index("ix_orders_seller_company_id", "orders", ["seller_company_id"], unique=False)
    op.create_index("ix_orders_state_id", "orders", ["state", "id"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("order_id", BIG, nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("stones", sa.JSON(), nullable=False),
        sa.Column("lot", sa.String(length=26), nullable=True),
        sa.Column("price_minor", BIG, nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "price_minor > 0 and price_minor <= 999999999999999", name=op.f("ck_order_lines_price_counted")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id_orders"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("order_id", "place", name=op.f("uq_order_lines_order_id_place")),
        sa.UniqueConstraint("public_id", name=op.f("uq_order_lines_public_id")),
    )
    op.create_index("ix_order_lines_lot", "order_lines", ["lot"], unique=False)
    op.create_table(
        "holds",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("seller_company_id", BIG, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.String(length=40), nullable=True),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("answer_by", WHEN, nullable=True),
        sa.Column("granted_at", WHEN, nullable=True),
        sa.Column("expires_at", WHEN, nullable=True),
        sa.Column("renewed", BIG, nullable=False),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.Column("version", BIG, nullable=False),
        sa.CheckConstraint("state <> 'active' or expires_at is not null", name=op.f("ck_holds_active_with_end")),
        sa.CheckConstraint("state <> 'asked' or answer_by is not null", name=op.f("ck_holds_asked_with_answer_day")),
        sa.CheckConstraint(
            "state in ('asked', 'active', 'refused', 'released', 'lapsed', 'converted')",
            name=op.f("ck_holds_state_known"),
        ),
        sa.CheckConstraint("renewed between 0 and 1", name=op.f("ck_holds_renewed_once")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_holds_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["seller_company_id"],
            ["companies.id"],
            name=op.f("fk_holds_seller_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        sa.UniqueConstraint("company_id", "key", name=op.f("uq_holds_company_id_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_holds_public_id")),
    )
    op.create_index("ix_holds_company_id_state", "holds", ["company_id", "state"], unique=False)
    op.create_index("ix_holds_seller_company_id", "holds", ["seller_company_id"], unique=False)
    op.create_index(
        "uq_holds_open",
        "holds",
        ["stone", "company_id"],
        unique=True,
        sqlite_where=sa.text("state in ('asked', 'active')"),
        postgresql_where=sa.text("state in ('asked', 'active')"),
    )
    op.create_table(
        "hold_waits",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("by", sa.String(length=40), nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("first_right_until", WHEN, nullable=True),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_hold_waits_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold_waits")),
        sa.UniqueConstraint("public_id", name=op.f("uq_hold_waits_public_id")),
    )
    op.create_index("ix_hold_waits_company_id", "hold_waits", ["company_id"], unique=False)
    op.create_index(
        "uq_hold_waits_open",
        "hold_waits",
        ["stone", "company_id"],
        unique=True,
        sqlite_where=sa.text("ended_at is null"),
        postgresql_where=sa.text("ended_at is null"),
    )


def the_board() -> None:
    """Headings, the curators' own words and pins of lots: of before there are none."""
    op.create_table(
        "lot_groups",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sale_id", BIG, nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_lot_groups_sale_id_sales"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_groups")),
        sa.UniqueConstraint("sale_id", "name_en", name=op.f("uq_lot_groups_sale_id_name_en")),
    )
    belongs = "constraint fk_lots_group_id_lot_groups references lot_groups (id) on delete restrict"
    op.execute(f"alter table lots add column group_id bigint {belongs}")
    op.execute("alter table lots add column tags json default '[]' not null")
    op.execute("alter table lots add column pinned boolean default false not null")
    op.create_index("ix_lots_group_id", "lots", ["group_id"], unique=False)
    op.execute("alter table curation_commands add column reason text default '' not null")
    op.create_table(
        "lot_presence",
        sa.Column("lot_id", BIG, nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("seen_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_lot_presence_lot_id_lots"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_lot_presence_person_id_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lot_id", "person_id", name=op.f("pk_lot_presence")),
    )
    op.create_index("ix_lot_presence_seen_at", "lot_presence", ["seen_at"], unique=False)
    for statement in BOARD[op.get_bind().dialect.name]:
        op.execute(statement)


def program_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.Column("last_used_at", WHEN, nullable=True),
        sa.Column("revoked_at", WHEN, nullable=True),
        sa.CheckConstraint("expires_at > made_at", name=op.f("ck_api_keys_expires_later")),
        sa.CheckConstraint("length(secret_sha256) = 64", name=op.f("ck_api_keys_secret_hashed")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_api_keys_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_api_keys_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("public_id", name=op.f("uq_api_keys_public_id")),
    )
    op.create_index("ix_api_keys_company_id", "api_keys", ["company_id"], unique=False)
    op.create_index(
        "uq_api_keys_live_name",
        "api_keys",
        ["company_id", "name"],
        unique=True,
        sqlite_where=sa.text("revoked_at is null"),
        postgresql_where=sa.text("revoked_at is null"),
    )
    op.create_table(
        "key_tickets",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=26), nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.Column("used_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["key"], ["api_keys.public_id"], name=op.f("fk_key_tickets_key_api_keys"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_key_tickets")),
    )
    op.create_index("ix_key_tickets_key", "key_tickets", ["key"], unique=False)


def what_files_say_of_stones() -> None:
    """What stock files say beyond the first columns; and a cutter is named where the last polishing says so itself."""
    texts = {
        20: "girdle_condition culet_condition shade milky eye_clean black_inclusion white_inclusion open_inclusion "
        "treatment_degree gem_hue gem_tone gem_saturation color_term transparency gem_clarity origin_opinion",
        10: "report_date",
        24: "kp_no",
        32: "pair_stock_no",
        60: "brand",
        80: "region",
        100: "inscription",
    }
    for length, names in texts.items():
        for name in names.split():
            op.execute(f"alter table stones add column {name} varchar({length})")
    for name in ("key_to_symbols", "image_ref", "video_ref", "report_ref"):
        op.execute(f"alter table stones add column {name} text")
    for name in ("list_price_minor", "cash_price_minor", "cash_list_pct"):
        op.execute(f"alter table stones add column {name} bigint")
    op.execute("alter table stones add column pair_separable boolean")
    op.execute("alter table stones add column cutter_named boolean default false not null")
    op.execute(
        """update stones set cutter_named = true where cutter_name is not null and (
        select e.body from chain_events e where e.stone = stones.public_id and e.kind = 'POLISHED'
        order by e.seq desc limit 1) like '%"consent":"name"%'"""
    )


def offers() -> None:
    """Below which share of the asking price an owner's stones are declined by themselves was said by nobody before."""
    counted = "price_minor > 0 and price_minor <= 999999999999999"
    spoken = "round >= 1 and round <= 10"
    op.create_table(
        "offers",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("seller_company_id", BIG, nullable=False),
        sa.Column("stones_key", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("destination", sa.String(length=2), nullable=False),
        sa.Column("price_minor", BIG, nullable=False),
        sa.Column("round", BIG, nullable=False),
        sa.Column("turn", sa.String(length=6), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.Column("order", sa.String(length=26), nullable=True),
        sa.CheckConstraint(
            "state in ('open', 'accepted', 'declined', 'withdrawn', 'lapsed', 'void')",
            name=op.f("ck_offers_state_known"),
        ),
        sa.CheckConstraint("turn in ('buyer', 'seller')", name=op.f("ck_offers_turn_known")),
        sa.CheckConstraint("company_id <> seller_company_id", name=op.f("ck_offers_of_another")),
        sa.CheckConstraint(counted, name=op.f("ck_offers_price_counted")),
        sa.CheckConstraint(spoken, name=op.f("ck_offers_round_counted")),
        sa.CheckConstraint("length(destination) = 2", name=op.f("ck_offers_destination_two_letters")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_offers_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["seller_company_id"],
            ["companies.id"],
            name=op.f("fk_offers_seller_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint("public_id", name=op.f("uq_offers_public_id")),
        sa.UniqueConstraint("company_id", "key", name=op.f("uq_offers_company_id_key")),
    )
    op.create_index(
        "uq_offers_open",
        "offers",
        ["company_id", "stones_key"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_offers_seller_company_id", "offers", ["seller_company_id"], unique=False)
    op.create_index("ix_offers_state_expires_at", "offers", ["state", "expires_at"], unique=False)
    op.create_table(
        "offer_stones",
        sa.Column("offer_id", BIG, nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_offer_stones_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("offer_id", "stone", name=op.f("pk_offer_stones")),
    )
    op.create_index("ix_offer_stones_stone", "offer_stones", ["stone"], unique=False)
    op.create_table(
        "offer_rounds",
        sa.Column("offer_id", BIG, nullable=False),
        sa.Column("round", BIG, autoincrement=False, nullable=False),
        sa.Column("side", sa.String(length=6), nullable=False),
        sa.Column("price_minor", BIG, nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.CheckConstraint("side in ('buyer', 'seller')", name=op.f("ck_offer_rounds_side_known")),
        sa.CheckConstraint(counted, name=op.f("ck_offer_rounds_price_counted")),
        sa.CheckConstraint(spoken, name=op.f("ck_offer_rounds_round_counted")),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_offer_rounds_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("offer_id", "round", name=op.f("pk_offer_rounds")),
    )
    op.create_table(
        "offer_answers",
        sa.Column("offer_id", BIG, nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_offer_answers_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_offer_answers_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("offer_id", "company_id", "key", name=op.f("pk_offer_answers")),
    )
    op.create_table(
        "offer_floors",
        sa.Column("company_id", BIG, autoincrement=False, nullable=False),
        sa.Column("share_bp", BIG, nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("share_bp >= 1 and share_bp <= 10000", name=op.f("ck_offer_floors_share_of_the_price")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_offer_floors_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_offer_floors")),
    )
    dialect = op.get_bind().dialect.name
    for table in ("offer_rounds", "offer_answers"):
        if dialect == "postgresql":
            op.execute(
                f"create trigger {table}_append_only before update or delete on {table} for each row execute function pavilion_refuse_change()"
            )
        else:
            for act in ("update", "delete"):
                op.execute(
                    f"create trigger {table}_no_{act} before {act} on {table} begin select raise(abort, 'append only: {table}'); end"
                )


def papers_of_a_sale() -> None:
    op.create_table(
        "sale_papers",
        sa.Column("source_sha256", sa.String(length=64), nullable=False),
        sa.Column("sale_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("lang", sa.String(length=4), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("length(source_sha256) = 64", name=op.f("ck_sale_papers_source_sha256")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_sale_papers_sha256")),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_sale_papers_sale_id_sales"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source_sha256", name=op.f("pk_sale_papers")),
    )
    op.create_index("ix_sale_papers_sale_id", "sale_papers", ["sale_id"])


def downgrade() -> None:
    raise NotImplementedError("what was bought is not forgotten")
