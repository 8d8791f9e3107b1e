"""agents ..., queues and trunk ..., as typed."""

from dataclasses import replace

import pytest

from dialer.agents import AgentProfile
from tests.gateways.cli.conftest import CommandLine, TestHost
from tests.gateways.control.place import NOW, FakeLive


def test_an_agent_is_added_and_changed(run: CommandLine) -> None:
    added = run.data("agents", "add", "bob", "--name", "Bob", "--address", "sip:bob@10.0.0.6")
    assert added == {
        "agent_id": "bob",
        "name": "Bob",
        "address": "sip:bob@10.0.0.6",
        "queues": ["default"],
        "wrap_up_s": 30.0,
        "new": True,
    }

    said = run.good("agents", "add", "bob", "--queue", "sales", "--queue", "default")

    assert said == "agent bob: changed, serves sales, default\n"
    assert run.data("agents", "list")["items"][0]["state"] is None


def test_a_running_daemon_hears_of_a_new_agent(run: CommandLine, daemon: FakeLive) -> None:
    run.good("agents", "add", "bob", "--wrap-up", "5")

    assert daemon.told == [("agent_added", AgentProfile("bob", "", "", ("default",), 5.0))]
    shown = run.good("agents", "list")
    assert "logged_out" in shown
    assert "2 agents" in shown


def test_an_agent_whom_the_daemon_refuses_is_not_kept(run: CommandLine, daemon: FakeLive) -> None:
    run.good("agents", "add", "bob", "--name", "Bob")
    daemon.fails = True

    run.refused("agents", "add", "bob", "--name", "Robert", code=1)
    run.refused("agents", "add", "eve", code=1)

    names = {a["agent_id"]: a["name"] for a in run.data("agents", "list")["items"]}
    assert names == {"amy": "Amy", "bob": "Bob"}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["a b"], "agent 'a b': is no id for an agent; use up to 64 letters, digits, _ . and -"),
        (["bob", "--address", "bob@host"], "agent 'bob': address 'bob@host' is no SIP address; "),
        (["bob", "--queue", "sale"], "agent 'bob': there is no queue 'sale'; did you mean 'sales'"),
        (["bob", "--wrap-up", "-1"], "agent 'bob': a wrap-up of -1 s makes no sense; give 0 to"),
    ],
)
def test_an_agent_that_makes_no_sense_is_refused(
    run: CommandLine, words: list[str], line: str
) -> None:
    assert run.refused("agents", "add", *words).startswith(line)
    assert run.data("agents", "list")["total"] == 0


def test_agents_of_the_settings_are_listed_and_changed_there(
    run: CommandLine, host: TestHost
) -> None:
    site = replace(host.place.site, staff=(AgentProfile("amy", "Amy"),))
    host.place = host.place._replace(site=site)
    run.good("agents", "add", "bob")

    assert [a["agent_id"] for a in run.data("agents", "list")["items"]] == ["amy", "bob"]
    assert run.refused("agents", "add", "amy") == (
        "agent 'amy': stands in the settings, which go first; change it there"
    )


def test_a_state_is_asked_for(run: CommandLine, daemon: FakeLive) -> None:
    said = run.good("agents", "state", "amy", "not_ready", "--reason", "lunch")

    assert said == "agent amy: not_ready\n"
    assert daemon.told == [("agent_asked", "amy", "not_ready", "lunch")]


def test_a_state_nobody_can_ask_for_is_refused(run: CommandLine, daemon: FakeLive) -> None:
    line = run.refused("agents", "state", "amy", "redy")
    assert line == "agent 'amy': nobody can ask for 'redy'; did you mean 'ready'?"
    assert "there is none" in run.refused("agents", "state", "zoe", "ready")


CARD = {
    "ticket": 7,
    "campaign": "Spring offer",
    "contact_id": 3,
    "number": "+12125550101",
    "attributes": {"city": "Boston"},
    "attempts": 0,
    "accept_by": 1e9,
}


def test_a_contact_is_previewed_and_accepted(run: CommandLine, daemon: FakeLive) -> None:
    assert run.good("agents", "preview", "amy") == "agent amy: is shown no contact\n"
    daemon.cards["amy"] = CARD
    shown = run.good("agents", "preview", "amy")
    assert "+12125550101" in shown
    assert "Boston" in shown
    assert run.data("agents", "preview", "amy")["preview"] == CARD
    assert run.good("agents", "preview", "amy", "accept") == "agent amy: accepted contact 3\n"
    assert daemon.told == [("preview_answered", "amy", 7, True)]


def test_a_contact_is_skipped_by_its_ticket(run: CommandLine, daemon: FakeLive) -> None:
    daemon.cards["amy"] = CARD
    told = run.refused("agents", "preview", "amy", "skip", "--ticket", "6")
    assert told == "agent 'amy': is not shown 6 (any more); see agents preview"
    run.good("agents", "preview", "amy", "skip", "--ticket", "7")
    assert daemon.told == [("preview_answered", "amy", 7, False)]


def test_an_answer_to_nothing_is_refused(run: CommandLine, daemon: FakeLive) -> None:
    line = run.refused("agents", "preview", "amy", "accept")
    assert line == "agent 'amy': is shown no contact; see agents preview"
    assert "did you mean 'accept'" in run.refused("agents", "preview", "amy", "acept")
    assert "there is none" in run.refused("agents", "preview", "zoe")


def test_a_call_is_disposed_of(run: CommandLine, daemon: FakeLive) -> None:
    said = run.good("agents", "dispose", "amy", "sale", "--note", "two years")
    assert said == "agent amy: sale\n"
    told = run.data("agents", "dispose", "amy", "call_back", "--callback-at", "+90m", "--personal")
    assert told["callback_at"] == NOW + 90 * 60
    assert daemon.told == [
        ("agent_disposed", "amy", "sale", "two years", 0.0, False),
        ("agent_disposed", "amy", "call_back", "", NOW + 90 * 60, True),
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["sael"], "agent 'amy': there is no disposition 'sael'; there are sale, call_back; "),
        (["call_back", "--callback-at", "soon"], "time 'soon': is no time; write +90m, 15:30 or "),
        (["call_back", "--callback-at", "2001-01-01 10:00"], "time '2001-01-01 10:00': has passed"),
        (["sale", "--personal"], "agent 'amy': a personal call-back without a time; give the time"),
    ],
)
def test_a_disposition_that_makes_no_sense_is_refused(
    run: CommandLine, daemon: FakeLive, words: list[str], line: str
) -> None:
    assert run.refused("agents", "dispose", "amy", *words).startswith(line)
    assert daemon.told == []


def test_who_owes_a_disposition_is_told_so(run: CommandLine, daemon: FakeLive) -> None:
    daemon.owing.add("amy")
    assert run.refused("agents", "state", "amy", "ready") == (
        "agent 'amy': has to say first what came of their call; "
        "use agents dispose amy with sale or call_back"
    )
    run.good("agents", "state", "amy", "not_ready")
    assert "owes a disposition" in run.good("agents", "list")


def test_queues_are_counted(run: CommandLine, daemon: FakeLive) -> None:
    items = run.data("queues")["items"]

    assert [(q["name"], q["agents"], q["states"]) for q in items] == [
        ("default", 1, {"ready": 1}),
        ("sales", 0, {}),
    ]


def test_trunks_are_listed_with_and_without_a_daemon(run: CommandLine) -> None:
    assert run.data("trunk", "list")["items"] == [{"name": "carrier", "up": None}]
    assert "carrier" in run.good("trunk", "list")


def test_a_trunk_that_is_down_says_why(run: CommandLine, daemon: FakeLive) -> None:
    daemon.up = False

    shown = run.good("trunk", "list")

    assert "down" in shown
    assert "no answer to OPTIONS" in shown
    assert "0 of 10" in shown


def test_a_test_call_is_placed(run: CommandLine, daemon: FakeLive) -> None:
    said = run.good("trunk", "test-call", "carrier", "(212) 555-0101", "--ring-timeout", "20")

    assert daemon.told == [("test_call", "carrier", "+12125550101", 20.0)]
    assert said == (
        "+12125550101 through carrier: customer_answered (200 OK), ringing after 1.5 s\n"
    )


@pytest.mark.parametrize(
    ("trunk", "number", "line"),
    [
        ("carier", "+12125550101", "trunk 'carier': there is none; did you mean 'carrier'?"),
        ("carrier", "+13105550101", "number +13105550101: not_live: "),
        ("carrier", "+442079460000", "number +442079460000: country: "),
        ("carrier", "hello", ""),
    ],
)
def test_a_test_call_that_must_not_be_placed_is_refused(
    run: CommandLine, daemon: FakeLive, trunk: str, number: str, line: str
) -> None:
    assert run.refused("trunk", "test-call", trunk, number).startswith(line)
    assert daemon.told == []


def test_what_needs_a_daemon_says_how_to_start_one(run: CommandLine) -> None:
    for words in (("agents", "state", "amy", "ready"), ("trunk", "test-call", "carrier", "1")):
        line = run.refused(*words, code=1)
        assert "no daemon answers at" in line
        assert line.endswith("start one with: run.py serve --config foredial.yaml")
