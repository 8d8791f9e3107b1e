"""Lists of contacts are weighted, paused and resumed while a daemon dials them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.daemon import Dialer
from tests.test_daemon import FLOW, SETTINGS, SIMULATED, write

CONTACTS = 900


def rows(start: int) -> str:
    lines = [f"C{start + n},+1202555{start + n}\n" for n in range(CONTACTS)]
    return "customer_id,phone\n" + "".join(lines)


def dialed(folder: Path) -> dict[str, int]:
    """Attempts by the list of their contact."""
    (file,) = (folder / "var").rglob("*.db")
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute(
            "SELECT lists.name, count(*) FROM attempts JOIN contacts ON contacts.id = contact_id "
            "JOIN lists ON lists.id = list_id GROUP BY lists.name"
        )
        return {"heavy": 0, "light": 0} | dict(found.fetchall())


def test_a_running_campaign_obeys_weights_and_pauses(tmp_path: Path) -> None:
    settings = SETTINGS.format(folder=tmp_path, trunk=SIMULATED, more="")
    # Nobody lets it ring: that would hold an agent for the 15 s of the law.
    decided = "agents: 6, outcomes: {customer_answered: 1, user_busy: 1}"
    with Dialer(tmp_path, settings.replace("agents: 3", decided)) as dialer:
        for name, start in (("heavy", 1000), ("light", 3000)):
            dialer.verb(
                "contacts", "import", write(tmp_path, f"{name}.csv", rows(start)), "--list", name
            )
        assert dialer.verb("contacts", "list-weight", "heavy", "2")["weight"] == 2
        flow = FLOW.replace("target: 3", "target: 6")
        dialer.verb("campaign", "create", write(tmp_path, "flow.yaml", flow))
        dialer.verb("campaign", "publish", "Spring")
        Dialer.wait_for(lambda: sum(dialed(tmp_path).values()) >= 30, 60, "30 calls")
        first = dialed(tmp_path)
        assert abs(first["heavy"] - 2 * first["light"]) <= 9, first

        dialer.verb("contacts", "list-pause", "heavy")
        paused = dialed(tmp_path)
        Dialer.wait_for(
            lambda: dialed(tmp_path)["light"] >= paused["light"] + 12, 60, "12 calls of the other"
        )
        assert dialed(tmp_path)["heavy"] == paused["heavy"]

        dialer.verb("contacts", "list-pause", "light")
        still = dialed(tmp_path)
        told = Dialer.wait_for(
            lambda: (
                (found := dialer.verb("explain", "campaign", "Spring"))["cause"] == "contacts"
                and found["why"]
            ),
            30,
            "that the pause is named",
        )
        assert "their list is paused" in told
        assert dialer.verb("explain", "contact", "C1000")["contacts"][0]["list"]["paused"]
        assert dialed(tmp_path) == still

        dialer.verb("contacts", "list-resume", "heavy")
        Dialer.wait_for(
            lambda: dialed(tmp_path)["heavy"] >= still["heavy"] + 3, 30, "calls of it again"
        )
        assert dialed(tmp_path)["light"] == still["light"]
