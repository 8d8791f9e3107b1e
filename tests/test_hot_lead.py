"""A hot lead sent to a running daemon is dialed ahead of a long list."""

from pathlib import Path

from tests.daemon import Dialer
from tests.test_daemon import FLOW, SETTINGS, SIMULATED, write

CONTACTS = 2000


def test_a_lead_sent_to_the_daemon_is_called_before_the_list_is_through(tmp_path: Path) -> None:
    settings = SETTINGS.format(folder=tmp_path, trunk=SIMULATED, more="")
    rows = [f"C{n},+1202555{1000 + n}\n" for n in range(CONTACTS)]
    with Dialer(tmp_path, settings.replace("talk_s: 0.5", "talk_s: 2")) as dialer:
        dialer.verb(
            "contacts", "import", write(tmp_path, "list.csv", "customer_id,phone\n" + "".join(rows))
        )
        dialer.verb("campaign", "create", write(tmp_path, "flow.yaml", FLOW))
        dialer.verb("campaign", "publish", "Spring")

        def dialed() -> float:
            return dialer.figure("dialer_call_attempts_total", campaign="Spring")

        Dialer.wait_for(dialed, 30, "the first call")
        words = ("contacts", "add", "--key", "lead", "--phone", "+12025550199", "--campaign")
        assert dialer.verb(*words, "Spring", "--hot")["ahead"]
        Dialer.wait_for(
            lambda: dialer.verb("explain", "contact", "lead")["contacts"][0]["attempts"],
            20,
            "the lead's call",
        )
        assert dialed() < CONTACTS
        assert not dialer.verb(*words, "Spring", "--hot")["ahead"]
