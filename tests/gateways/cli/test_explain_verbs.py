"""explain ..., as typed."""

from collections.abc import Callable
from pathlib import Path

from dialer.journal import Pulse
from dialer.ports import (
    AttemptDraft,
    Callback,
    ClaimRequest,
    ContactNext,
    Disposal,
    Settlement,
)
from gateways.journal import JournalConfig, JournalWriter
from tests.gateways.cli.conftest import CommandLine, TestHost
from tests.gateways.control.place import CSV, FLOW, NOW, FakeLive, report
from tests.ports.contact_store_beds import Replies

Write = Callable[[str, str], str]


def _publish(run: CommandLine, write: Write) -> None:
    run.good("contacts", "import", write("customers.csv", CSV))
    run.good("campaign", "create", write("spring.yaml", FLOW))
    run.good("campaign", "publish", "1")


def test_a_campaign_is_explained_cause_first(
    run: CommandLine, write: Write, daemon: FakeLive
) -> None:
    _publish(run, write)
    daemon.reports[1] = report(trunks_down={"carrier": "no answer to OPTIONS"})

    shown = run.good("explain", "campaign", "Spring offer")

    assert shown.splitlines()[0] == (
        "campaign 1 'Spring offer': trunk: trunk carrier is down: no answer to OPTIONS"
    )
    assert "attempts: none" in shown
    assert run.data("explain", "campaign", "1")["cause"] == "trunk"


def test_a_figure_that_is_no_number_is_null(
    run: CommandLine, write: Write, daemon: FakeLive
) -> None:
    _publish(run, write)
    daemon.reports[1] = report(value=float("nan"))

    assert run.data("explain", "campaign", "1")["report"]["value"] is None


def test_a_contact_is_explained(run: CommandLine, write: Write) -> None:
    _publish(run, write)

    shown = run.good("explain", "contact", "a-2")

    assert shown.startswith(
        "contact 2 a-2, of list 'default'\nno campaign has touched it yet\nnot skipped since "
    )
    assert run.refused("explain", "contact", "zz").startswith("contact 'zz': there is none")


def test_what_an_agent_said_and_promised_is_told(
    run: CommandLine, write: Write, host: TestHost
) -> None:
    _publish(run, write)
    replies = Replies()
    with host.place.open_store() as store:
        store.port.claim(ClaimRequest(1, 1, "", "fifo", 1, NOW), replies)
        (contact,) = replies.take().contacts
        draft = AttemptDraft(contact.contact_id, 1, 1, "dial", "+12125550101", "carrier", NOW)
        store.port.commit_attempts(2, [draft], replies)
        (attempt_id,) = replies.take().attempt_ids
        times = (NOW, NOW, NOW, NOW, NOW + 60)
        done = ContactNext("done")
        store.port.settle(Settlement(attempt_id, 1, 1, "customer_answered", done, *times))
        again = ContactNext("waiting", NOW + 3600, "dial")
        promised = Callback(NOW + 3600, "amy")
        said = Disposal(attempt_id, 1, 1, 1, "call_back", "ask for Jo", again, promised)
        store.port.dispose(said)

    shown = run.good("explain", "contact", "a-1")

    assert "call_back: ask for Jo" in shown
    assert "disposition call_back; call-back by amy promised for 2025-06-17" in shown
    (found,) = run.data("explain", "contact", "a-1")["contacts"]
    assert found["attempts"][0]["disposition"] == "call_back"
    assert found["standings"][0]["callback_at"] == NOW + 3600


def test_pulses_are_explained(run: CommandLine, write: Write, folder: Path) -> None:
    _publish(run, write)
    writer = JournalWriter(JournalConfig(folder / "journal"))
    writer.start()
    writer.append(Pulse(1, NOW, reason="no contact is due"))
    writer.close()

    assert "Dialed nobody: no contact is due." in run.good("explain", "pulse", "--campaign", "1")
    (pulse,) = run.data("explain", "pulse", f"1-{round(NOW * 1000)}")["pulses"]
    assert pulse["reason"] == "no contact is due"
    assert run.refused("explain", "pulse", "1-5").startswith("pulse 1-5: the journal has none")
    assert run.refused("explain", "pulse").startswith("pulse: not said which")
