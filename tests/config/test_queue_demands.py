"""What queues ask of their agents, and who serves them for it."""

from config.loader import load_settings, settings_problems
from config.staff import staff_of
from dialer.queues import Demand

TEAM = """
queues:
  - name: default
  - {name: spanish, languages: [es], skills: {billing: 3}}
agents:
  - {id: amy, languages: [en, es], skills: {billing: 5}}
  - {id: bob, languages: [en, es], skills: {billing: 2}}
  - {id: cid, languages: [en], skills: {billing: 5}}
simulation: {agents: 1}
"""


def _settings(tmp_path, text):
    path = tmp_path / "daemon.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_queue_is_served_by_those_who_have_what_it_asks_for(tmp_path):
    staff = staff_of(load_settings(_settings(tmp_path, TEAM)), ())
    assert {p.agent_id: p.queues for p in staff.profiles} == {
        "amy": ("default", "spanish"),
        "bob": ("default",),
        "cid": ("default",),
        "sim-01": ("default", "spanish"),
    }


def test_an_agent_may_not_be_put_where_more_is_asked_than_they_have(tmp_path):
    text = TEAM.replace("{id: bob,", "{id: bob, queues: [spanish],")
    [problem] = settings_problems(_settings(tmp_path, text), {})
    assert str(problem).removeprefix(f"{tmp_path}/") == (
        "daemon.yaml:7: agent 'bob': queue 'spanish' asks for skill billing at 3; "
        "give them that, or take the queue from them"
    )


def test_a_demand_names_the_first_thing_that_lacks():
    demand = Demand(("es",), {"billing": 3})
    assert demand.lacking(("es",), {"billing": 3}) == ""
    assert demand.lacking((), {"billing": 3}) == "language es"
    assert demand.lacking(("es",), {}) == "skill billing at 3"
    assert not Demand()
