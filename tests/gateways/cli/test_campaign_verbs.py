"""campaign ..., as typed: without a daemon, and through one."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateways.cli.host import Proof, ProofOptions
from tests.gateways.cli.conftest import CommandLine, TestHost
from tests.gateways.control.place import FLOW, FakeLive

Write = Callable[[str, str], str]


def _create(run: CommandLine, write: Write, *more: str) -> None:
    run.good("campaign", "create", write("spring.yaml", FLOW), *more)


def test_a_campaign_goes_through_its_life(run: CommandLine, write: Write) -> None:
    _create(run, write)

    assert "published" in run.good("campaign", "publish", "Spring offer")
    assert run.data("campaign", "list")["items"][0]["status"] == "published"
    run.good("campaign", "unpublish", "1")
    run.good("campaign", "stop", "1")
    run.good("campaign", "clone", "1", "--title", "Summer")
    run.good("campaign", "delete", "Spring offer")

    titles = [item["title"] for item in run.data("campaign", "list")["items"]]
    assert titles == ["Summer"]


def test_a_running_daemon_carries_changes_out(
    run: CommandLine, write: Write, daemon: FakeLive
) -> None:
    _create(run, write)
    run.good("campaign", "publish", "1")
    run.good("campaign", "stop", "1")

    assert daemon.told == [("started", 1), ("paused", 1, True)]


def test_what_the_daemon_refuses_is_told_as_if_it_were_here(
    run: CommandLine, write: Write, daemon: FakeLive
) -> None:
    _create(run, write)
    run.good("campaign", "stop", "1")

    line = run.refused("campaign", "publish", "1")

    assert line == (
        "campaign 'Spring offer': cannot publish while stopped; clone it to make a new draft"
    )


def test_a_daemon_that_fails_leaves_the_campaign_as_it_was(
    run: CommandLine, write: Write, daemon: FakeLive
) -> None:
    _create(run, write)
    daemon.fails = True

    assert run.refused("campaign", "publish", "1", code=1) == "the actors do not answer"
    assert run.data("campaign", "show", "1")["status"] == "unpublished"


def test_every_problem_of_a_flow_is_a_line_of_its_own(
    run: CommandLine, write: Write, daemon: FakeLive
) -> None:
    wrong = FLOW.replace("channel: carrier", "channel: nobody").replace(
        "type: route_to_agent", "type: route_to_agent, queue: nowhere"
    )

    result = run("campaign", "create", write("wrong.yaml", wrong))

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "wrong.yaml:8: node dial: channel: there is no trunk 'nobody'; there are carrier",
        "wrong.yaml:12: node route: queue: there is no queue 'nowhere'; there are default, sales",
    ]


def test_a_file_that_is_not_there_or_not_yaml_is_told(run: CommandLine, write: Write) -> None:
    missing = run.refused("campaign", "create", "no.yaml")
    assert missing.startswith("no.yaml: cannot be read: No such file or directory; check its path")

    line = run.refused("campaign", "create", write("bad.yaml", "title: [\n"))
    assert line.startswith("bad.yaml:2: not YAML")


def test_the_list_shows_the_columns_of_the_dashboard(run: CommandLine, write: Write) -> None:
    for number in range(3):
        _create(run, write, "--title", f"Offer {number}")

    shown = run.good("campaign", "list", "--per-page", "2")

    for word in ("id", "title", "status", "created", "modified", "contacts", "unpublished"):
        assert word in shown
    assert "3 campaigns, page 1 of 2" in shown
    assert "Offer 0" not in shown
    second = run.good("campaign", "list", "--page", "2", "--per-page", "2")
    assert "Offer 0" in second


def test_search_is_by_words_of_the_title(run: CommandLine, write: Write) -> None:
    _create(run, write, "--title", "Spring [bold]offer[/bold]")
    _create(run, write, "--title", "Winter")

    shown = run.good("campaign", "list", "--search", "OFFER spring")

    assert "Spring [bold]offer[/bold]" in shown
    assert "Winter" not in shown


def test_the_flow_that_is_shown_can_be_edited_and_put_back(run: CommandLine, write: Write) -> None:
    _create(run, write)
    assert run.good("campaign", "show", "1", "--flow") == FLOW

    changed = write("new.yaml", FLOW.replace("interval_s: 1", "interval_s: 9"))
    assert "version 1" in run.good("campaign", "edit", "1", "--flow", changed)

    assert "interval_s: 9" in run.good("campaign", "show", "1", "--flow")


def test_an_edit_that_changes_nothing_is_refused(run: CommandLine, write: Write) -> None:
    _create(run, write)

    assert "nothing to change" in run.refused("campaign", "edit", "1")


def test_warnings_stand_apart_from_the_document(run: CommandLine, write: Write) -> None:
    flow = write("spring.yaml", FLOW.replace("type: init,", "type: init, filter: debtors,"))

    result = run("campaign", "create", flow)
    assert result.stderr.startswith("warning: spring.yaml:7: node init: filter 'debtors'")

    document = json.loads(run("campaign", "create", flow, "--json").stdout)
    assert len(document["warnings"]) == 1


def test_an_unknown_campaign_or_status_is_told(run: CommandLine, write: Write) -> None:
    _create(run, write)

    assert "did you mean 'Spring offer'" in run.refused("campaign", "publish", "Spring ofer")
    assert "--status 'live' is none of" in run.refused("campaign", "list", "--status", "live")


def test_a_reset_campaign_dials_its_contacts_anew(run: CommandLine, write: Write) -> None:
    _create(run, write)
    run.good("contacts", "add", "--key", "a", "--phone", "212-555-0101", "--campaign=1", "--hot")
    assert "reset; 1 contacts are to be dialed again" in run.good("campaign", "reset", "1")
    assert run.data("campaign", "reset", "1")["contacts_given_back"] == 0
    run.good("campaign", "publish", "1")
    assert "cannot be reset while published" in run.refused("campaign", "reset", "1")
    assert "there is none" in run.refused("campaign", "reset", "9")


def test_a_campaign_that_is_proven_first_is_published(
    run: CommandLine, host: TestHost, write: Write
) -> None:
    _create(run, write)
    told = run.good("campaign", "publish", "1", "--prove", "base", "--agents", "7")

    assert "abandonment <= 0.03: judged" in told
    assert "proven and published" in told
    assert run.data("campaign", "show", "1")["status"] == "published"
    ((_, flow, name, options),) = host.told
    assert (flow, name) == (FLOW, "campaign Spring offer")
    assert options == ProofOptions("base", agents=7)


def test_a_campaign_that_misses_a_limit_stays_a_draft(
    run: CommandLine, host: TestHost, write: Write
) -> None:
    _create(run, write)
    host.proven = False
    line = run.refused("campaign", "publish", "1", "--prove", "base", code=3)

    assert line == "campaign 'Spring offer' is not published: abandonment <= 0.03: judged"
    told = json.loads(run("campaign", "publish", "1", "--prove", "base", "--json").stdout)
    assert told["proof"] == {"abandonment": 0.02}
    assert run.data("campaign", "show", "1")["status"] == "unpublished"


def test_only_a_campaign_that_could_be_published_is_proven(
    run: CommandLine, host: TestHost, write: Write
) -> None:
    _create(run, write)
    run.good("campaign", "stop", "1")

    assert "cannot publish while stopped" in run.refused("campaign", "publish", "1", "--prove", "x")
    assert run.refused("campaign", "publish", "1", "--threshold", "occupancy>=0.5") == (
        "publish: --threshold without --prove; give --prove SCENARIO"
    )
    assert host.told == []


def test_a_flow_that_changes_while_it_is_proven_is_not_published(
    run: CommandLine, host: TestHost, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    _create(run, write)

    def edited(flow: str, *rest: Any) -> Proof:
        run.good("campaign", "edit", "1", "--flow", write("new.yaml", f"# new\n{FLOW}"))
        return Proof(True, (), {})

    monkeypatch.setattr(host, "prove", edited)
    line = run.refused("campaign", "publish", "1", "--prove", "base")
    assert line.endswith("its flow was changed while it was proven; prove it again")
    assert run.data("campaign", "show", "1")["status"] == "unpublished"
