"""What a flow names must be there: media routing domains of queues, attributes of texts."""

from dataclasses import replace
from pathlib import Path

import pytest

from config.composition.scores import score_reader
from config.formulas_shipped import formula_texts
from dialer.score.model import model_text
from gateways.control.flow_check import check_flow
from tests.gateways.control.place import FLOW, make_site
from tests.score_models import MODEL


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


def predictive(formula: str, target: int = 12) -> str:
    dialing = f"type: init, dialing: {{mode: predictive, formula: '{formula}'}}"
    seize = f"type: seize_agent, target: {target}"
    return FLOW.replace("type: init", dialing).replace("type: seize_agent", seize)


def doubts(folder: Path, text: str) -> list[str]:
    site = replace(make_site(folder), formulas=formula_texts)
    checked = check_flow(text, "flow.yaml", site)
    assert checked.faults == ()
    return [str(doubt) for doubt in checked.warnings]


def test_a_small_team_is_advised_against_predictive(tmp_path: Path) -> None:
    assert doubts(tmp_path, predictive("compliance_guard", 10)) == []
    assert doubts(tmp_path, predictive("compliance_guard", 9)) == [
        "flow.yaml:7: node init: dialing: predictive for 9 agents; chance is too strong for it "
        "below 10; set mode: power or lookahead, or seize more agents"
    ]


def test_calls_that_never_ring_long_enough_are_not_given_up(tmp_path: Path) -> None:
    blueprint = Path(__file__).parents[3] / "config" / "campaigns" / "lookahead.yaml"
    text = blueprint.read_text().replace("channel: simulated", "channel: carrier")
    gives_up = text.replace("target: 0.03}", "target: 0.03, give_up_long_rings: true}")
    short = gives_up.replace("ring_timeout_s: 25", "ring_timeout_s: 15")
    assert doubts(tmp_path, gives_up) == []
    (line,) = doubts(tmp_path, short)
    assert "calls ring for 15 s and may be given up after 15 s; set a longer" in line


def test_what_is_likely_to_go_wrong_with_a_formula_is_a_warning(tmp_path: Path) -> None:
    doubtful = "1 / sum by (campaign) (rate(dialer_call_attempts_total[2s]))"
    told_ = doubts(tmp_path, predictive(doubtful))
    assert any("dialing.formula: short_window" in line for line in told_)
    assert all(line.startswith("flow.yaml:7: node init") for line in told_)


@pytest.mark.parametrize(
    ("formula", "what"),
    [
        ("compliance_gard", "dialing.formula: there is no formula 'compliance_gard'"),
        ("sum(", "dialing.formula: character 5"),
    ],
)
def test_what_is_no_formula_is_a_fault_at_its_node(tmp_path: Path, formula: str, what: str) -> None:
    (fault,) = told(tmp_path, predictive(formula))
    assert fault.startswith(f"flow.yaml:7: node init: {what}")


LOOKAHEAD = (Path(__file__).parents[3] / "config" / "campaigns" / "lookahead.yaml").read_text()


def test_an_answer_score_must_be_there_and_be_one(tmp_path: Path) -> None:
    site = replace(make_site(tmp_path), scores=score_reader(tmp_path))

    def found(score: str) -> list[str]:
        dialing = "dialing: {mode: lookahead, target: 0.03"
        assert dialing in LOOKAHEAD
        text = LOOKAHEAD.replace(dialing, f"{dialing}, score: {score}")
        faults = [str(fault) for fault in check_flow(text, "flow.yaml", site).faults]
        return [fault for fault in faults if "score" in fault]

    (missing,) = found("answers.json")
    assert f"dialing.score: {tmp_path}/answers.json: cannot be read: No such file" in missing
    (tmp_path / "answers.json").write_text("{}")
    (none,) = found("answers.json")
    assert "it is no answer score" in none
    (tmp_path / "answers.json").write_bytes(model_text(MODEL))
    assert found("answers.json") == []
