"""Viewings: offices, desks and hours, appointments and their claims, where stones are, and who has them in hand."""

import sqlalchemy as sa
from alembic import op

from pavilion.kernel.migrating import widen_check

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
GATE = "kind in ('in_person', 'video', 'waiver')"
WIDER_GATE = "kind in ('in_person', 'remote', 'video', 'waiver')"
APPEND_ONLY = ("appointment_events", "desk_acts", "travel_times")


def _refuse_change(table: str) -> list[str]:
    if op.get_bind().dialect.name == "postgresql":
        acts = f"before update or delete on {table} for each row execute function pavilion_refuse_change()"
        return [f"create trigger {table}_append_only {acts}"]
    refuse = f"begin select raise(abort, 'append only: {table}'); end"
    return [f"create trigger {table}_no_{act} before {act} on {table} {refuse}" for act in ("update", "delete")]


def upgrade() -> None:
    op.create_table(
        "custody_entries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=True),
        sa.Column("tray", sa.String(length=26), nullable=True),
        sa.Column("holder", sa.String(length=20), nullable=False),
        sa.Column("place", sa.String(length=40), nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.Column("out_mct", BIG, nullable=False),
        sa.Column("out_photo_sha256", sa.String(length=64), nullable=True),
        sa.Column("out_by", sa.String(length=80), nullable=False),
        sa.Column("out_to", sa.String(length=120), nullable=False),
        sa.Column("opened_at", WHEN, nullable=False),
        sa.Column("in_mct", BIG, nullable=True),
        sa.Column("in_photo_sha256", sa.String(length=64), nullable=True),
        sa.Column("in_by", sa.String(length=120), nullable=True),
        sa.Column("in_to", sa.String(length=80), nullable=True),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.CheckConstraint("(stone is null) <> (tray is null)", name=op.f("ck_custody_entries_stone_or_tray")),
        sa.CheckConstraint(
            "closed_at is null or closed_at >= opened_at", name=op.f("ck_custody_entries_closed_after_it_opened")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custody_entries")),
        sa.UniqueConstraint("public_id", name=op.f("uq_custody_entries_public_id")),
    )
    op.create_index("ix_custody_entries_ref", "custody_entries", ["ref"], unique=False)
    op.create_index(
        "uq_custody_entries_stone",
        "custody_entries",
        ["stone"],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
        sqlite_where=sa.text("closed_at is null"),
    )
    op.create_index(
        "uq_custody_entries_tray",
        "custody_entries",
        ["tray"],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
        sqlite_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "desk_acts",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_desk_acts")),
        info={"append_only": True},
    )
    op.create_table(
        "offices",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("address_en", sa.Text(), nullable=False),
        sa.Column("address_zh", sa.Text(), nullable=False),
        sa.Column("directions_en", sa.Text(), nullable=False),
        sa.Column("directions_zh", sa.Text(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offices")),
    )
    op.create_table(
        "sale_viewings",
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("ends_at", WHEN, nullable=True),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sale", name=op.f("pk_sale_viewings")),
    )
    op.create_table(
        "stone_ends",
        sa.Column("id", BIG, nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("fate", sa.String(length=10), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("fate in ('sold', 'withdrawn')", name=op.f("ck_stone_ends_fate_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stone_ends")),
        sa.UniqueConstraint("stone", name=op.f("uq_stone_ends_stone")),
    )
    op.create_table(
        "viewing_quotas",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=True),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.Column("cap", BIG, nullable=False),
        sa.Column("used", BIG, nullable=False),
        sa.CheckConstraint("used >= 0 and used <= cap", name=op.f("ck_viewing_quotas_within_cap")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewing_quotas")),
    )
    op.create_table(
        "opening_exceptions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("office_id", sa.String(length=12), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opens", sa.String(length=5), nullable=True),
        sa.Column("closes", sa.String(length=5), nullable=True),
        sa.Column("breaks", sa.JSON(), nullable=False),
        sa.Column("reason_en", sa.String(length=160), nullable=False),
        sa.Column("reason_zh", sa.String(length=160), nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_opening_exceptions_office_id_offices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_exceptions")),
        sa.UniqueConstraint("office_id", "day", name=op.f("uq_opening_exceptions_office_id_day")),
    )
    op.create_table(
        "opening_hours",
        sa.Column("id", BIG, nullable=False),
        sa.Column("office_id", sa.String(length=12), nullable=False),
        sa.Column("weekday", BIG, nullable=False),
        sa.Column("opens", sa.String(length=5), nullable=False),
        sa.Column("closes", sa.String(length=5), nullable=False),
        sa.Column("breaks", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("opens < closes", name=op.f("ck_opening_hours_opens_before_it_closes")),
        sa.CheckConstraint("weekday between 0 and 6", name=op.f("ck_opening_hours_weekday_known")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_opening_hours_office_id_offices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_hours")),
    )
    op.create_index("ix_opening_hours_office_id", "opening_hours", ["office_id"], unique=False)
    op.create_table(
        "stone_blocks",
        sa.Column("id", BIG, nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("company_id", BIG, nullable=True),
        sa.Column("starts_at", WHEN, nullable=False),
        sa.Column("ends_at", WHEN, nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("kind in ('memo', 'hold')", name=op.f("ck_stone_blocks_kind_known")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_stone_blocks_starts_before_it_ends")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_stone_blocks_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stone_blocks")),
    )
    op.create_index("ix_stone_blocks_stone", "stone_blocks", ["stone", "ends_at"], unique=False)
    op.create_table(
        "stone_stays",
        sa.Column("id", BIG, nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("office_id", sa.String(length=12), nullable=False),
        sa.Column("arrive", WHEN, nullable=True),
        sa.Column("depart", WHEN, nullable=True),
        sa.Column("pack_min", BIG, nullable=False),
        sa.Column("unpack_min", BIG, nullable=False),
        sa.Column("carrier", sa.String(length=80), nullable=False),
        sa.Column("carrier_ref", sa.String(length=80), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint(
            "arrive is null or depart is null or arrive < depart", name=op.f("ck_stone_stays_arrives_before_it_leaves")
        ),
        sa.CheckConstraint("pack_min >= 0 and pack_min % 5 = 0", name=op.f("ck_stone_stays_pack_on_grid")),
        sa.CheckConstraint("unpack_min >= 0 and unpack_min % 5 = 0", name=op.f("ck_stone_stays_unpack_on_grid")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_stone_stays_office_id_offices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stone_stays")),
    )
    op.create_index("ix_stone_stays_office_id", "stone_stays", ["office_id"], unique=False)
    op.create_index("ix_stone_stays_stone", "stone_stays", ["stone", "arrive"], unique=False)
    op.create_table(
        "viewing_regimes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("office_id", sa.String(length=12), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.Column("starts_at", WHEN, nullable=False),
        sa.Column("ends_at", WHEN, nullable=False),
        sa.Column("factor_pct", BIG, nullable=False),
        sa.Column("gap_min", BIG, nullable=False),
        sa.Column("companies", BIG, nullable=True),
        sa.Column("declaration", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.CheckConstraint("factor_pct between 1 and 100", name=op.f("ck_viewing_regimes_factor_of_hundred")),
        sa.CheckConstraint("gap_min >= 0 and gap_min % 5 = 0", name=op.f("ck_viewing_regimes_gap_on_grid")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_viewing_regimes_starts_before_it_ends")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_viewing_regimes_office_id_offices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewing_regimes")),
    )
    op.create_index("ix_viewing_regimes_office_id", "viewing_regimes", ["office_id"], unique=False)
    op.create_table(
        "viewing_rooms",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("office_id", sa.String(length=12), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.Column("cap", BIG, nullable=False),
        sa.Column("companies", BIG, nullable=True),
        sa.CheckConstraint("cap > 0 and cap <= 1000", name=op.f("ck_viewing_rooms_cap_counted")),
        sa.CheckConstraint("companies is null or companies > 0", name=op.f("ck_viewing_rooms_companies_counted")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_viewing_rooms_office_id_offices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewing_rooms")),
    )
    op.create_index("ix_viewing_rooms_office_id", "viewing_rooms", ["office_id"], unique=False)
    op.create_table(
        "viewing_trays",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("office_id", sa.String(length=12), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("label", sa.String(length=20), nullable=False),
        sa.Column("stones", sa.JSON(), nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_viewing_trays_office_id_offices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewing_trays")),
        sa.UniqueConstraint("office_id", "sale", "label", name=op.f("uq_viewing_trays_office_id_sale_label")),
        sa.UniqueConstraint("public_id", name=op.f("uq_viewing_trays_public_id")),
    )
    op.create_table(
        "viewing_windows",
        sa.Column("id", BIG, nullable=False),
        sa.Column("office_id", sa.String(length=12), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opens", sa.String(length=5), nullable=False),
        sa.Column("closes", sa.String(length=5), nullable=False),
        sa.Column("breaks", sa.JSON(), nullable=False),
        sa.Column("opens_at", WHEN, nullable=False),
        sa.Column("closes_at", WHEN, nullable=False),
        sa.Column("breaks_at", sa.JSON(), nullable=False),
        sa.Column("tz_version", sa.String(length=16), nullable=False),
        sa.Column("session", sa.String(length=60), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=True),
        sa.CheckConstraint("opens_at < closes_at", name=op.f("ck_viewing_windows_opens_before_it_closes")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_viewing_windows_office_id_offices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewing_windows")),
        sa.UniqueConstraint("office_id", "opens_at", name=op.f("uq_viewing_windows_office_id_opens_at")),
    )
    op.create_index(
        "ix_viewing_windows_office_id_closes_at", "viewing_windows", ["office_id", "closes_at"], unique=False
    )
    op.create_table(
        "calendar_feeds",
        sa.Column("id", BIG, nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("person_id", BIG, nullable=True),
        sa.Column("office_id", sa.String(length=12), nullable=True),
        sa.Column("made_by", BIG, nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("revoked_at", WHEN, nullable=True),
        sa.CheckConstraint("(person_id is null) <> (office_id is null)", name=op.f("ck_calendar_feeds_one_owner")),
        sa.ForeignKeyConstraint(
            ["made_by"], ["people.id"], name=op.f("fk_calendar_feeds_made_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_calendar_feeds_office_id_offices"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_calendar_feeds_person_id_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_calendar_feeds_token_sha256")),
    )
    op.create_index("ix_calendar_feeds_person_id", "calendar_feeds", ["person_id"], unique=False)
    op.create_table(
        "office_staff",
        sa.Column("office_id", sa.String(length=12), nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("operator", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_office_staff_office_id_offices"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_office_staff_person_id_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("office_id", "person_id", name=op.f("pk_office_staff")),
    )
    op.create_table(
        "viewing_desks",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("office_id", sa.String(length=12), nullable=False),
        sa.Column("room_id", sa.String(length=26), nullable=True),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.Column("equipment", sa.JSON(), nullable=False),
        sa.Column("rank", BIG, nullable=False),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_viewing_desks_office_id_offices"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["room_id"], ["viewing_rooms.id"], name=op.f("fk_viewing_desks_room_id_viewing_rooms"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewing_desks")),
    )
    op.create_index("ix_viewing_desks_office_id", "viewing_desks", ["office_id"], unique=False)
    op.create_table(
        "visitors",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("person_id", BIG, nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("born", sa.Date(), nullable=True),
        sa.Column("document_kind", sa.String(length=20), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("erased_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_visitors_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_visitors_person_id_people"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visitors")),
        sa.UniqueConstraint("public_id", name=op.f("uq_visitors_public_id")),
    )
    op.create_index("ix_visitors_company_id", "visitors", ["company_id"], unique=False)
    op.create_table(
        "appointments",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("uid", sa.String(length=80), nullable=False),
        sa.Column("sequence", BIG, nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("party", BIG, nullable=False),
        sa.Column("desk_id", sa.String(length=26), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("operator_id", BIG, nullable=True),
        sa.Column("starts_at", WHEN, nullable=False),
        sa.Column("ends_at", WHEN, nullable=False),
        sa.Column("freed_at", WHEN, nullable=True),
        sa.Column("pad_before", BIG, nullable=False),
        sa.Column("pad_after", BIG, nullable=False),
        sa.Column("gap_mode", sa.String(length=3), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("wall", sa.String(length=16), nullable=False),
        sa.Column("tz_version", sa.String(length=16), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=True),
        sa.Column("quotas", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attention", sa.String(length=40), nullable=True),
        sa.Column("expires_at", WHEN, nullable=True),
        sa.Column("declaration_at", WHEN, nullable=True),
        sa.Column("checked_in_at", WHEN, nullable=True),
        sa.Column("finished_at", WHEN, nullable=True),
        sa.Column("request_key", sa.String(length=64), nullable=False),
        sa.Column("booked_by", BIG, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.CheckConstraint("(state = 'held') = (expires_at is not null)", name=op.f("ck_appointments_held_until")),
        sa.CheckConstraint("mode in ('in_person', 'remote')", name=op.f("ck_appointments_mode_known")),
        sa.CheckConstraint("gap_mode in ('max', 'sum')", name=op.f("ck_appointments_gap_mode_known")),
        sa.CheckConstraint(
            "state in ('requested', 'held', 'booked', 'checked_in', 'in_progress', 'done', 'cancelled', 'expired', 'no_show')",
            name=op.f("ck_appointments_state_known"),
        ),
        sa.CheckConstraint("party between 0 and 20", name=op.f("ck_appointments_party_counted")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_appointments_starts_before_it_ends")),
        sa.ForeignKeyConstraint(
            ["booked_by"], ["people.id"], name=op.f("fk_appointments_booked_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_appointments_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["viewing_desks.id"], name=op.f("fk_appointments_desk_id_viewing_desks"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["people.id"], name=op.f("fk_appointments_operator_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointments")),
        sa.UniqueConstraint("company_id", "request_key", name=op.f("uq_appointments_company_id_request_key")),
        sa.UniqueConstraint("number", name=op.f("uq_appointments_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_appointments_public_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_appointments_uid")),
    )
    op.create_index("ix_appointments_company_id_starts_at", "appointments", ["company_id", "starts_at"], unique=False)
    op.create_index("ix_appointments_desk_id_starts_at", "appointments", ["desk_id", "starts_at"], unique=False)
    op.create_index("ix_appointments_state_starts_at", "appointments", ["state", "starts_at"], unique=False)
    op.create_table(
        "appointment_events",
        sa.Column("id", BIG, nullable=False),
        sa.Column("appointment_id", BIG, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("sequence", BIG, nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_appointment_events_appointment_id_appointments"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_events")),
        sa.UniqueConstraint("appointment_id", "n", name=op.f("uq_appointment_events_appointment_id_n")),
        info={"append_only": True},
    )
    op.create_table(
        "appointment_stones",
        sa.Column("appointment_id", BIG, nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("dropped", sa.String(length=40), nullable=True),
        sa.Column("dropped_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_appointment_stones_appointment_id_appointments"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appointment_id", "stone", name=op.f("pk_appointment_stones")),
    )
    op.create_index("ix_appointment_stones_stone", "appointment_stones", ["stone"], unique=False)
    op.create_table(
        "appointment_visitors",
        sa.Column("appointment_id", BIG, nullable=False),
        sa.Column("visitor_id", BIG, nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("pass_sha256", sa.String(length=64), nullable=True),
        sa.Column("link_sha256", sa.String(length=64), nullable=True),
        sa.Column("pass_used_at", WHEN, nullable=True),
        sa.Column("document_seen_at", WHEN, nullable=True),
        sa.Column("document_seen_by", sa.String(length=40), nullable=True),
        sa.Column("declared_at", WHEN, nullable=True),
        sa.Column("left_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_appointment_visitors_appointment_id_appointments"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["visitor_id"],
            ["visitors.id"],
            name=op.f("fk_appointment_visitors_visitor_id_visitors"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("appointment_id", "visitor_id", name=op.f("pk_appointment_visitors")),
        sa.UniqueConstraint("link_sha256", name=op.f("uq_appointment_visitors_link_sha256")),
        sa.UniqueConstraint("pass_sha256", name=op.f("uq_appointment_visitors_pass_sha256")),
    )
    op.create_index("ix_appointment_visitors_visitor_id", "appointment_visitors", ["visitor_id"], unique=False)
    op.create_table(
        "remote_viewings",
        sa.Column("appointment_id", BIG, nullable=False),
        sa.Column("link", sa.String(length=400), nullable=False),
        sa.Column("microscope", sa.String(length=40), nullable=False),
        sa.Column("recording_ref", sa.String(length=400), nullable=False),
        sa.Column("recording_sha256", sa.String(length=64), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_remote_viewings_appointment_id_appointments"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appointment_id", name=op.f("pk_remote_viewings")),
    )
    op.create_table(
        "viewing_claims",
        sa.Column("resource", sa.String(length=80), nullable=False),
        sa.Column("quantum", BIG, autoincrement=False, nullable=False),
        sa.Column("appointment_id", BIG, nullable=True),
        sa.Column("company_id", BIG, nullable=True),
        sa.Column("sharers", BIG, nullable=False),
        sa.CheckConstraint(
            "(appointment_id is null) = (company_id is not null)", name=op.f("ck_viewing_claims_one_owner")
        ),
        sa.CheckConstraint("sharers > 0", name=op.f("ck_viewing_claims_sharers_counted")),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_viewing_claims_appointment_id_appointments"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("resource", "quantum", name=op.f("pk_viewing_claims")),
    )
    op.create_index("ix_viewing_claims_appointment_id", "viewing_claims", ["appointment_id"], unique=False)
    op.create_table(
        "viewing_incidents",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("office_id", sa.String(length=12), nullable=False),
        sa.Column("appointment_id", BIG, nullable=True),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=True),
        sa.Column("tray_id", BIG, nullable=True),
        sa.Column("out_mct", BIG, nullable=True),
        sa.Column("in_mct", BIG, nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.String(length=40), nullable=False),
        sa.Column("opened_at", WHEN, nullable=False),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.Column("closed_by", sa.String(length=40), nullable=True),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.CheckConstraint("kind in ('weight', 'count', 'other')", name=op.f("ck_viewing_incidents_kind_known")),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_viewing_incidents_appointment_id_appointments"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_viewing_incidents_office_id_offices"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["tray_id"],
            ["viewing_trays.id"],
            name=op.f("fk_viewing_incidents_tray_id_viewing_trays"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewing_incidents")),
        sa.UniqueConstraint("public_id", name=op.f("uq_viewing_incidents_public_id")),
    )
    op.create_index("ix_viewing_incidents_office_id", "viewing_incidents", ["office_id", "closed_at"], unique=False)
    op.create_index("ix_viewing_incidents_stone", "viewing_incidents", ["stone"], unique=False)
    op.create_table(
        "viewing_notes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("stone", sa.String(length=26), nullable=False),
        sa.Column("appointment_id", BIG, nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by", BIG, nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("erased_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_viewing_notes_appointment_id_appointments"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["by"], ["people.id"], name=op.f("fk_viewing_notes_by_people"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_viewing_notes_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewing_notes")),
        sa.UniqueConstraint("public_id", name=op.f("uq_viewing_notes_public_id")),
    )
    op.create_index("ix_viewing_notes_company_id_stone", "viewing_notes", ["company_id", "stone"], unique=False)
    op.create_table(
        "private_viewers",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("office_id", sa.String(length=12), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=True),
        sa.Column("expires_at", WHEN, nullable=True),
        sa.Column("company_id", BIG, nullable=True),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("made_by", sa.String(length=40), nullable=True),
        sa.Column("decided_at", WHEN, nullable=True),
        sa.Column("decided_by", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "state in ('invited', 'asked', 'approved', 'declined')", name=op.f("ck_private_viewers_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_private_viewers_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_private_viewers_office_id_offices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_private_viewers")),
        sa.UniqueConstraint("company_id", name=op.f("uq_private_viewers_company_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_private_viewers_public_id")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_private_viewers_token_sha256")),
    )
    op.create_index("ix_private_viewers_state", "private_viewers", ["state", "id"], unique=False)
    op.create_table(
        "viewing_waitlist",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("desk_id", sa.String(length=26), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("starts_at", WHEN, nullable=False),
        sa.Column("ends_at", WHEN, nullable=False),
        sa.Column("party", BIG, nullable=False),
        sa.Column("wish", sa.JSON(), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=True),
        sa.Column("priority", BIG, nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("lapses", BIG, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("appointment_id", BIG, nullable=True),
        sa.Column("skipped", sa.String(length=40), nullable=True),
        sa.Column("skipped_at", WHEN, nullable=True),
        sa.Column("request_key", sa.String(length=64), nullable=False),
        sa.Column("joined_by", BIG, nullable=True),
        sa.CheckConstraint("state in ('waiting', 'offered', 'gone')", name=op.f("ck_viewing_waitlist_state_known")),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_viewing_waitlist_appointment_id_appointments"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_viewing_waitlist_company_id_companies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["desk_id"],
            ["viewing_desks.id"],
            name=op.f("fk_viewing_waitlist_desk_id_viewing_desks"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["joined_by"], ["people.id"], name=op.f("fk_viewing_waitlist_joined_by_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewing_waitlist")),
        sa.UniqueConstraint("company_id", "request_key", name=op.f("uq_viewing_waitlist_company_id_request_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_viewing_waitlist_public_id")),
    )
    op.create_index(
        "ix_viewing_waitlist_state_priority",
        "viewing_waitlist",
        ["state", "priority", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "travel_times",
        sa.Column("id", BIG, nullable=False),
        sa.Column("from_office", sa.String(length=12), nullable=False),
        sa.Column("to_office", sa.String(length=12), nullable=False),
        sa.Column("minutes", BIG, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.CheckConstraint("minutes between 5 and 20160", name=op.f("ck_travel_times_minutes_counted")),
        sa.CheckConstraint("minutes % 5 = 0", name=op.f("ck_travel_times_minutes_on_grid")),
        sa.CheckConstraint("from_office <> to_office", name=op.f("ck_travel_times_two_offices")),
        sa.ForeignKeyConstraint(
            ["from_office"], ["offices.id"], name=op.f("fk_travel_times_from_office_offices"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["to_office"], ["offices.id"], name=op.f("fk_travel_times_to_office_offices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_travel_times")),
    )
    op.create_index("ix_travel_times_from_office_to_office", "travel_times", ["from_office", "to_office"], unique=False)
    op.create_table(
        "tour_searches",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("done_pct", BIG, nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("finished_at", WHEN, nullable=True),
        sa.Column("applied_by", sa.String(length=40), nullable=True),
        sa.Column("applied_at", WHEN, nullable=True),
        sa.CheckConstraint(
            "state in ('due', 'running', 'done', 'failed', 'applied')", name=op.f("ck_tour_searches_state_known")
        ),
        sa.CheckConstraint("done_pct between 0 and 100", name=op.f("ck_tour_searches_done_of_hundred")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tour_searches")),
        sa.UniqueConstraint("public_id", name=op.f("uq_tour_searches_public_id")),
    )
    op.create_index("ix_tour_searches_state", "tour_searches", ["state"], unique=False)
    op.create_table(
        "rotation_spans",
        sa.Column("office_id", sa.String(length=12), nullable=False),
        sa.Column("sale", sa.String(length=26), nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("first", BIG, nullable=False),
        sa.Column("last", BIG, nullable=False),
        sa.CheckConstraint("first >= 1 and first <= last", name=op.f("ck_rotation_spans_first_before_last")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_rotation_spans_office_id_offices"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_rotation_spans_company_id_companies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("office_id", "sale", "company_id", name=op.f("pk_rotation_spans")),
    )
    op.create_table(
        "tray_wants",
        sa.Column("tray_id", BIG, nullable=False),
        sa.Column("company_id", BIG, nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_tray_wants_company_id_companies"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tray_id"], ["viewing_trays.id"], name=op.f("fk_tray_wants_tray_id_viewing_trays"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tray_id", "company_id", name=op.f("pk_tray_wants")),
    )
    op.create_table(
        "awaited_stones",
        sa.Column("stone_id", BIG, autoincrement=False, nullable=False),
        sa.Column("until", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["stone_id"], ["stones.id"], name=op.f("fk_awaited_stones_stone_id_stones"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("stone_id", name=op.f("pk_awaited_stones")),
    )
    widen_check(op.get_bind(), "viewing_gate", op.f("ck_viewing_gate_kind_known"), GATE, WIDER_GATE)
    for table in APPEND_ONLY:
        for statement in _refuse_change(table):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("an agreed appointment is not unsaid")
