"""Lists that contacts belong to: each can be paused and weighted."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_DUE = "ix_campaign_contacts_due"
_DUE_BEFORE = "ix_campaign_contacts_campaign_id_state_due_at_contact_id"


def _list_id() -> sa.Column[int]:
    return sa.Column("list_id", sa.Integer(), nullable=False, server_default=sa.text("1"))


def upgrade() -> None:
    made = op.create_table(
        "lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lists")),
        sa.UniqueConstraint("name", name=op.f("uq_lists_name")),
    )
    first = {"id": 1, "name": "default", "weight": 1, "paused": 0, "created_at": 0.0}
    op.bulk_insert(made, [first])
    op.add_column("contacts", _list_id())
    op.drop_index("ix_contacts_change", table_name="contacts")
    op.create_index("ix_contacts_list_id", "contacts", ["list_id"])
    op.create_index("ix_contacts_list_change", "contacts", ["list_id", "change"])
    op.add_column("campaign_contacts", _list_id())
    op.drop_index(_DUE_BEFORE, table_name="campaign_contacts")
    op.create_index(
        _DUE, "campaign_contacts", ["campaign_id", "state", "list_id", "due_at", "contact_id"]
    )


def downgrade() -> None:
    op.drop_index(_DUE, table_name="campaign_contacts")
    before = ["campaign_id", "state", "due_at", "contact_id"]
    op.create_index(_DUE_BEFORE, "campaign_contacts", before)
    op.drop_column("campaign_contacts", "list_id")
    op.drop_index("ix_contacts_list_change", table_name="contacts")
    op.drop_index("ix_contacts_list_id", table_name="contacts")
    op.create_index("ix_contacts_change", "contacts", ["change"])
    op.drop_column("contacts", "list_id")
    op.drop_table("lists")
