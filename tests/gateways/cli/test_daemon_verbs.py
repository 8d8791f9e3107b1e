"""serve, demo, stop, status and check, and what all verbs have in common."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateways.cli import DemoOptions
from gateways.cli.session import Session
from gateways.store import Store
from tests.gateways.cli.conftest import CommandLine, TestHost
from tests.gateways.control.place import FLOW, FakeLive

Write = Callable[[str, str], str]


def test_serve_and_demo_are_the_hosts(run: CommandLine, host: TestHost) -> None:
    run.good("serve", "--config", "foredial.yaml", "--ready-file", "ready")
    run.good("demo", "--agents", "5", "--metrics-port", "0", "--fresh")

    assert host.told == [
        ("serve", Path("foredial.yaml"), Path("ready")),
        ("demo", DemoOptions(agents=5, metrics_port=0, fresh=True)),
    ]


def test_a_panic_stop_reaches_the_daemon_and_leaves_its_file(
    run: CommandLine, daemon: FakeLive, folder: Path
) -> None:
    assert run.good("stop", "--panic") == "Nothing new is dialed.\n"
    assert (folder / "panic").exists()
    assert run.good("stop", "--lift") == "The panic stop is lifted.\n"

    assert not (folder / "panic").exists()
    assert daemon.told == [("panic", True), ("panic", False)]


def test_a_panic_stop_holds_without_a_daemon(run: CommandLine, folder: Path) -> None:
    assert "it holds for the next one" in run.good("stop", "--panic")
    assert (folder / "panic").exists()


def test_a_panic_stop_is_written_even_where_the_daemon_hangs(host: TestHost, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(host.place.control_socket))
        hanging.listen()
        with (
            Session(folder / "foredial.yaml", host.place, timeout_s=0.05) as session,
            pytest.raises(Exception, match=r"did not answer within .* is written all the same"),
        ):
            session.call("panic", on=True)

    assert (folder / "panic").exists()


def test_stop_wants_to_know_which(run: CommandLine) -> None:
    assert run.refused("stop") == "stop: not said which way; give --panic, or --lift"
    assert "not said which way" in run.refused("stop", "--panic", "--lift")


def test_status_says_whether_a_daemon_runs(run: CommandLine) -> None:
    result = run("status")
    assert (result.exit_code, result.stdout) == (1, "no daemon runs\n")


def test_status_with_nothing_to_tell_is_short(run: CommandLine, daemon: FakeLive) -> None:
    rows = [line.split() for line in run.good("status").splitlines()]

    assert ["campaigns", "0"] in rows
    assert ["dead", "letters", "none"] in rows


def test_status_of_a_daemon(run: CommandLine, daemon: FakeLive) -> None:
    assert run.data("status")["running"] is True
    assert "0.1.0" in run.good("status")


def test_check_tells_files_apart_by_what_is_in_them(run: CommandLine, write: Write) -> None:
    flow = write("flow.yaml", FLOW)
    filters = write("filter.json", '{"attribute": "city", "operator": "is_empty"}')

    scenario = write("world.yaml", "calls: {talk_s: 90}\n")
    checked = run.data("check", flow, filters, scenario, "foredial.yaml")

    assert checked["ok"] is True
    kinds = [file["kind"] for file in checked["files"]]
    assert kinds == ["flow", "filter", "scenario", "settings"]
    assert "flow.yaml: good (flow)" in run.good("check", flow)


def test_check_tells_everything_that_is_wrong(run: CommandLine, write: Write) -> None:
    flow = write("flow.yaml", FLOW.replace("channel: carrier", "channel: x"))
    filters = write("filter.yaml", "any:\n  - {attribute: town, operator: is_empty}\n")
    settings = write("settings.yaml", "wrong: 1\n")
    broken = write("broken.yaml", "a: [\n")
    head = "# yaml-language-server: $schema=../config/scenarios/scenario.schema.json"
    scenario = write("scenario.yaml", f"{head}\nhours: wrong\n")

    result = run("check", flow, filters, settings, scenario, broken, "gone.yaml")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [
        "flow.yaml:8",
        "filter.yaml:2",
        "settings.yaml:1",
        "settings.yaml:2",
        "scenario.yaml:3",
        "broken.yaml:2",
        "gone.yaml",
    ]


def test_check_needs_no_settings_for_the_drawing_alone(
    run: CommandLine, write: Write, folder: Path
) -> None:
    (folder / "foredial.yaml").unlink()

    run.good("check", write("flow.yaml", FLOW.replace("channel: carrier", "channel: x")))
    line = run.refused("check", write("flow.yaml", FLOW.replace("contact: dial", "contact: x")))

    assert line.startswith("flow.yaml:7: node init: port contact leads to 'x'")


def test_check_says_that_names_are_not_checked_with_wrong_settings(
    run: CommandLine, write: Write
) -> None:
    write("foredial.yaml", "wrong: 1\n")

    result = run("check", write("flow.yaml", FLOW))

    assert result.exit_code == 0
    assert result.stderr.startswith("names are not checked: foredial.yaml:1: unknown key")


def test_settings_come_from_the_option_the_environment_or_a_usual_place(
    run: CommandLine, host: TestHost, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one.yaml", "two.yaml"):
        (folder / name).write_text("live: false\n")
    monkeypatch.setenv("FOREDIAL_CONFIG", "two.yaml")
    run.good("serve", "--config", "one.yaml")
    run.good("--config", "one.yaml", "serve")
    run.good("serve")
    monkeypatch.delenv("FOREDIAL_CONFIG")
    run.good("serve")

    configs = [str(told[1]) for told in host.told]
    assert configs == ["one.yaml", "one.yaml", "two.yaml", "foredial.yaml"]
    (folder / "foredial.yaml").unlink()
    line = run.refused("serve")
    assert line == (
        "settings: there is no foredial.yaml or config/foredial.yaml here; give --config FILE"
    )


def test_wrong_settings_are_told_in_a_line(run: CommandLine, write: Write) -> None:
    write("foredial.yaml", "wrong: 1\n")

    assert run.refused("campaign", "list") == "foredial.yaml:1: unknown key; remove it"
    line = run.refused("campaign", "list", "--config", "gone.yaml")
    assert line == "gone.yaml: cannot be read: No such file; check its path"


def test_a_folder_that_cannot_be_used_is_a_line_too(run: CommandLine, host: TestHost) -> None:
    def refuse() -> Store:
        raise PermissionError(13, "Permission denied", "/var/lib/foredial")

    host.place = host.place._replace(open_store=refuse)

    assert run.refused("campaign", "list", code=1) == "/var/lib/foredial: Permission denied"


@pytest.mark.parametrize(
    "words",
    [
        ("campaign", "lst"),
        ("campaign", "list", "--page", "0"),
        ("campaign", "list", "--pgae", "2"),
        ("campaign", "publish"),
        ("nothing",),
    ],
)
def test_what_is_typed_wrongly_is_a_line_too(run: CommandLine, words: tuple[str, ...]) -> None:
    line = run.refused(*words)
    assert "--help" in line


VERBS = (
    *("serve", "demo", "stop", "status", "check", "queues"),
    *("contacts import", "contacts list", "filter save", "filter list", "filter preview"),
    *("campaign create", "campaign edit", "campaign list", "campaign show", "campaign publish"),
    *("campaign unpublish", "campaign stop", "campaign clone", "campaign delete"),
    *("agents add", "agents list", "agents state", "trunk list", "trunk test-call"),
    *("explain contact", "explain pulse", "explain campaign"),
)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example_and_stands_in_the_docs(
    run: CommandLine, verb: str
) -> None:
    shown = run.good(*verb.split(), "--help")

    assert f"run.py {verb}" in shown
    assert "--json" in shown
    docs = Path(__file__).parents[3] / "docs" / "cli.md"
    assert f"`{verb}" in docs.read_text()


def test_a_reader_who_leaves_early_gets_no_traceback(folder: Path) -> None:
    program = (
        "from pathlib import Path\n"
        "from gateways.cli import build_app\n"
        "from tests.gateways.cli.conftest import TestHost\n"
        "build_app(TestHost(Path('.')))(['queues', '--json'])\n"
    )
    read_end, write_end = os.pipe()
    os.close(read_end)
    root = Path(__file__).parents[3]
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdout=write_end,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root)},
            cwd=folder,
            check=False,
            text=True,
        )
    finally:
        os.close(write_end)

    assert (done.returncode, done.stderr) == (1, "")
