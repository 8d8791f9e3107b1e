"""Hot leads: contacts that a campaign dials ahead of its list."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "campaign_contacts",
        sa.Column("hot", sa.Integer(), nullable=False, server_default="0"),
    )
    op.create_index(
        "ix_campaign_contacts_hot",
        "campaign_contacts",
        ["campaign_id", "due_at"],
        sqlite_where=sa.text("hot = 1"),
        postgresql_where=sa.text("hot = 1"),
    )


def downgrade() -> None:
    op.drop_index("ix_campaign_contacts_hot", table_name="campaign_contacts")
    op.drop_column("campaign_contacts", "hot")
