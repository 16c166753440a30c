"""What objects that came do to other contexts, and what must be so before they are taken in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.federation.documents import list_in_force, listed_items
from xinqiao.federation.models import HeldRow, LinkRow, NodeRow, ObjectRow
from xinqiao.federation.refusals import fault
from xinqiao.federation.rules import read_node_key
from xinqiao.federation.types import HANDED, Envelope, HeldState
from xinqiao.ingest.actions import receive_rows, retract_rows
from xinqiao.kernel.errors import Problem
from xinqiao.parties.actions import register_enterprise, rename_enterprise
from xinqiao.parties.queries import enterprise_names
from xinqiao.plumbing import settings as node

LOAN = "financing.loan"
BATCH = 500
Latest = Mapping[tuple[str, str, str], tuple[ObjectRow, Envelope]]


def context_problems(link: LinkRow, envelope: Envelope, beside: Latest) -> list[Problem]:
    """What keeps an object from being taken in, as things stand; ``beside`` are those that come with it."""
    if envelope.retracted and envelope.kind != "node":
        return []
    check = {"node": _node, "authorisation": _authorisation, "outcome": _outcome}.get(envelope.kind)
    return check(link, envelope, beside) if check else []


def _node(link: LinkRow, envelope: Envelope, beside: Latest) -> list[Problem]:
    """A peer introduces nodes on its own side of us, never itself, us, or one that came another way."""
    code = envelope.body["code"]
    if any(read_node_key(_key(text)) is None for text in envelope.body["keys"]):
        return [fault("keys", "应为“套件:公钥”", "key")]
    known = NodeRow.objects.filter(code=code).first()
    if code == link.peer or (known is not None and known.peer != link.peer):
        return [fault("code", "节点 {code} 已由另一途径确认", "node_taken", code=code)]
    return []


def _key(text: str) -> dict[str, str]:
    suite, _, key = text.partition(":")
    return {"suite": suite, "key": key}


def _authorisation(link: LinkRow, envelope: Envelope, beside: Latest) -> list[Problem]:
    """Every item must be on the list in force; the platform is the node that the enterprise signed at."""
    listed = listed_items()
    off = [item for item in envelope.body["items"] if item not in listed]
    found = [fault("items", "数据项 {item} 不在现行共享清单内", "item_not_on_list", item=item) for item in off]
    if envelope.body["platform"] != envelope.origin:
        found.append(fault("platform", "应为授权所在的平台 {origin}", "other_platform", origin=envelope.origin))
    return found


def _outcome(link: LinkRow, envelope: Envelope, beside: Latest) -> list[Problem]:
    """What a loan came to is not public: it needs the enterprise's authorisation, from the same node, for that item."""
    body = envelope.body
    name = ("authorisation", envelope.origin, body["authorisation"])
    if name in beside:
        given: Mapping[str, Any] | None = beside[name][1].body
    else:
        row = ObjectRow.objects.filter(kind=name[0], origin=name[1], object_id=name[2], current=True).first()
        given = json.loads(row.document)["body"] if row else None
    if given is None or given["subject"] != body["uscc"] or LOAN not in given["items"]:
        return [
            fault(
                "authorisation",
                "没有企业就此项（{item}）给出的授权 {authorisation}",
                "no_authorisation",
                item=LOAN,
                authorisation=body["authorisation"],
            )
        ]
    begins = datetime.fromisoformat(given["valid_from"]).date()
    if date.fromisoformat(body["drawn_on"]) < begins:
        return [fault("drawn_on", "早于授权生效日 {day}", "before_authorisation", day=begins.isoformat())]
    return []


def apply_effects(link: LinkRow, latest: Sequence[tuple[ObjectRow, Envelope]], *, now: datetime) -> None:
    """What the latest versions change outside of this context. Call in the transaction that keeps them."""
    registrations = [envelope for _, envelope in latest if envelope.kind == "registration" and not envelope.retracted]
    if registrations:
        _register(registrations, f"federation:{link.peer}", now)
    nodes = [envelope for _, envelope in latest if envelope.kind == "node"]
    for envelope in nodes:
        _introduce(link, envelope)


def _register(found: Sequence[Envelope], actor: str, now: datetime) -> None:
    """Enter enterprises that are new here, rename those that are not, save where they registered here themselves."""
    codes = [envelope.body["uscc"] for envelope in found]
    names = enterprise_names(codes)
    here = ObjectRow.objects.filter(kind="registration", origin=node.node_code(), object_id__in=codes, current=True)
    own = set(here.filter(retracted=False).values_list("object_id", flat=True))
    for envelope in found:
        code, name = envelope.body["uscc"], envelope.body["name"].strip()
        if code not in names:
            register_enterprise(code, name=name, actor=actor, now=now)
            names[code] = name
        elif names[code] != name and code not in own:
            rename_enterprise(code, name=name, actor=actor, now=now)


def _introduce(link: LinkRow, envelope: Envelope) -> None:
    body = envelope.body
    if body["code"] == node.node_code():
        return
    NodeRow.objects.update_or_create(
        code=body["code"],
        defaults={
            "name": body["name"],
            "level": body["level"],
            "division": body.get("division") or "",
            "keys": [_key(text) for text in body["keys"]],
            "peer": link.peer,
            "standing": body["standing"] and not envelope.retracted,
        },
    )


def hand_over_outcomes(*, actor: str, now: datetime) -> int:
    """Hand what loans came to over to ingest, as the item of the sharing list; returns how many.

    Apart from taking them in: a delivery writes files. A crash between the two hands the same over again, which
    ingest recognises.
    """
    rows = list(ObjectRow.objects.filter(waits=True).order_by("id")[:BATCH])
    current = [row for row in rows if row.current]
    bodies = [(row.retracted, json.loads(row.document)["body"]) for row in current]
    item = list_in_force().item(LOAN)
    given = [_loan(body) for retracted, body in bodies if not retracted]
    taken_back = [{key: _loan(body)[key] for key in item.key} for retracted, body in bodies if retracted]
    by: dict[str, Any] = {"provider": item.department.code, "actor": actor, "now": now}
    if given:
        receive_rows(item, given, **by)
    if taken_back:
        retract_rows(item, taken_back, reason="来源节点撤回", **by)
    if rows:
        with transaction.atomic():
            ObjectRow.objects.filter(pk__in=[row.pk for row in rows]).update(waits=False)
            body = {"given": len(given), "taken_back": len(taken_back)}
            record(HANDED, actor=actor, subject=LOAN, body=body, now=now)
    return len(rows)


def _loan(body: Mapping[str, Any]) -> dict[str, str]:
    """A row of the item, written as a department writes it."""
    yes_or_no = "是" if body["first_loan"] else "否"
    return {
        "uscc": body["uscc"],
        "receipt_no": body["receipt_no"],
        "institution": body["institution"],
        "amount_fen": f"{body['amount_fen'] // 100}.{body['amount_fen'] % 100:02d}",
        "rate_percent": f"{body['rate_bp'] // 100}.{body['rate_bp'] % 100:02d}",
        "guarantee": body["guarantee"],
        "first_loan": yes_or_no,
        "drawn_on": body["drawn_on"],
        "due_on": body.get("due_on") or "",
    }


def retry_codes(latest: Sequence[Envelope]) -> frozenset[str]:
    """Problems that the arrival of these objects may have done away with."""
    kinds = {envelope.kind for envelope in latest}
    codes = {"node": "federation.unknown_origin", "authorisation": "federation.no_authorisation"}
    return frozenset(code for kind, code in codes.items() if kind in kinds)


def waiting_for(link: LinkRow, codes: frozenset[str]) -> list[HeldRow]:
    """What is held of a link for nothing but these reasons."""
    rows = HeldRow.objects.filter(link=link, state=HeldState.HELD).order_by("seq", "id") if codes else ()
    return [row for row in rows if {problem["code"] for problem in row.problems} <= codes]
