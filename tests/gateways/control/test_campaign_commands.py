"""Campaigns through commands: what is refused, what changes, and what is undone."""

import pytest

from dialer.errors import ControlError, DialerError, FlowError, LifecycleError, NotFoundError
from gateways.control.commands import Commands
from gateways.control.problems import all_of
from gateways.store import Store
from tests.gateways.control.place import FLOW, FakeLive


def _create(commands: Commands, **changes: str) -> int:
    made = commands.campaigns.create(FLOW, "spring.yaml", **changes)
    number: int = made["campaign_id"]
    return number


def _lines(error: DialerError) -> list[str]:
    return [str(one) for one in all_of(error)]  # type: ignore[arg-type]


def test_a_draft_takes_title_and_description_from_its_flow(offline: Commands) -> None:
    made = offline.campaigns.create(FLOW, "spring.yaml")

    assert made["title"] == "Spring offer"
    assert made["description"] == "A flow that dials."
    assert made["status"] == "unpublished"
    assert made["warnings"] == []


def test_every_name_that_is_not_there_is_told_with_its_node(offline: Commands) -> None:
    wrong = FLOW.replace("channel: carrier", "channel: carier\n    identifier: city").replace(
        "type: route_to_agent", "type: route_to_agent, queue: slaes, patience_s: 9"
    )

    with pytest.raises(FlowError) as caught:
        offline.campaigns.create(wrong, "spring.yaml")

    assert _lines(caught.value) == [
        "spring.yaml:8: node dial: channel: there is no trunk 'carier'; did you mean 'carrier'?",
        "spring.yaml:8: node dial: identifier: attribute 'city' is a text, not a phone; there are "
        "phone",
        "spring.yaml:13: node route: patience_s 9 is over the 2 s after which us_ftc calls it "
        "abandoned; set patience_s to 2 or less",
        "spring.yaml:13: node route: queue: there is no queue 'slaes'; did you mean 'sales'?",
    ]


def test_the_trunks_that_take_over_and_the_number_shown_must_be_ours(offline: Commands) -> None:
    settings = "channel: carrier\n    failover: [spare]\n    caller_id: '+15550000000'"
    with pytest.raises(FlowError) as caught:
        offline.campaigns.create(FLOW.replace("channel: carrier", settings), "spring.yaml")

    assert _lines(caught.value) == [
        "spring.yaml:8: node dial: failover: there is no trunk 'spare'; there are carrier",
        "spring.yaml:8: node dial: caller_id: '+15550000000' is not one of our numbers; add it "
        "under caller_ids in the settings",
    ]
    for ours in ("'+12125550100'", "ny", "sales"):
        flow = FLOW.replace("channel: carrier", f"channel: carrier\n    caller_id: {ours}")
        offline.campaigns.create(flow.replace("Spring offer", f"By {len(ours)}"), "spring.yaml")


def test_every_problem_of_a_drawing_is_told(offline: Commands) -> None:
    wrong = FLOW.replace("contact: dial", "contact: dail").replace("pulse: seize", "puls: seize")

    with pytest.raises(FlowError) as caught:
        offline.campaigns.create(wrong, "spring.yaml")

    assert [line.split(":")[1] for line in _lines(caught.value)] == ["5", "7"]


def test_an_unknown_preset_is_told(offline: Commands) -> None:
    wrong = FLOW.replace("nodes:", "compliance: {preset: uk_ofcom}\nnodes:")

    with pytest.raises(FlowError, match=r"spring.yaml: preset: there is no preset 'uk_ofcom'"):
        offline.campaigns.create(wrong, "spring.yaml")


def test_a_draft_may_be_ahead_of_its_filter_but_is_not_published_without(offline: Commands) -> None:
    flow = FLOW.replace("type: init,", "type: init, filter: debtors,")
    made = offline.campaigns.create(flow, "spring.yaml")

    assert made["warnings"] == [
        "spring.yaml:7: node init: filter 'debtors': there is none; see filter list"
    ]
    with pytest.raises(FlowError, match=r"campaign 'Spring offer':7: node init: filter 'debtors'"):
        offline.campaigns.publish("1")
    assert offline.campaigns.show("1")["status"] == "unpublished"


def test_a_missing_gateway_is_told_before_anything_changes(
    online: Commands, live: FakeLive
) -> None:
    flow = FLOW.replace(
        "type: init,", "type: init, dialing: {mode: predictive, formula: vector(2)},"
    )
    made = online.campaigns.create(flow, "spring.yaml")

    assert "needs the gateway 'formula'" in made["warnings"][0]
    with pytest.raises(FlowError, match="needs the gateway 'formula'"):
        online.campaigns.publish("1")
    assert online.campaigns.show("1")["status"] == "unpublished"
    assert live.told == []


def test_publishing_and_pausing_tell_the_daemon(online: Commands, live: FakeLive) -> None:
    number = _create(online)

    assert online.campaigns.publish("Spring offer")["status"] == "published"
    assert online.campaigns.unpublish(str(number))["status"] == "unpublished"
    assert online.campaigns.publish(str(number))["status"] == "published"
    assert online.campaigns.stop(str(number))["status"] == "stopped"

    assert live.told == [
        ("started", number),
        ("paused", number, False),
        ("started", number),
        ("paused", number, True),
    ]


@pytest.mark.parametrize(
    ("before", "verb", "status"),
    [
        ((), "publish", "unpublished"),
        (("publish",), "unpublish", "published"),
        (("publish",), "stop", "published"),
        ((), "stop", "unpublished"),
    ],
)
def test_what_the_daemon_cannot_do_is_undone(
    online: Commands, live: FakeLive, before: tuple[str, ...], verb: str, status: str
) -> None:
    _create(online)
    for event in before:
        online.call(f"campaign {event}", {"campaign": "1"})
    live.fails = True

    with pytest.raises(ControlError):
        online.call(f"campaign {verb}", {"campaign": "1"})

    assert online.campaigns.show("1")["status"] == status


def test_an_edit_of_a_published_flow_runs_at_once_as_a_new_version(
    online: Commands, live: FakeLive
) -> None:
    number = _create(online)
    online.campaigns.publish("1")

    edited = online.campaigns.edit("1", FLOW.replace("interval_s: 1", "interval_s: 2"), "new.yaml")

    assert edited["version"] == 2
    assert live.told == [("started", number), ("started", number)]


def test_a_wrong_edit_of_a_published_flow_changes_nothing(online: Commands, live: FakeLive) -> None:
    _create(online)
    online.campaigns.publish("1")

    with pytest.raises(FlowError):
        online.campaigns.edit("1", FLOW.replace("contact: dial", "contact: nowhere"), "new.yaml")

    assert online.campaigns.show("1")["flow"] == FLOW
    assert len(live.told) == 1


def test_an_edit_that_the_daemon_cannot_run_leaves_the_old_flow_current(
    online: Commands, live: FakeLive
) -> None:
    _create(online)
    online.campaigns.publish("1")
    live.fails = True

    with pytest.raises(ControlError):
        online.campaigns.edit("1", FLOW.replace("interval_s: 1", "interval_s: 2"), "new.yaml")

    assert online.campaigns.show("1")["flow"] == FLOW


def test_a_title_of_its_own_stays_when_the_flow_is_edited(offline: Commands) -> None:
    _create(offline)
    _create(offline, title="My own")
    renamed = FLOW.replace("Spring offer", "Summer offer")

    assert offline.campaigns.edit("1", renamed, "new.yaml")["title"] == "Summer offer"
    assert offline.campaigns.edit("2", renamed, "new.yaml")["title"] == "My own"


def test_a_published_campaign_keeps_its_title(online: Commands) -> None:
    _create(online)
    online.campaigns.publish("1")

    with pytest.raises(LifecycleError, match="cannot be renamed while published"):
        online.campaigns.edit("1", title="Other")

    assert online.campaigns.edit("1", description="new words")["description"] == "new words"


def test_two_published_campaigns_cannot_share_a_title(offline: Commands) -> None:
    _create(offline)
    _create(offline)
    offline.campaigns.publish("1")

    with pytest.raises(LifecycleError, match="campaign 1 is published under the same title"):
        offline.campaigns.publish("2")

    offline.campaigns.edit("2", title="Other")
    assert offline.campaigns.publish("Other")["status"] == "published"


def test_a_stopped_campaign_is_final_and_can_be_cloned(offline: Commands) -> None:
    _create(offline)
    offline.campaigns.stop("1")

    with pytest.raises(LifecycleError, match="clone it"):
        offline.campaigns.publish("1")
    with pytest.raises(LifecycleError, match="clone it"):
        offline.campaigns.edit("1", title="Other")
    clone = offline.campaigns.clone("1")

    assert (clone["title"], clone["status"]) == ("Spring offer (copy)", "unpublished")


def test_a_deleted_campaign_is_gone_and_the_daemon_forgets_it(
    online: Commands, live: FakeLive
) -> None:
    number = _create(online)
    online.campaigns.publish("1")
    with pytest.raises(LifecycleError, match="unpublish it first"):
        online.campaigns.delete("1")
    online.campaigns.unpublish("1")

    assert online.campaigns.delete("1")["deleted"] is True

    assert live.told[-1] == ("paused", number, True)
    with pytest.raises(NotFoundError):
        online.campaigns.show("1")


def test_a_campaign_is_found_by_id_and_by_exact_title(offline: Commands) -> None:
    _create(offline)
    _create(offline, title="2024")
    _create(offline, title="Twin")
    _create(offline, title="Twin")

    assert offline.campaigns.show("2024")["campaign_id"] == 2
    with pytest.raises(NotFoundError, match="give one id: 4, 3"):
        offline.campaigns.show("Twin")
    with pytest.raises(NotFoundError, match="did you mean 'Spring offer'"):
        offline.campaigns.show("Spring ofer")
    with pytest.raises(NotFoundError, match="campaign '99': there is none; see campaign list"):
        offline.campaigns.show("99")


def test_the_list_pages_and_searches_title_words(offline: Commands) -> None:
    for number in range(5):
        _create(offline, title=f"Offer {number} of Spring")
    _create(offline, title="Winter")

    found = offline.campaigns.list_campaigns(search="SPRING offer", page=2, per_page=2)

    assert [item["title"] for item in found["items"]] == ["Offer 2 of Spring", "Offer 1 of Spring"]
    assert (found["total"], found["page"], found["pages"]) == (5, 2, 3)


def test_publishing_says_where_it_will_dial_nobody(offline: Commands, store: Store) -> None:
    _create(offline)

    told = offline.campaigns.publish("1")

    assert told["warnings"] == [
        "there is no contact yet",
        "no daemon runs; it will dial when one is started",
    ]


def test_a_request_with_wrong_arguments_is_bad_input(offline: Commands) -> None:
    with pytest.raises(DialerError, match=r"campaign list: page: .*valid integer"):
        offline.call("campaign list", {"page": "two"})
    with pytest.raises(DialerError, match="campaign list: pagge: unexpected keyword argument"):
        offline.call("campaign list", {"pagge": 2})
    with pytest.raises(DialerError, match="there is no verb 'campaign lsit'; did you mean"):
        offline.call("campaign lsit", {})
