"""The tables, as SQLAlchemy sees them.

The rule of this module: it says what the newest migration makes, and a test compares the two.
Times are seconds since the epoch in double precision; 0 stands for what never happened, except
`settled_at`, which is NULL while an attempt is under way.
"""

import sqlalchemy as sa

from gateways.store.dialect import Json

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Seconds = sa.Double


def _flag(name: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{name} IN ({listed})", name=name)


lists = sa.Table(
    "lists",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    # Contacts that this list gives for one of a list of weight 1, while both have some.
    sa.Column("weight", sa.Integer, nullable=False),
    # 1 while no contact of it may be dialed.
    sa.Column("paused", sa.Integer, nullable=False),
    sa.Column("created_at", Seconds, nullable=False),
)

DEFAULT_LIST_ID = 1
"""The list of contacts of which nobody said to which they belong."""

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # The caller's own identity of a contact: a second import of it updates, never doubles.
    sa.Column("key", sa.Text, unique=True),
    sa.Column("attributes", Json, nullable=False),
    # Grows with every insert and every real change, so that a campaign that has already passed
    # this contact by finds it again: see gateways/store/sweep.py.
    sa.Column("change", sa.Integer, nullable=False),
    sa.Column("created_at", Seconds, nullable=False),
    sa.Column("updated_at", Seconds, nullable=False),
    # No foreign key: SQLite cannot add one to a table that has rows. Lists are never deleted.
    sa.Column("list_id", sa.Integer, nullable=False, server_default=sa.text("1")),
    sa.Index(None, "list_id"),
    sa.Index("ix_contacts_list_change", "list_id", "change"),
    sqlite_autoincrement=True,
)

contact_numbers = sa.Table(
    "contact_numbers",
    metadata,
    sa.Column("contact_id", sa.ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("attribute", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("number", sa.Text, nullable=False, index=True),
    sqlite_with_rowid=False,
)

counters = sa.Table(
    "counters",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)

filters = sa.Table(
    "filters",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("tree", Json, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", Seconds, nullable=False),
    sa.Column("modified_at", Seconds, nullable=False),
)

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    # Case-folded by us, since a database's own lower() may know ASCII only.
    sa.Column("title_folded", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("filter_name", sa.Text, nullable=False),
    # How often its contacts were given back to be dialed anew.
    sa.Column("resets", sa.Integer, nullable=False),
    sa.Column("created_at", Seconds, nullable=False),
    sa.Column("modified_at", Seconds, nullable=False),
    # Its attempts outlive a deleted campaign, and so must its title and its flows.
    sa.Column("deleted_at", Seconds, nullable=False),
    _flag("status", "unpublished", "published", "stopped"),
    sqlite_autoincrement=True,
)

campaign_versions = sa.Table(
    "campaign_versions",
    metadata,
    sa.Column("campaign_id", sa.ForeignKey("campaigns.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("flow", sa.Text, nullable=False),
    sa.Column("filter_name", sa.Text, nullable=False),
    sa.Column("created_at", Seconds, nullable=False),
    # 0 while no token can have run on it: until then it may be rewritten in place.
    sa.Column("published_at", Seconds, nullable=False),
)

campaign_contacts = sa.Table(
    "campaign_contacts",
    metadata,
    sa.Column("campaign_id", sa.ForeignKey("campaigns.id"), primary_key=True),
    sa.Column("contact_id", sa.ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", Seconds, nullable=False),
    sa.Column("resume_node", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_outcome", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    # 1 for a hot lead that has not been dialed yet: it goes ahead of everything that is due.
    sa.Column("hot", sa.Integer, nullable=False, server_default="0"),
    # Numbers that counted attempts were made at, each after a blank.
    sa.Column("tried", sa.Text, nullable=False, server_default=sa.text("''")),
    # When a call-back was promised for, 0 for none; who is to make it, empty for anybody.
    sa.Column("callback_at", Seconds, nullable=False, server_default="0"),
    sa.Column("callback_agent", sa.Text, nullable=False, server_default=sa.text("''")),
    # The contact's own, once more: those that are due are found list by list.
    sa.Column("list_id", sa.Integer, nullable=False, server_default=sa.text("1")),
    _flag("state", "claimed", "in_flight", "waiting", "done", "refused"),
    sa.Index("ix_campaign_contacts_due", "campaign_id", "state", "list_id", "due_at", "contact_id"),
    sa.Index(None, "contact_id"),
    sqlite_with_rowid=False,
)

# The few hot leads are found without walking over the many that wait.
sa.Index(
    "ix_campaign_contacts_hot",
    campaign_contacts.c.campaign_id,
    campaign_contacts.c.due_at,
    sqlite_where=campaign_contacts.c.hot == 1,
    postgresql_where=campaign_contacts.c.hot == 1,
)

# And so are the call-backs.
sa.Index(
    "ix_campaign_contacts_callback",
    campaign_contacts.c.campaign_id,
    campaign_contacts.c.due_at,
    sqlite_where=campaign_contacts.c.callback_at > sa.literal_column("0"),
    postgresql_where=campaign_contacts.c.callback_at > sa.literal_column("0"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    # Never used twice, not even after a deletion: it goes into the Call-ID.
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("campaign_id", sa.ForeignKey("campaigns.id"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    # No foreign key: the record of what was dialed outlives an erased contact.
    sa.Column("contact_id", sa.Integer, nullable=False),
    sa.Column("node_id", sa.Text, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("trunk", sa.Text, nullable=False),
    sa.Column("committed_at", Seconds, nullable=False),
    sa.Column("dialed_at", Seconds, nullable=False),
    sa.Column("ringing_at", Seconds, nullable=False),
    sa.Column("answered_at", Seconds, nullable=False),
    sa.Column("bridged_at", Seconds, nullable=False),
    sa.Column("ended_at", Seconds, nullable=False),
    sa.Column("settled_at", Seconds),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("agent_id", sa.Text, nullable=False),
    sa.Column("sip_status", sa.Integer, nullable=False),
    sa.Column("q850", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    # What the callee saw, E.164; empty where the trunk showed its own.
    sa.Column("caller_id", sa.Text, nullable=False, server_default=sa.text("''")),
    # What the agent says came of it, of the campaign's own list, and in their words.
    sa.Column("disposition", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("note", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Index(None, "contact_id", "id"),
    sa.Index(None, "campaign_id", "id"),
    sqlite_autoincrement=True,
)

# One attempt in flight per number, over all campaigns: the database itself holds it.
sa.Index(
    "uq_attempts_number_in_flight",
    attempts.c.number,
    unique=True,
    sqlite_where=attempts.c.settled_at.is_(None),
    postgresql_where=attempts.c.settled_at.is_(None),
)

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("agent_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("queues", Json, nullable=False),
    sa.Column("wrap_up_s", Seconds, nullable=False),
)

suppressed_numbers = sa.Table(
    "suppressed_numbers",
    metadata,
    sa.Column("number", sa.Text, primary_key=True),
    # How it came to us, as "callback to +12125550100".
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("since", Seconds, nullable=False),
    sqlite_with_rowid=False,
)

# What each campaign's pacer has learned, in a form that only the pacer knows.
campaign_learned = sa.Table(
    "campaign_learned",
    metadata,
    sa.Column("campaign_id", sa.ForeignKey("campaigns.id"), primary_key=True),
    sa.Column("document", sa.LargeBinary, nullable=False),
    sa.Column("kept_at", Seconds, nullable=False),
)

CHANGE_COUNTER = "contact_change"
"""The row of `counters` from which `contacts.change` is drawn. Its row lock makes the order of
the numbers the order of the commits, on PostgreSQL too."""

FILTER_COUNTER = "filter_revision"
"""The row from which `filters.revision` is drawn: a filter deleted and saved anew is another."""
