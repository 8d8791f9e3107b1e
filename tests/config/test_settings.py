"""Settings files: what they may say, and what is told about those that are wrong."""

from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from config.fields import Address
from config.loader import load_settings, settings_problems
from config.settings import Settings, SimulatedDesk, SipDesk
from config.trunks import SimulatedTrunk, SipTrunk
from dialer.contacts import AttributeSpec
from dialer.errors import ConfigError

CONFIG = Path(__file__).parents[2] / "config"

SIP = """
trunks:
  - name: carrier
    kind: sip
    remote: sip.carrier.example
media: {advertised_host: 192.0.2.1}
"""
NUMBERS = 'caller_ids: [{number: "+12125550100", name: ny}]\n'


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="daemon.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def told(write, monkeypatch):
    """The lines of every problem, without the folder."""

    def tell(text, environ=None):
        path = write(text)
        found = settings_problems(path, environ or {})
        assert not found or str(found[0]) == str(raised(path, environ or {}))
        return [str(problem).removeprefix(f"{path.parent}/") for problem in found]

    def raised(path, environ):
        with pytest.raises(ConfigError) as caught:
            load_settings(path, environ)
        return caught.value

    return tell


def test_an_empty_file_is_safe_and_complete(write):
    settings = load_settings(write(""))
    assert settings.live is False
    assert settings.allow_list == ()
    assert settings.trunks == ()
    assert settings.countries == ("US",)
    assert settings.region == "US"
    assert isinstance(settings.desk, SimulatedDesk)
    assert (settings.metrics.host, settings.metrics.port) == ("127.0.0.1", 9464)
    assert settings.contact_schema.key == "phone"


def test_the_shipped_default_says_what_an_empty_file_means(write):
    shipped = load_settings(CONFIG / "foredial.yaml")
    empty = load_settings(write("data_dir: ../var"))
    places = {
        "data_dir",
        "store_url",
        "control_socket",
        "panic_file",
        "scores_dir",
        "media",
        "journal",
    }
    assert shipped.model_dump(exclude=places) == empty.model_dump(exclude=places)
    assert shipped.media.model_dump(exclude={"prompts_dir"}) == empty.media.model_dump(
        exclude={"prompts_dir"}
    )
    assert shipped.journal.model_dump(exclude={"dir"}) == empty.journal.model_dump(exclude={"dir"})


def test_the_shipped_default_names_every_key():
    text = (CONFIG / "foredial.yaml").read_text("utf-8")

    def sections_of(annotation):
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        for held in get_args(annotation):
            yield from sections_of(held)

    def keys(model):
        for name, field in model.model_fields.items():
            if model is not AttributeSpec:
                yield name
            for section in sections_of(field.annotation):
                yield from keys(section)

    assert [key for key in keys(Settings) if f"{key}:" not in text] == []


def test_what_the_shipped_default_shows_in_comments_loads_too(tmp_path):
    text = (CONFIG / "foredial.yaml").read_text("utf-8")
    trunks = text[text.index("trunks: []") : text.index("# How agents are reached")]
    numbers = text[text.index("caller_ids: []") : text.index("# Calls that come in")]
    agents = text[text.index("agents: []") : text.index("# The audio relay")]
    shown = []
    for part in (numbers, trunks, agents):
        lines = part.splitlines()
        shown.append(lines[0].removesuffix(" []"))
        shown += [line.removeprefix("# ").removeprefix("#") for line in lines[1:]]
    (tmp_path / "carrier.password").write_text("s3cret\n")
    path = tmp_path / "daemon.yaml"
    path.write_text("\n".join([*shown, "media: {advertised_host: 192.0.2.1}"]))
    settings = load_settings(path)
    carrier, rehearsal = settings.trunks
    assert isinstance(carrier, SipTrunk)
    assert isinstance(rehearsal, SimulatedTrunk)
    assert carrier.password is not None
    assert carrier.password.get_secret_value() == "s3cret"
    assert settings.agents[0].address == "sip:amy@10.0.0.5:5060"
    assert [number.name for number in settings.caller_id_inventory.numbers] == [
        "sales-1",
        "carrier",
    ]


def test_in_the_demo_nothing_leaves_the_machine():
    settings = load_settings(CONFIG / "demo" / "settings.yaml")
    assert settings.live is False
    assert {trunk.kind for trunk in settings.trunks} == {"simulated"}
    assert settings.desk.kind == "simulated"
    assert settings.simulation.agents == 10
    # Only the numbers that are kept free for fiction.
    assert settings.allow_list
    for entry in settings.allow_list:
        assert entry[5:] == "55501*"


def test_paths_start_at_the_files_folder_and_the_rest_follows_data_dir(write, tmp_path):
    settings = load_settings(
        write("data_dir: ../held\nmedia: {first_port: 30000, last_port: 30010}")
    )
    held = tmp_path.parent / "held"
    assert settings.data_dir == held
    assert settings.store_url == f"sqlite:///{held}/foredial.db"
    assert settings.control_socket == held / "control.sock"
    assert settings.panic_file == held / "panic"
    assert settings.journal.dir == held / "journal"
    assert settings.media.prompts_dir == tmp_path / "prompts"


def test_paths_left_to_their_defaults_start_there_too(write, tmp_path):
    settings = load_settings(write(""))
    assert settings.data_dir == tmp_path / "var"
    assert settings.journal.dir == tmp_path / "var" / "journal"
    assert settings.media.prompts_dir == tmp_path / "prompts"


def test_what_the_file_places_itself_stays_there(write, tmp_path):
    settings = load_settings(
        write(
            "data_dir: /srv/dialer\nstore_url: sqlite:///here.db\n"
            "control_socket: /run/dialer.sock\njournal: {dir: ledger, keep_days: 7}\n"
        )
    )
    assert settings.store_url == f"sqlite:///{tmp_path}/here.db"
    assert settings.control_socket == Path("/run/dialer.sock")
    assert settings.journal.dir == tmp_path / "ledger"
    assert settings.journal.keep_days == 7
    assert settings.panic_file == Path("/srv/dialer/panic")


def test_a_key_with_nothing_after_it_counts_as_left_out(write):
    settings = load_settings(write("trunks:\nmedia:\njournal:\ndesk:\nlog:\n  level:\n"))
    assert settings == load_settings(write("", "empty.yaml"))


def test_a_sip_trunk_takes_defaults_that_work(write):
    [trunk] = load_settings(write(SIP)).trunks
    assert isinstance(trunk, SipTrunk)
    assert trunk.remote == Address("sip.carrier.example", 0)
    assert trunk.bind == Address("0.0.0.0", 5060)
    assert trunk.codecs == ("PCMU", "PCMA")
    assert trunk.password is None


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [
        ("10.0.0.1:5080", "10.0.0.1", 5080),
        ("sip.example", "sip.example", 0),
        ("'[2001:db8::1]:5070'", "2001:db8::1", 5070),
        ("'[2001:db8::1]'", "2001:db8::1", 0),
    ],
)
def test_an_address_is_a_host_and_a_port(write, written, host, port):
    [trunk] = load_settings(write(SIP.replace("sip.carrier.example", written))).trunks
    assert isinstance(trunk, SipTrunk)
    assert trunk.remote == (host, port)


@pytest.mark.parametrize(
    "line", ["password: s3cret", "password_file: the.password", "password_env: CARRIER"]
)
def test_a_password_comes_from_the_file_a_file_or_the_environment(write, tmp_path, line):
    (tmp_path / "the.password").write_text("s3cret\n")
    text = sip_with(f"username: dialer\n    {line}")
    settings = load_settings(write(text), {"CARRIER": "s3cret"})
    [trunk] = settings.trunks
    assert isinstance(trunk, SipTrunk)
    assert trunk.password is not None
    assert trunk.password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)


def sip_with(lines):
    return SIP.replace("media:", f"    {lines}\nmedia:")


AGENT = "agents: [{{id: amy, {}}}]"

WRONG = [
    # Keys
    ("trunk: []", "daemon.yaml:1: trunk: unknown key; did you mean 'trunks'?"),
    ("\nlog:\n  levle: info", "daemon.yaml:3: log.levle: unknown key; did you mean 'level'?"),
    ("live: true\nlive: false", 'daemon.yaml:2: found duplicate key "live"; keep one of the two'),
    ("\tlive: true", "daemon.yaml:1: a tab where YAML wants spaces; indent with spaces"),
    # Kinds
    ("trunks: [{name: a, kind: spi}]", "no such kind: 'spi'; did you mean 'sip'?"),
    ("trunks: [{name: a}]", "daemon.yaml:1: trunks[0]: missing 'kind'; add it"),
    ("trunks: [{kind: simulated}]", "daemon.yaml:1: trunks[0].name: missing; add 'name'"),
    ("desk: {kind: phone}", "no such kind: 'phone'; there are simulated, sip"),
    # Values
    ("live: perhaps", "daemon.yaml:1: live: "),
    ("metrics: {port: 99999}", "daemon.yaml:1: metrics.port: "),
    ("\nmetrics:\n  port: http", "daemon.yaml:3: metrics.port: "),
    ("log: {level: loud}", "daemon.yaml:1: log.level: "),
    ("countries: [us]", "countries[0]: there is no country 'us'; give two capital letters, as US"),
    ("countries: [England]", "there is no country 'England'; give two capital letters, as US"),
    ("countries: []", "daemon.yaml:1: countries: empty; give one at least"),
    ("default_region: XX", "there is no country 'XX'; give two capital letters, as US"),
    ("allow_list: ['555']", "allow_list[0]: '555' is neither a number nor a beginning; write +1"),
    ("allow_list: ['*']", "'*' is neither a number nor a beginning"),
    ("allow_list: [15550100123]", "daemon.yaml:1: allow_list[0]: "),
    ("data_dir: ''", "data_dir: empty; give a path, or leave the key out"),
    ("store_url: mysql://x", "store_url: not a store; write sqlite:///FILE or postgresql://..."),
    ("store_url: 'sqlite:///:memory:'", "a store in memory forgets its attempts; name a file"),
    ("queues: [{name: a}, {name: a}]", "queues: there are two queues 'a'; rename one"),
    ("queues: [{name: ' a'}]", "queues[0].name: not a name; give text without spaces around it"),
    ("agents: [{id: a}, {id: a}]", "agents: there are two agents 'a'; rename one"),
    ("agents: [{id: 'a b'}]", "daemon.yaml:1: agents[0].id: "),
    (AGENT.format("address: 10.0.0.5"), "daemon.yaml:1: agents[0].address: "),
    ("media: {first_port: 20001}", "media: an odd RTP port; first_port and last_port are even"),
    ("media: {bind_host: here}", "media.bind_host: 'here' is no IP address; write it in digits"),
    (
        "media: {first_port: 30000, last_port: 20000}",
        "last_port does not lie after first_port; raise it",
    ),
    ("simulation: {outcomes: {user_bussy: 1}}", "did you mean 'user_busy'?"),
    ("simulation: {outcomes: {user_busy: -1}}", "the weight of user_busy is -1.0; give 0 or more"),
    ("simulation: {outcomes: {user_busy: 0}}", "no outcome has a weight; give one at least"),
    ("attributes: [{name: age, type: integer}]", "no attribute is a phone; declare one with"),
    ("attributes: [{name: p, type: phon}]", "daemon.yaml:1: attributes[0].type: "),
    # Addresses and passwords
    (sip_with("bind: 10.0.0.1:x"), "daemon.yaml:6: trunks[0].bind: 'x' is not a port"),
    (sip_with("bind: 10.0.0.1:70000"), "'70000' is not a port; write one from 1 to 65535"),
    (sip_with("bind: 'sip:x@y'"), "is not a port"),
    (sip_with("bind: 'a b'"), "'a b' is not an address; write it as HOST or HOST:PORT"),
    (sip_with("bind: 'host:'"), "'host:' ends with a colon; write it as HOST:PORT"),
    (sip_with("bind: 5060"), "not an address; write it as HOST or HOST:PORT"),
    (sip_with("codecs: [G729]"), "daemon.yaml:6: trunks[0].codecs[0]: "),
    (sip_with("codecs: [PCMU, PCMU]"), "a codec stands twice; keep each once"),
    (sip_with("password: x"), "a password without a name; add username"),
    (sip_with("password: 1234"), "password: not text; put it in quotes"),
]


@pytest.mark.parametrize(("text", "line"), WRONG)
def test_what_is_wrong_is_told_in_one_line(told, text, line):
    [problem] = told(text)
    assert line in problem
    assert problem.startswith("daemon.yaml:")
    assert "\n" not in problem


def test_a_mistyped_key_of_a_kind_of_trunk_is_told_with_the_one_that_was_meant(told):
    found = told(SIP.replace("remote", "remot"))
    assert "daemon.yaml:5: trunks[0].remot: unknown key; did you mean 'remote'?" in found


def test_a_password_given_twice_is_refused(told):
    lines = "username: a\n    password: x\n    password_env: X"
    [problem] = told(sip_with(lines), {"X": "x"})
    assert "keep one of password, password_file and password_env" in problem


def test_a_password_that_is_not_there_is_told_with_its_line(told, tmp_path):
    lines = "username: a\n    password_file: none.password"
    [problem] = told(sip_with(lines))
    assert problem.startswith("daemon.yaml:7: trunk 'carrier': password_file: ")
    assert "No such file" in problem
    (tmp_path / "none.password").write_text("\n")
    assert "none.password is empty" in told(sip_with(lines))[0]
    lines = "username: a\n    password_env: CARRIER"
    [problem] = told(sip_with(lines))
    assert problem == (
        "daemon.yaml:7: trunk 'carrier': password_env: the variable CARRIER is not set; "
        "provide the password"
    )


def test_a_problem_never_shows_a_password(told):
    for value in ("[s3cret]", "{a: s3cret}"):
        [problem] = told(sip_with(f"username: a\n    password: {value}"))
        assert "s3cret" not in problem


def test_all_problems_are_told_in_the_order_of_their_lines(told):
    found = told("live: 7\nmetrics:\n  prot: 1\ncountries: [XX]\n")
    assert [line.split(":")[1] for line in found] == ["1", "3", "4"]


def test_a_queue_that_is_not_there_is_told_with_the_one_that_was_meant(told):
    [problem] = told("queues: [{name: sales}]\nagents:\n  - id: amy\n    queues: [slaes]\n")
    assert problem == (
        "daemon.yaml:4: agent 'amy': there is no queue 'slaes'; did you mean 'sales'?"
    )


def test_a_phone_desk_wants_a_phone_for_each_agent_and_a_place_for_audio(told, write):
    text = "desk: {kind: sip}\nagents: [{id: amy}]\n"
    assert told(text) == [
        "daemon.yaml:2: agent 'amy' has no phone, and desk.kind is sip; add address: sip:NAME@HOST",
        "daemon.yaml:1: media.bind_host 0.0.0.0 is no place to send audio to; "
        "add media.advertised_host, our address as others see it",
    ]
    good = "desk: {kind: sip}\nagents: [{id: amy, address: 'sip:amy@10.0.0.5'}]\n"
    settings = load_settings(write(good + "media: {bind_host: 10.0.0.1}"))
    assert isinstance(settings.desk, SipDesk)


def test_real_people_are_never_connected_to_simulated_agents(told, write):
    [problem] = told("live: true\n" + NUMBERS + SIP)
    assert problem == (
        "daemon.yaml:1: live calls would be answered by simulated agents: nobody; "
        "set desk.kind: sip, or live: false"
    )
    load_settings(write("live: true\ndesk: {kind: sip}\n" + NUMBERS + SIP))
    load_settings(write(SIP))  # a rehearsal over SIP, to the allow-list only


def test_no_live_call_leaves_without_a_number(told, write):
    [problem] = told("live: true\ndesk: {kind: sip}\n" + SIP)
    assert problem == (
        "daemon.yaml:5: trunk 'carrier': its calls would show no number, which no callee trusts; "
        "add caller_id to it, or a number under caller_ids"
    )
    elsewhere = NUMBERS.replace("name: ny", "name: ny, trunks: [carier]")
    [first, _] = told("live: true\ndesk: {kind: sip}\n" + elsewhere + SIP)
    assert first == (
        "daemon.yaml:3: caller ID 'ny': there is no trunk 'carier'; did you mean 'carrier'?"
    )


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("number: '2125550100', name: ny", "caller_ids[0].number"),
        ("number: '+12125550100', name: '+12125550100'", "metrics show names only"),
        ("number: '+12125550100', name: ny, time_zone: Mars", "there is no time zone 'Mars'"),
        ("number: '+12125550100', name: ny, daily_cap: -1", "caller_ids[0].daily_cap"),
    ],
)
def test_a_number_of_ours_is_whole_and_has_a_name(told, entry, problem):
    [line] = told(f"caller_ids: [{{{entry}}}]\n")
    assert problem in line


def test_two_numbers_of_ours_are_told_apart(told):
    twice = "{number: '+12125550100', name: ny}"
    [line] = told(f"caller_ids: [{twice}, {twice}]\n")
    assert "there are two caller_ids '+12125550100'; rename one" in line


def test_a_recording_for_callers_must_be_there(told, write, tmp_path):
    [problem] = told("callbacks:\n  prompt: who-called\n")
    assert problem.startswith("daemon.yaml:2: callbacks.prompt: 'who-called' is not in ")
    assert problem.endswith("prompts; record it as WAV, 8 kHz mono, and put it there")
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "who-called.wav").write_bytes(b"")
    assert load_settings(write("callbacks: {prompt: who-called}")).callbacks.opt_out_key == "9"


def test_attributes_that_cannot_be_told_apart_are_refused(told):
    text = "\nattributes:\n  - {name: phone, type: phone}\n  - {name: Phone}\n"
    [problem] = told(text)
    assert problem.startswith("daemon.yaml:2: attribute 'Phone': cannot be told from 'phone'")


def test_a_control_socket_beyond_the_systems_limit_is_refused(told):
    [problem] = told(f"control_socket: /{'x' * 120}\n")
    assert "is longer than 103 bytes; put it in a shorter path" in problem


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"none.yaml: cannot be read: No such file"):
        load_settings(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory"):
        load_settings(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"data_dir: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"latin.yaml:1: not UTF-8 text; save it as UTF-8"):
        load_settings(tmp_path / "latin.yaml")
    (tmp_path / "list.yaml").write_text("- a\n- b\n")
    with pytest.raises(ConfigError, match=r"list.yaml:1: "):
        load_settings(tmp_path / "list.yaml")
