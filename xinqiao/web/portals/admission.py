"""Admission at the node: the board of applicants and members, one dossier, decisions by two people."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.admission.actions import approve, assess, decline, propose, register_applicant, send_back
from xinqiao.admission.content import bar
from xinqiao.admission.queries import (
    due_on,
    find_endpoint,
    get_dossier,
    get_member,
    list_lapses,
    list_measures,
    list_members,
    list_probes,
    open_evidence,
    orphans,
)
from xinqiao.admission.rules import ADMISSION_TRANSITIONS, possible
from xinqiao.admission.types import Dossier, MeasureKind, Member
from xinqiao.kernel.errors import Invalid, Refused
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context

NODE = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY, readers=(Role.AUDITOR,))
OPERATOR = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY)
KINDS = (OrganisationKind.PLATFORM, OrganisationKind.INSTITUTION)


@NODE
@require_http_methods(["GET"])
def board(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Everybody who applies or is in, what is due first on top."""
    return render(request, "node/admission.html", _board())


def _board() -> dict[str, Any]:
    today = timezone.localdate()
    waiting = {m.organisation: m for m in list_measures(pending=True)}
    rows = []
    for member in list_members():
        due = due_on(member)
        rows.append((member, due, (due - today).days if due else None, waiting.get(member.organisation)))
    rows.sort(key=lambda row: (row[3] is None, row[2] is None, row[2] or 0, row[0].organisation))
    return {"rows": rows, "kinds": KINDS, "bar": bar()}


@OPERATOR
@require_http_methods(["GET", "POST"])
def register(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Enter an organisation that wants to apply, with the person who writes its application."""
    if request.method == "GET":
        return render(request, "node/applicant.html", {"kinds": KINDS})
    given = {name: posted(request, name).strip() for name in ("code", "kind", "name", "uscc", "username", "person")}
    try:
        register_applicant(
            given["code"][:40],
            kind=_kind(given["kind"]),
            name=given["name"][:120],
            uscc=given["uscc"],
            username=given["username"],
            person=given["person"],
            password=request.POST.get("password", ""),
            actor=actor.label,
            now=timezone.now(),
        )
    except (Invalid, Refused) as error:
        context = {"kinds": KINDS, "given": given, "error": error_context(error)}
        return render(request, "node/applicant.html", context, status=error.status)
    messages.success(request, _("已登记；请对方登录后填写接入申请"), extra_tags="good")
    return redirect("node-admission")


def _kind(text: str) -> OrganisationKind:
    """Only a platform or an institution applies; anything else is read as an institution."""
    return OrganisationKind.PLATFORM if text == OrganisationKind.PLATFORM else OrganisationKind.INSTITUTION


@NODE
@require_http_methods(["GET", "POST"])
def member(request: HttpRequest, organisation: str, *, actor: Acting) -> HttpResponse:
    """One applicant or member: answers, evidence, gaps, what lapsed, decisions; each step leaves evidence."""
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        try:
            _step(request, organisation, actor)
            messages.success(request, _("已办理并留痕"), extra_tags="good")
            return redirect("node-member", organisation)
        except (Invalid, Refused) as error:
            context, status = {"error": error_context(error)}, error.status
    return render(request, "node/member.html", context | _member(organisation, actor), status=status)


def _step(request: HttpRequest, organisation: str, actor: Acting) -> None:
    """What the pressed button says, with the reason typed beside it."""
    step, reason = posted(request, "step"), posted(request, "reason", most=2000)
    by: dict[str, Any] = {"actor": actor.label, "now": timezone.now()}
    if step == "assess":
        assess(organisation, reason=reason, **by)
    elif step == "send_back":
        send_back(organisation, reason=reason, **by)
    elif step == "approve":
        approve(posted(request, "measure", most=40), **by)
    elif step == "decline":
        decline(posted(request, "measure", most=40), reason=reason, **by)
    elif step in set(MeasureKind):
        successor = posted(request, "successor", most=40) if step == MeasureKind.REMOVE else ""
        propose(organisation, MeasureKind(step), reason=reason, successor=successor, **by)


def _member(organisation: str, actor: Acting) -> dict[str, Any]:
    now, found = timezone.now(), get_member(organisation)
    dossier = get_dossier(organisation, now=now)
    waiting = list_measures(organisation, pending=True)
    return {
        "member": found,
        "due": due_on(found),
        "sections": sections_of(dossier),
        "dossier": dossier,
        "lapses": list_lapses(organisation, now=now),
        "probes": list_probes(organisation),
        "endpoint": find_endpoint(organisation),
        "measures": list_measures(organisation),
        "kinds": () if waiting else possible(found),
        "events": ADMISSION_TRANSITIONS.events(found.state),
        "left": orphans(organisation, now=now),
        "successors": [m for m in list_members() if m.opens and m.organisation != organisation],
        "host": bar().host_name,
        "unit": bar().units.get(found.place, found.place),
        "me": actor.label,
    }


def sections_of(dossier: Dossier) -> list[tuple[Any, list[tuple[Any, str, Any, Any]]]]:
    """The dossier by sections: each question with its answer, newest file and gap."""
    gaps = {gap.question.id: gap for gap in dossier.gaps}
    return [
        (
            section,
            [
                (q, dossier.answers.get(q.id, ""), dossier.files.get(q.id), gaps.get(q.id))
                for q in dossier.questions
                if q.section == section.id
            ],
        )
        for section in bar().sections
    ]


@NODE
@require_GET
def evidence(request: HttpRequest, evidence: str, *, actor: Acting) -> HttpResponse:
    """A filed file, as it was filed."""
    return as_file(*open_evidence(evidence))


def as_file(found: Any, data: bytes) -> HttpResponse:
    """An evidence file as a download; a browser never runs or shows it."""
    answer = HttpResponse(data, content_type="application/octet-stream")
    suffix = found.name.rpartition(".")[2].lower()
    answer["Content-Disposition"] = f'attachment; filename="{found.id}.{suffix}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def listed(members: list[Member]) -> list[Member]:
    """Those whose state is public: everybody once the application is handed in."""
    return [m for m in members if m.state != "draft"]
