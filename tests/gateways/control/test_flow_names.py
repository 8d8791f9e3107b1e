"""What a flow names must be there: media routing domains of queues, attributes of texts."""

from pathlib import Path

import pytest

from gateways.control.flow_check import check_flow
from tests.gateways.control.place import FLOW, make_site


def told(folder: Path, text: str) -> list[str]:
    checked = check_flow(text, "flow.yaml", make_site(folder))
    return [str(fault) for fault in checked.faults]


def test_a_queue_is_seized_in_its_own_media_routing_domain(tmp_path: Path) -> None:
    assert told(tmp_path, FLOW) == []
    right = FLOW.replace("type: seize_agent", "type: seize_agent, mrd: voice")
    assert told(tmp_path, right) == []
    wrong = FLOW.replace("type: seize_agent", "type: seize_agent, mrd: chat")
    assert told(tmp_path, wrong) == [
        "flow.yaml:6: node seize: mrd: queue 'default' is of 'voice', not 'chat'; set mrd to voice"
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Dear {{account}} of {{city|our town}}", ""),
        ("Dear {{acount}}", "{{acount}}: there is no attribute 'acount'; did you mean 'account'?"),
        ("Dear {{account", "{{account is not closed; add }}"),
        ("Dear {{2 + 2}}", "{{2 + 2}} names no attribute; write {{name}} or {{name|default}}"),
    ],
)
def test_a_text_names_attributes_that_there_are(tmp_path: Path, text: str, what: str) -> None:
    flow = FLOW.replace("{live_call: route}", "{live_call: route, delivery: text}")
    flow += f"  - {{id: text, type: plain_message, channel: sms, text: '{text}'}}\n"
    faults = told(tmp_path, flow)
    assert faults == ([f"flow.yaml:13: node text: text: {what}"] if what else [])
