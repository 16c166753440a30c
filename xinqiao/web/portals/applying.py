"""Admission at the applicant: a wizard that saves as it goes, the gaps at every moment, the way out."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.admission.applying import (
    MOST_BYTES,
    attest_deletion,
    begin,
    choose_route,
    file_evidence,
    save_answers,
    submit,
)
from xinqiao.admission.content import bar
from xinqiao.admission.queries import due_on, find_member, get_dossier, list_lapses, open_evidence
from xinqiao.admission.refusals import FileRefused, TechnicalBar
from xinqiao.admission.rules import ADMISSION_TRANSITIONS, blocking
from xinqiao.admission.types import IN_REVIEW, Dossier, Route
from xinqiao.kernel.errors import Invalid, NotFound, Problem, Refused
from xinqiao.parties.types import Role
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context, status_of
from xinqiao.web.portals.admission import as_file, sections_of

APPLICANT = requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR)


class NoSection(NotFound):
    """The dossier has no such page; data: ``section``."""

    code = "web.no_section"
    title = "接入申请没有“{section}”这一页"


@APPLICANT
@require_http_methods(["GET", "POST"])
def home(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Where the application or membership stands, who holds it, by when; what is lacking; the next step."""
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        try:
            _step(request, actor)
            messages.success(request, _("已办理并留痕"), extra_tags="good")
            return redirect("institution-admission")
        except (Invalid, Refused) as error:
            context = {"error": error_context(error), "offered": isinstance(error, TechnicalBar)}
            status = status_of(error)
    return render(request, "institution/admission.html", context | _stands(actor), status=status)


def _step(request: HttpRequest, actor: Acting) -> None:
    step, by = posted(request, "step"), {"actor": actor.label, "now": timezone.now()}
    if step == "begin":
        begin(actor.code, **by)
    elif step == "submit":
        submit(actor.code, **by)
    elif step in set(Route):
        choose_route(actor.code, route=Route(step), **by)
    elif step == "attest":
        attest_deletion(actor.code, statement=posted(request, "statement", most=2000), **by)


def _stands(actor: Acting) -> dict[str, Any]:
    member, now = find_member(actor.code), timezone.now()
    if member is None:
        return {"bar": bar()}
    dossier = get_dossier(actor.code, now=now)
    events = ADMISSION_TRANSITIONS.events(member.state)
    return {
        "bar": bar(),
        "member": member,
        "due": due_on(member),
        "late": member.delete_by and not member.deleted_at and member.delete_by < timezone.localdate(),
        "events": events,
        "sections": [(s, len(rows), sum(gap is None for *_x, gap in rows)) for s, rows in sections_of(dossier)],
        "gaps": blocking(bar(), dossier.gaps, member.route),
        "lapses": list_lapses(actor.code, now=now),
        "editable": member.state not in IN_REVIEW,
        "can_submit": "submit" in events,
    }


@APPLICANT
@require_http_methods(["GET", "POST"])
def section(request: HttpRequest, section: str, *, actor: Acting) -> HttpResponse:
    """One page of questions: what fits is kept even when something beside it does not."""
    if section not in {s.id for s in bar().sections}:
        raise NoSection(section=section)
    problems: tuple[Problem, ...] = ()
    if request.method == "POST":
        problems = _save(request, actor)
        if not problems:
            messages.success(request, _("已保存"), extra_tags="good")
            return redirect(*_following(section))
    dossier = get_dossier(actor.code, now=timezone.now())
    rows = next(rows for found, rows in sections_of(dossier) if found.id == section)
    context = {"rows": rows, "problems": problems, "section": next(s for s in bar().sections if s.id == section)}
    context |= {"sections": bar().sections, "wrong": {p.field: p.message for p in problems}, "places": _places(dossier)}
    return render(request, "institution/section.html", context, status=422 if problems else 200)


def _following(section: str) -> tuple[str, ...]:
    """The next page of the wizard, or the overview after the last."""
    names = [s.id for s in bar().sections]
    after = names.index(section) + 1
    return ("institution-section", names[after]) if after < len(names) else ("institution-admission",)


def _places(dossier: Dossier) -> int:
    """How many questions of the whole fit already."""
    return len(dossier.questions) - len(dossier.gaps)


def _save(request: HttpRequest, actor: Acting) -> tuple[Problem, ...]:
    """Keep the answers and files of a page; the faults of what could not be kept."""
    by: dict[str, Any] = {"actor": actor.label, "now": timezone.now()}
    known = {q.id for q in bar().questions}
    answers = {name: posted(request, name, most=1000) for name in request.POST if name in known}
    problems = list(save_answers(actor.code, answers, **by))
    for name in sorted(known):
        sent = request.FILES.get(f"file-{name}")
        if sent is None:
            continue
        issued = _day(posted(request, f"issued-{name}", default=answers.get(name, "")))
        try:
            file_evidence(
                actor.code, name, name=sent.name or "", data=sent.read(MOST_BYTES + 1), issued_on=issued, **by
            )
        except FileRefused as error:
            problems += error.problems
    return tuple(problems)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@APPLICANT
@require_GET
def evidence(request: HttpRequest, evidence: str, *, actor: Acting) -> HttpResponse:
    """A file that this organisation filed."""
    return as_file(*open_evidence(evidence, organisation=actor.code))
