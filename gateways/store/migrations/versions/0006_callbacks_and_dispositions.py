"""Call-backs that are owed to contacts, and what agents say came of an attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "campaign_contacts",
        sa.Column("callback_at", sa.Double(), nullable=False, server_default="0"),
    )
    op.add_column(
        "campaign_contacts",
        sa.Column("callback_agent", sa.Text(), nullable=False, server_default=sa.text("''")),
    )
    op.create_index(
        "ix_campaign_contacts_callback",
        "campaign_contacts",
        ["campaign_id", "due_at"],
        sqlite_where=sa.text("callback_at > 0"),
        postgresql_where=sa.text("callback_at > 0"),
    )
    for name in ("disposition", "note"):
        op.add_column(
            "attempts",
            sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''")),
        )


def downgrade() -> None:
    op.drop_column("attempts", "note")
    op.drop_column("attempts", "disposition")
    op.drop_index("ix_campaign_contacts_callback", table_name="campaign_contacts")
    op.drop_column("campaign_contacts", "callback_agent")
    op.drop_column("campaign_contacts", "callback_at")
