"""The daemon as an operator meets it, without any peer."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import ROOT, RUN, Dialer, VerbError
from tests.peers.sipp import free_port

SETTINGS = """
data_dir: {folder}/var
allow_list: ["+1202555*"]
attributes:
  - {{name: customer_id, type: text, key: true}}
  - {{name: phone, type: phone, required: true}}
trunks:
  - {trunk}
metrics: {{port: 0}}
simulation: {{agents: 3, setup_s: 0.1, ring_s: 0.3, talk_s: 0.5, wrap_up_s: 0.2}}
{more}
"""
SIMULATED = "{name: carrier, kind: simulated, calls_per_second: 50}"

FLOW = """
title: Spring
compliance:
  overrides: {calling_hours: [{from: "00:00", to: "24:00"}]}
nodes:
  - {id: start, type: start, interval_s: 0.5, next: {pulse: due}}
  - {id: due, type: check_undelivered_contacts, next: {"true": seize}}
  - {id: seize, type: seize_agent, target: 3, next: {pulse: seized}}
  - {id: seized, type: check_seize_agent_event, next: {agent_reserved: init}}
  - {id: init, type: init, next: {contact: dial}}
  - {id: dial, type: dial, channel: carrier, ring_timeout_s: 15, next: {live_call: route}}
  - {id: route, type: route_to_agent}
"""
LIST = "customer_id,phone\nC1,+12025550101\nC2,+12025550102\nC3,+12025550103\n"


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def load(dialer: Dialer) -> None:
    dialer.verb("contacts", "import", write(dialer.folder, "list.csv", LIST))
    dialer.verb("campaign", "create", write(dialer.folder, "flow.yaml", FLOW))
    dialer.verb("campaign", "publish", "Spring")


@pytest.fixture
def dialer(tmp_path: Path) -> Iterator[Dialer]:
    with simulated(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dialer]:
    """One daemon for all tests after which it is as it was."""
    with simulated(tmp_path_factory.mktemp("shared")) as running:
        yield running


def simulated(folder: Path) -> Dialer:
    return Dialer(folder, SETTINGS.format(folder=folder, trunk=SIMULATED, more=""))


def test_a_newcomer_sees_calls_flow(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    process = subprocess.Popen(
        [*RUN, "demo", "--metrics-port", "0", "--ready-file", str(ready)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        Dialer.wait_for(ready.exists, 30, "the demo")
        demo = Dialer.of(ROOT / "config" / "demo" / "settings.yaml")
        name = "dialer_call_attempts_total"
        first = Dialer.wait_for(lambda: demo.figure(name, campaign="Demo"), 30, "a call")
        Dialer.wait_for(lambda: demo.figure(name, campaign="Demo") > first, 30, "more calls")
    finally:
        process.terminate()
        assert process.wait(40) == 0


def test_an_unreachable_trunk_is_down_contacts_stay_due_and_the_reason_is_told(
    tmp_path: Path,
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        ours = free_port("127.0.0.1")
        trunk = (
            f"{{name: carrier, kind: sip, remote: '127.0.0.1:{port}', bind: '127.0.0.1:{ours}'}}"
        )
        more = "media: {bind_host: 127.0.0.1, first_port: 23000, last_port: 23098}"
        text = SETTINGS.format(folder=tmp_path, trunk=trunk, more=more)
        with Dialer(tmp_path, text) as dialer:
            load(dialer)
            time.sleep(3)
            assert dialer.figure("dialer_trunk_up", trunk="carrier") == 0
            assert dialer.figure("dialer_call_attempts_total", campaign="Spring") == 0
            told = dialer.verb("explain", "campaign", "Spring")
            assert told["cause"] == "trunk", told
            assert "answer" in str(told)
            assert "carrier" in dialer.get("/readyz")


def _replayed(dialer: Dialer, journal: str) -> Any:
    found = dialer.verb("replay", journal)
    return found if found["agree"] >= 3 else None


def test_the_list_is_dialed_and_the_reasons_are_kept(dialer: Dialer) -> None:
    load(dialer)
    name = "dialer_call_attempts_total"
    dialer.wait_for(lambda: dialer.figure(name, campaign="Spring") >= 3, 20, "three calls")
    journal = str(dialer.folder / "var" / "journal")
    replayed = dialer.wait_for(lambda: _replayed(dialer, journal), 20, "the journal")
    assert (replayed["unknown"], replayed["difference"]) == (0, None)
    explained = dialer.verb("explain", "contact", "C1")["contacts"][0]
    assert explained["attempts"][0]["number"] == "+12025550101"
    assert dialer.verb("explain", "pulse", "--campaign", "Spring")["pulses"]


BAD = {
    "a flow with a wrong edge": (
        ["campaign", "create", "{file}"],
        FLOW.replace("next: {live_call: route}", "next: {live_call: seize}"),
        ["flow.yaml:11", "dial", "seize takes pulse"],
    ),
    "a file that is no list": (
        ["contacts", "import", "{file}"],
        "name,telephone\nAnn,+12025550101\n",
        ["phone"],
    ),
    "a filter on what nobody has": (
        ["filter", "save", "x", "{file}"],
        "{attribute: blance, operator: equals, value: 1}",
        ["blance"],
    ),
    "a number that may not be dialed": (
        ["trunk", "test-call", "carrier", "911"],
        "",
        ["911"],
    ),
    "an agent who is not there": (["agents", "state", "nobody", "ready"], "", ["nobody"]),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_line_and_changes_nothing(shared: Dialer, what: str) -> None:
    arguments, text, told = BAD[what]
    file = write(shared.folder, "flow.yaml", text)
    before = shared.verb("campaign", "list")
    with pytest.raises(VerbError) as refused:
        shared.verb(*(argument.format(file=file) for argument in arguments))
    assert refused.value.code == 2
    assert len(refused.value.stderr.splitlines()) == 1
    for words in told:
        assert words in refused.value.stderr
    assert shared.verb("campaign", "list") == before
    assert shared.verb("status")["running"]


def test_a_running_campaign_outlives_a_bad_edit(dialer: Dialer) -> None:
    load(dialer)
    bad = write(dialer.folder, "bad.yaml", FLOW.replace("channel: carrier", "channel: nowhere"))
    with pytest.raises(VerbError) as refused:
        dialer.verb("campaign", "edit", "Spring", "--flow", bad)
    assert refused.value.code == 2
    assert "nowhere" in refused.value.stderr
    name = "dialer_call_attempts_total"
    dialer.wait_for(lambda: dialer.figure(name, campaign="Spring") >= 3, 20, "three calls")


def test_publishing_refuses_a_node_whose_gateway_is_not_there_yet(shared: Dialer) -> None:
    text = FLOW.replace("live_call: route", "live_call: menu")
    text += "  - {id: menu, type: play, prompt: hello, next: {done: route}}\n"
    shared.verb("campaign", "create", write(shared.folder, "flow.yaml", text))
    with pytest.raises(VerbError) as refused:
        shared.verb("campaign", "publish", "Spring")
    assert refused.value.code == 2
    assert "menu" in refused.value.stderr
    assert "ivr" in refused.value.stderr


def test_settings_that_are_wrong_start_nothing(tmp_path: Path) -> None:
    text = SETTINGS.format(folder=tmp_path, trunk=SIMULATED, more="livve: true")
    config = write(tmp_path, "foredial.yaml", text)
    done = subprocess.run(
        [*RUN, "--config", config, "serve"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "foredial.yaml:" in line
    assert "live" in line
    assert not (tmp_path / "var").exists()
