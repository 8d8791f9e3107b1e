"""A peer that is not there is a skip with its reason, or a failure where peers are required."""

import subprocess
from pathlib import Path

import pytest

from tests.peers import require

INSTALL = Path(__file__).with_name("install.sh")


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("bare_machine")
def test_a_missing_peer_is_a_skip_that_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_PEERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="sip-tester"):
        require("sipp")


@pytest.mark.usefixtures("bare_machine")
def test_a_missing_peer_fails_where_peers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_PEERS", "1")
    with pytest.raises(pytest.fail.Exception, match="sip-tester"):
        require("sipp")


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize(("required", "code"), [("0", 0), ("1", 1)])
def test_an_installation_that_cannot_be_says_why(
    required: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_PEERS", required)
    done = subprocess.run(["/bin/sh", str(INSTALL)], check=False, capture_output=True, text=True)
    assert done.returncode == code
    assert "no apt here; install by hand" in done.stderr
    assert "sip-tester" in done.stderr
