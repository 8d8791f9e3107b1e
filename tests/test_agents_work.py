"""An agent's work by the command line, at a running daemon: previews, dispositions, call-backs."""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.daemon import Dialer, VerbError
from tests.test_daemon import FLOW, LIST, SETTINGS, SIMULATED, write

SAID = """
dispositions:
  mandatory: true
  choices:
    - {name: sale}
    - {name: call_back, means: call_back}
    - {name: stop, means: do_not_call}
nodes:"""
PREVIEW = FLOW.replace("\nnodes:", SAID, 1).replace(
    "type: init,", "type: init, dialing: {mode: preview},"
)
SIMULATION = (
    "simulation: {agents: 1, setup_s: 0.1, ring_s: 0.3, talk_s: 900, wrap_up_s: 0.2, "
    "outcomes: {customer_answered: 1}}"
)


def contact(dialer: Dialer, key: str) -> dict[str, Any]:
    found: dict[str, Any] = dialer.verb("explain", "contact", key)["contacts"][0]
    return found


def talking(dialer: Dialer) -> str:
    """The agent, once they talk."""

    def who() -> str:
        items = dialer.verb("agents", "list")["items"]
        return next((row["agent_id"] for row in items if row["state"] == "talking"), "")

    found: str = Dialer.wait_for(who, 240, "an agent in a call")
    return found


def test_an_agent_previews_disposes_and_calls_back(tmp_path: Path) -> None:
    settings = SETTINGS.format(folder=tmp_path, trunk=SIMULATED, more="")
    start = settings.index("simulation:")
    with Dialer(tmp_path, settings[:start] + SIMULATION) as dialer:
        dialer.verb("contacts", "import", write(tmp_path, "list.csv", LIST))
        dialer.verb("campaign", "create", write(tmp_path, "flow.yaml", PREVIEW))
        dialer.verb("campaign", "publish", "Spring")
        agent = dialer.verb("agents", "list")["items"][0]["agent_id"]

        def card() -> Any:
            return dialer.verb("agents", "preview", agent)["preview"]

        shown = Dialer.wait_for(card, 240, "a contact to preview")
        assert shown["number"].startswith("+1202555010")
        with suppress(VerbError):  # the simulated agent may be quicker
            dialer.verb("agents", "preview", agent, "accept", "--ticket", str(shown["ticket"]))
        assert talking(dialer) == agent

        (row,) = dialer.verb("agents", "list")["items"]
        assert row["owes_disposition"]
        assert row["dispositions"] == {
            "sale": "final",
            "call_back": "call_back",
            "stop": "do_not_call",
        }
        dialer.verb("agents", "dispose", agent, "stop", "--note", "angry")
        dialer.verb("agents", "state", agent, "hang_up")
        keys = {f"C{n}": f"+1202555010{n}" for n in (1, 2, 3)}
        stopped = next(key for key, number in keys.items() if number == row_number(dialer, agent))
        Dialer.wait_for(
            lambda: contact(dialer, stopped)["standings"][0]["state"] == "refused",
            240,
            "the disposition to be written",
        )
        attempt = contact(dialer, stopped)["attempts"][0]
        assert (attempt["disposition"], attempt["note"]) == ("stop", "angry")
        name = "dialer_dispositions_total"
        assert dialer.figure(name, campaign="Spring", means="do_not_call") == 1

        # A paused campaign lets go of the contacts that it held ahead.
        dialer.verb("campaign", "unpublish", "Spring")
        owed = next(key for key in reversed(keys) if key != stopped)
        Dialer.wait_for(
            lambda: contact(dialer, owed)["standings"][0]["state"] == "waiting",
            240,
            "the contact to be let go",
        )
        soon = datetime.now() + timedelta(seconds=5)
        dialer.verb(
            *("contacts", "callback", owed, "--at", soon.isoformat()),
            *("--campaign", "Spring", "--agent", agent),
        )
        standing = contact(dialer, owed)["standings"][0]
        assert (standing["state"], standing["callback_agent"]) == ("waiting", agent)
        dialer.verb("campaign", "publish", "Spring")

        def called() -> Any:
            attempts = contact(dialer, owed)["attempts"]
            if not attempts:
                end_any_call(dialer, agent)  # the contact in between, who came first
            return attempts

        made = Dialer.wait_for(called, 240, "the call-back to be made")
        assert made[0]["number"] == keys[owed]
        Dialer.wait_for(
            lambda: (
                contact(dialer, owed)["attempts"][0]["agent_id"] == agent
                or talking(dialer) == agent
            ),
            240,
            "its agent to have it",
        )
        end_any_call(dialer, agent)


def end_any_call(dialer: Dialer, agent: str) -> None:
    """Have the agent come free, if they talk or owe a disposition."""
    (row,) = dialer.verb("agents", "list")["items"]
    if row["owes_disposition"]:
        dialer.verb("agents", "dispose", agent, "sale")
    if row["state"] == "talking":
        dialer.verb("agents", "state", agent, "hang_up")


def row_number(dialer: Dialer, agent: str) -> str:
    """The number that an agent talked to last."""
    for key in ("C1", "C2", "C3"):
        for attempt in contact(dialer, key)["attempts"]:
            if attempt["disposition"] or attempt["agent_id"] in ("", agent):
                return str(attempt["number"])
    raise AssertionError("nobody was called")
