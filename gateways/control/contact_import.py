"""Importing contacts from a CSV file.

The rule of this module: a file that cannot be understood changes nothing; after that a bad row is
told by line and reason and the good ones go in, batch by batch, beside a running daemon.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from dialer.contact_csv import Accepted, Rejected, read_contacts
from dialer.contacts import Schema
from dialer.errors import ContactError
from gateways.store import IMPORT_BATCH, ImportCounts, NewContact, Store, list_name

KEPT_REJECTS = 1000
"""Rejected rows held for the report; a rejects file gets all of them."""


@dataclass
class ImportReport:
    """What an import did. to_list: "" where none was named. rejects: the first of those rows."""

    file: str
    to_list: str = ""
    counts: ImportCounts = field(default_factory=ImportCounts)
    accepted: int = 0
    rejected: int = 0
    rejects: list[Rejected] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """The report as data for JSON."""
        return {
            "file": self.file,
            "list": self.to_list,
            "accepted": self.accepted,
            "added": self.counts.added,
            "updated": self.counts.updated,
            "unchanged": self.counts.unchanged,
            "rejected": self.rejected,
            "rejects": [reject._asdict() for reject in self.rejects],
        }


def import_contacts(
    store: Store,
    schema: Schema,
    lines: Iterable[bytes],
    name: str,
    on_reject: Callable[[Rejected], None] = lambda _: None,
    batch_rows: int = IMPORT_BATCH,
    to_list: str = "",
) -> ImportReport:
    """Import a file. lines: as a file opened in binary mode gives them; name: what errors call it.
    to_list: the list that its contacts go to; "": see `Contacts.import_batch`.

    Raises:
        ContactError: the list has no proper name, the file as a whole is of no use, has no rows,
            or every row was rejected.
        StoreError: the database did not do its part; batches before it stay.
    """
    report = ImportReport(name, list_name(to_list) if to_list else "")
    accepted = _accepted(read_contacts(lines, schema, name), report, on_reject)
    while batch := list(islice(accepted, batch_rows)):
        report.counts += store.contacts.import_batch(batch, report.to_list)
        report.accepted += len(batch)
    if report.accepted:
        return report
    if not report.rejected:
        raise ContactError(name, "has a header and no rows", "add contacts")
    first = report.rejects[0]
    rows = f"all {report.rejected} rows were" if report.rejected > 1 else "its only row was"
    raise ContactError(f"{name}:{first.line}", f"{rows} rejected: {first.reason}", first.mend)


def _accepted(
    rows: Iterator[Accepted | Rejected], report: ImportReport, on_reject: Callable[[Rejected], None]
) -> Iterator[NewContact]:
    for row in rows:
        if isinstance(row, Accepted):
            yield NewContact(row.key, row.attributes)
        else:
            report.rejected += 1
            if len(report.rejects) < KEPT_REJECTS:
                report.rejects.append(row)
            on_reject(row)
