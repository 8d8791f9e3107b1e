"""What Alembic runs for every upgrade: on the connection, and inside the transaction, of
gateways/store/migrate.py. Nothing is ever configured from a file.
"""

from alembic import context

from gateways.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
