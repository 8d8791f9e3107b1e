"""Not a test: a daemon that dials until it is killed, one pulse for each byte on its input.

Where an INVITE would leave it writes the attempt's id to a file beside the database, which is what
a carrier would have seen and what the trunk remembers. Each line on standard output is a dial, so
that whoever kills it can choose the moment.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from dialer.ports import AttemptDraft, ClaimRequest, ContactNext, Settlement
from gateways.store import open_store
from tests.ports.contact_store_beds import SCHEMA, Replies


def main(url: str) -> None:
    sent_log = Path(url.removeprefix("sqlite:///")).with_suffix(".sent")
    sent_log.touch()
    sent = {int(line) for line in sent_log.read_text().split()}
    output = os.open(sent_log, os.O_WRONLY | os.O_APPEND)

    store = open_store(url, SCHEMA, own=True)
    store.port.recover(sent, 1.0)
    replies = Replies()
    while os.read(0, 1):
        store.port.claim(ClaimRequest(1, 1, "", "fifo", 7, 1e9), replies)
        contacts = replies.take().contacts
        drafts = [
            AttemptDraft(c.contact_id, 1, 1, "dial", c.attributes["phone"][0], "t", 1.0)
            for c in contacts
        ]
        store.port.commit_attempts(2, drafts, replies)
        for draft, attempt_id in zip(drafts, replies.take().attempt_ids, strict=True):
            os.write(output, f"{attempt_id}\n".encode())
            os.write(1, b"dialed\n")
            if attempt_id % 3:
                store.port.settle(
                    Settlement(
                        attempt_id,
                        draft.contact_id,
                        1,
                        "no_user_response",
                        ContactNext("done"),
                        1.0,
                        2.0,
                        0.0,
                        0.0,
                        3.0,
                    )
                )


if __name__ == "__main__":
    main(sys.argv[1])
