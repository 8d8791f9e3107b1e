"""Attempts on their way: committed, settled, or not made at all.

The rule of this module: an attempt stands in the store before its call leaves, and is settled
once, in the same transaction that says what becomes of its contact. A contact goes from `claimed`
to `in_flight` with its attempt, and only its settlement takes it out of there.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from dialer.outcomes import OUTCOMES
from dialer.ports import (
    LIST_PAUSED,
    NUMBER_BUSY,
    AttemptDraft,
    AttemptsCommitted,
    Callback,
    Deferral,
    Disposal,
    Settlement,
    StoreFailed,
)
from gateways.store.tables import attempts, campaign_contacts, lists

_HELD = (
    campaign_contacts.c.campaign_id == sa.bindparam("of_campaign"),
    campaign_contacts.c.contact_id == sa.bindparam("of_contact"),
)
_owed = campaign_contacts.c
_busy_numbers = sa.select(attempts.c.number).where(
    attempts.c.settled_at.is_(None),
    attempts.c.number.in_(sa.bindparam("numbers", expanding=True)),
)
_claimed = (
    sa.select(campaign_contacts.c.contact_id, lists.c.paused)
    .join_from(campaign_contacts, lists, lists.c.id == campaign_contacts.c.list_id)
    .where(
        campaign_contacts.c.campaign_id == sa.bindparam("of_campaign"),
        campaign_contacts.c.contact_id.in_(sa.bindparam("contact_ids", expanding=True)),
        campaign_contacts.c.state == "claimed",
    )
)
_commit = sa.insert(attempts).returning(attempts.c.id, sort_by_parameter_order=True)
# A hot lead that is being dialed has got what it was marked for.
_fly = sa.update(campaign_contacts).where(*_HELD).values(state="in_flight", hot=0)
_settle = (
    sa.update(attempts)
    .where(attempts.c.id == sa.bindparam("of_attempt"), attempts.c.settled_at.is_(None))
    .values(
        {
            # A trunk that took over is the one that carried it.
            "trunk": sa.case(
                (sa.bindparam("new_trunk") == "", attempts.c.trunk),
                else_=sa.bindparam("new_trunk"),
            )
        }
        | {
            name: sa.bindparam(f"new_{name}")
            for name in (
                "outcome",
                "dialed_at",
                "ringing_at",
                "answered_at",
                "bridged_at",
                "ended_at",
                "settled_at",
                "agent_id",
                "sip_status",
                "q850",
                "detail",
            )
        }
    )
    .returning(attempts.c.campaign_id, attempts.c.contact_id, attempts.c.number)
)
_land = (
    sa.update(campaign_contacts)
    .where(*_HELD, campaign_contacts.c.state == "in_flight")
    .values(
        state=sa.bindparam("new_state"),
        due_at=sa.bindparam("new_due_at"),
        resume_node=sa.bindparam("new_resume_node"),
        attempts=campaign_contacts.c.attempts + sa.bindparam("counted"),
        tried=campaign_contacts.c.tried + sa.bindparam("newly_tried", type_=sa.Text),
        last_outcome=sa.bindparam("new_outcome"),
        reason="",
        # Only a call that was made keeps a promise.
        callback_at=sa.case((sa.bindparam("counted") == 1, 0.0), else_=_owed.callback_at),
        callback_agent=sa.case((sa.bindparam("counted") == 1, ""), else_=_owed.callback_agent),
    )
)
_defer = (
    sa.update(campaign_contacts)
    .where(*_HELD, campaign_contacts.c.state == "claimed")
    .values(
        state=sa.bindparam("new_state"),
        due_at=sa.bindparam("new_due_at"),
        reason=sa.bindparam("new_reason"),
        callback_at=sa.case((sa.bindparam("new_state") == "waiting", _owed.callback_at), else_=0.0),
        callback_agent=sa.case(
            (sa.bindparam("new_state") == "waiting", _owed.callback_agent), else_=""
        ),
        resume_node=sa.case(
            (sa.bindparam("new_resume_node") == "", campaign_contacts.c.resume_node),
            else_=sa.bindparam("new_resume_node"),
        ),
    )
)
_dispose = (
    sa.update(attempts)
    .where(attempts.c.id == sa.bindparam("of_attempt"))
    .values(disposition=sa.bindparam("new_disposition"), note=sa.bindparam("new_note"))
)
_go_on = (
    sa.update(campaign_contacts)
    .where(
        *_HELD,
        campaign_contacts.c.state.in_(("waiting", "done", "refused")),
        campaign_contacts.c.attempts == sa.bindparam("of_attempts"),
    )
    .values(
        state=sa.bindparam("new_state"),
        due_at=sa.bindparam("new_due_at"),
        resume_node=sa.bindparam("new_resume_node"),
        reason=sa.bindparam("new_reason"),
        callback_at=sa.bindparam("new_callback_at"),
        callback_agent=sa.bindparam("new_callback_agent"),
    )
)
_YET_UNKNOWN = {
    "dialed_at": 0.0,
    "ringing_at": 0.0,
    "answered_at": 0.0,
    "bridged_at": 0.0,
    "ended_at": 0.0,
    "outcome": "",
    "agent_id": "",
    "sip_status": 0,
    "q850": 0,
    "detail": "",
}


def counted(outcome: str) -> int:
    """1 where the attempt counts towards the caps; an outcome we do not know does."""
    known = OUTCOMES.get(outcome)
    return int(known is None or known.counts)


def commit(
    connection: sa.Connection, request_id: int, drafts: Sequence[AttemptDraft]
) -> AttemptsCommitted | StoreFailed:
    """Commit attempts, save where a number is in flight elsewhere or a list was paused.

    A draft for a contact that its campaign does not hold is a mistake of the caller, and nothing
    of the request is done: what cannot be checked is not dialed.
    """
    if not drafts:
        return AttemptsCommitted(request_id, ())
    held = _held(connection, drafts)
    if isinstance(held, str):
        return StoreFailed(request_id, held)
    busy = set(connection.scalars(_busy_numbers, {"numbers": [draft.number for draft in drafts]}))
    free: list[int] = []
    ids = [NUMBER_BUSY] * len(drafts)
    for place, draft in enumerate(drafts):
        if held[draft.campaign_id, draft.contact_id]:
            ids[place] = LIST_PAUSED
        elif draft.number not in busy:
            busy.add(draft.number)
            free.append(place)
    if free:
        chosen = [drafts[place] for place in free]
        made = connection.scalars(_commit, [_row(draft) for draft in chosen]).all()
        for place, attempt_id in zip(free, made, strict=True):
            ids[place] = attempt_id
        connection.execute(
            _fly,
            [{"of_campaign": d.campaign_id, "of_contact": d.contact_id} for d in chosen],
        )
    return AttemptsCommitted(request_id, tuple(ids))


def settle(connection: sa.Connection, settlement: Settlement, now: float) -> bool:
    """Settle an attempt and say what becomes of its contact; False if it was settled before.

    The attempt itself says whose it is: a settlement cannot move another contact.
    """
    s = settlement
    held = connection.execute(
        _settle,
        {
            "of_attempt": s.attempt_id,
            "new_outcome": s.outcome,
            "new_dialed_at": s.dialed_at,
            "new_ringing_at": s.ringing_at,
            "new_answered_at": s.answered_at,
            "new_bridged_at": s.bridged_at,
            "new_ended_at": s.ended_at,
            "new_settled_at": now,
            "new_agent_id": s.agent_id,
            "new_sip_status": s.sip_status,
            "new_q850": s.q850,
            "new_detail": s.detail,
            "new_trunk": s.trunk,
        },
    ).one_or_none()
    if held is None:
        return False
    connection.execute(
        _land,
        {
            "of_campaign": held.campaign_id,
            "of_contact": held.contact_id,
            "new_state": s.next.state,
            "new_due_at": s.next.due_at,
            "new_resume_node": s.next.resume_node,
            "counted": counted(s.outcome),
            "newly_tried": f" {held.number}" if counted(s.outcome) else "",
            "new_outcome": s.outcome,
        },
    )
    return True


def defer(connection: sa.Connection, deferrals: Sequence[Deferral]) -> None:
    """Let go of claimed contacts. One that is not claimed (any more) is left as it is."""
    if deferrals:
        connection.execute(
            _defer,
            [
                {
                    "of_campaign": deferral.campaign_id,
                    "of_contact": deferral.contact_id,
                    "new_state": "waiting" if deferral.state == "due" else deferral.state,
                    "new_due_at": deferral.due_at,
                    "new_reason": deferral.reason,
                    "new_resume_node": deferral.resume_node,
                }
                for deferral in deferrals
            ],
        )


def dispose(connection: sa.Connection, disposal: Disposal) -> None:
    """Record a disposition; the contact goes on by it unless it has been dialed or held since."""
    d = disposal
    spoken = {"new_disposition": d.disposition, "new_note": d.note}
    connection.execute(_dispose, {"of_attempt": d.attempt_id, **spoken})
    owed = d.callback or Callback(0.0)
    connection.execute(
        _go_on,
        {
            "of_campaign": d.campaign_id,
            "of_contact": d.contact_id,
            "of_attempts": d.attempts,
            "new_state": d.next.state,
            "new_due_at": d.next.due_at,
            "new_resume_node": d.next.resume_node,
            "new_reason": f"disposition {d.disposition}",
            "new_callback_at": owed.at,
            "new_callback_agent": owed.agent_id,
        },
    )


def _held(
    connection: sa.Connection, drafts: Sequence[AttemptDraft]
) -> dict[tuple[int, int], bool] | str:
    """By campaign and contact, whether its list is paused; or what is wrong with the drafts."""
    wanted: dict[int, list[int]] = {}
    for draft in drafts:
        wanted.setdefault(draft.campaign_id, []).append(draft.contact_id)
    paused: dict[tuple[int, int], bool] = {}
    for campaign_id, contact_ids in wanted.items():
        rows = connection.execute(
            _claimed, {"of_campaign": campaign_id, "contact_ids": contact_ids}
        ).all()
        held = {row.contact_id for row in rows}
        paused |= {(campaign_id, row.contact_id): bool(row.paused) for row in rows}
        for contact_id in contact_ids:
            if contact_id not in held:
                return f"campaign {campaign_id} does not hold contact {contact_id}"
            held.remove(contact_id)  # a second draft for one contact is refused too
    return paused


def _row(draft: AttemptDraft) -> dict[str, Any]:
    return {
        "campaign_id": draft.campaign_id,
        "version": draft.version,
        "contact_id": draft.contact_id,
        "node_id": draft.node_id,
        "number": draft.number,
        "trunk": draft.trunk,
        "committed_at": draft.at,
        "caller_id": draft.caller_id,
        **_YET_UNKNOWN,
    }
