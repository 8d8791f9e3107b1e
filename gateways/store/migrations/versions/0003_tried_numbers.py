"""The numbers that a campaign has tried of a contact, so that it can go on to the next one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "campaign_contacts",
        sa.Column("tried", sa.Text(), nullable=False, server_default=sa.text("''")),
    )


def downgrade() -> None:
    op.drop_column("campaign_contacts", "tried")
