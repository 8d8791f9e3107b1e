"""The first tables: contacts, filters, campaigns, attempts and agents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("queues", JSON, nullable=False),
        sa.Column("wrap_up_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_agents")),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_folded", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("filter_name", sa.Text(), nullable=False),
        sa.Column("resets", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("modified_at", sa.Double(), nullable=False),
        sa.Column("deleted_at", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "status IN ('unpublished', 'published', 'stopped')", name=op.f("ck_campaigns_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "contacts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("attributes", JSON, nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
        sa.UniqueConstraint("key", name=op.f("uq_contacts_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_contacts_change"), "contacts", ["change"])
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "filters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tree", JSON, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("modified_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_filters")),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("node_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("trunk", sa.Text(), nullable=False),
        sa.Column("committed_at", sa.Double(), nullable=False),
        sa.Column("dialed_at", sa.Double(), nullable=False),
        sa.Column("ringing_at", sa.Double(), nullable=False),
        sa.Column("answered_at", sa.Double(), nullable=False),
        sa.Column("bridged_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.Column("settled_at", sa.Double(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("sip_status", sa.Integer(), nullable=False),
        sa.Column("q850", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_attempts_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_attempts_campaign_id_id"), "attempts", ["campaign_id", "id"])
    op.create_index(op.f("ix_attempts_contact_id_id"), "attempts", ["contact_id", "id"])
    op.create_index(
        "uq_attempts_number_in_flight",
        "attempts",
        ["number"],
        unique=True,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "campaign_contacts",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("resume_node", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('claimed', 'in_flight', 'waiting', 'done', 'refused')",
            name=op.f("ck_campaign_contacts_state"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_campaign_contacts_campaign_id_campaigns"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_campaign_contacts_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "contact_id", name=op.f("pk_campaign_contacts")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_campaign_contacts_campaign_id_state_due_at_contact_id"),
        "campaign_contacts",
        ["campaign_id", "state", "due_at", "contact_id"],
    )
    op.create_index(op.f("ix_campaign_contacts_contact_id"), "campaign_contacts", ["contact_id"])
    op.create_table(
        "campaign_versions",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("filter_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("published_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_campaign_versions_campaign_id_campaigns"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "version", name=op.f("pk_campaign_versions")),
    )
    op.create_table(
        "contact_numbers",
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("attribute", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_contact_numbers_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "contact_id", "attribute", "position", name=op.f("pk_contact_numbers")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_contact_numbers_number"), "contact_numbers", ["number"])
    op.execute("INSERT INTO counters (name, value) VALUES ('contact_change', 0)")
    op.execute("INSERT INTO counters (name, value) VALUES ('filter_revision', 0)")


def downgrade() -> None:
    op.drop_index(op.f("ix_contact_numbers_number"), table_name="contact_numbers")
    op.drop_table("contact_numbers")
    op.drop_table("campaign_versions")
    op.drop_index(op.f("ix_campaign_contacts_contact_id"), table_name="campaign_contacts")
    op.drop_index(
        op.f("ix_campaign_contacts_campaign_id_state_due_at_contact_id"),
        table_name="campaign_contacts",
    )
    op.drop_table("campaign_contacts")
    op.drop_index("uq_attempts_number_in_flight", table_name="attempts")
    op.drop_index(op.f("ix_attempts_contact_id_id"), table_name="attempts")
    op.drop_index(op.f("ix_attempts_campaign_id_id"), table_name="attempts")
    op.drop_table("attempts")
    op.drop_table("filters")
    op.drop_table("counters")
    op.drop_index(op.f("ix_contacts_change"), table_name="contacts")
    op.drop_table("contacts")
    op.drop_table("campaigns")
    op.drop_table("agents")
