"""Applications and loans on the institution's side, and what the node sees of both."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.consent.queries import find_authorisation
from xinqiao.kernel.errors import Invalid, Refused
from xinqiao.lending.applications import decline, offer
from xinqiao.lending.declarations import decide_declaration
from xinqiao.lending.loans import report_loans
from xinqiao.lending.papers import HEADINGS, OPTIONAL
from xinqiao.lending.queries import (
    get_application,
    get_declaration,
    lending_rules,
    list_applications,
    list_declarations,
    list_loans,
    list_steps,
    overdue_applications,
    reasons_of,
    reconciliation,
    turn_of,
    with_turns,
)
from xinqiao.lending.rules import UNDER_WAY
from xinqiao.lending.sheets import loan_template, read_sheet
from xinqiao.lending.types import (
    FiveClass,
    GuaranteeCode,
    ListState,
    Offer,
    Verdict,
)
from xinqiao.parties.queries import get_organisation
from xinqiao.parties.types import Role
from xinqiao.web.access import Acting, Portal, posted, requires, whole_number
from xinqiao.web.middleware import error_context
from xinqiao.web.portals.financing import typed_wan

OFFICER = requires(Portal.INSTITUTION, Role.OFFICER, Role.OPERATOR, readers=(Role.AUDITOR,))
NODE = requires(Portal.NODE, Role.OPERATOR, readers=(Role.AUDITOR, Role.SECURITY))
OPEN_MOST = 20_000  # all of them: they are put in the order of their deadlines
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@OFFICER
@require_GET
def queue(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Applications by deadline, then those that are done; enterprises recommended to this institution."""
    now, today = timezone.now(), timezone.localdate()
    open_ones = list_applications(institution=actor.code, states=UNDER_WAY, limit=OPEN_MOST)
    done = [a for a in list_applications(institution=actor.code) if a.state not in UNDER_WAY]
    context = {
        "rows": with_turns(open_ones, now=now),
        "done": done[:50],
        "recommended": list_declarations(institution=actor.code, on=today),
    }
    return render(request, "institution/applications.html", context)


@OFFICER
@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, application: str, *, actor: Acting) -> HttpResponse:
    """One application: who and what, the report under its authorisation, an offer or a refusal with coded reasons."""
    found, now = get_application(application, institution=actor.code), timezone.now()
    given = find_authorisation(found.authorisation) if found.authorisation else None
    context: dict[str, Any] = {
        "application": found,
        "turn": turn_of(found, now=now),
        "steps": list_steps(application),
        "reasons": lending_rules().reasons,
        "said": reasons_of(found.reasons),
        "guarantees": list(GuaranteeCode),
        "authorisation": given,
        "until": (timezone.localdate() + timedelta(days=lending_rules().offer_days)).isoformat(),
        "renews": _renewed(found.renews, actor) if found.renews else None,
    }
    if request.method == "GET":
        return render(request, "institution/application.html", context)
    try:
        _step(request, application, actor)
    except (Invalid, Refused) as error:
        context |= {"error": error_context(error), "ticked": request.POST.getlist("reasons"), "typed": request.POST}
        return render(request, "institution/application.html", context, status=error.status)
    messages.success(request, _("已办理并留痕"), extra_tags="good")
    return redirect("institution-application", application)


def _renewed(application: str, actor: Acting) -> Any:
    """The institution's own loan that a renewal is to settle."""
    return next((x for x in list_loans(institution=actor.code) if x.report.application == application), None)


def _step(request: HttpRequest, application: str, actor: Acting) -> None:
    by: dict[str, Any] = {"institution": actor.code, "actor": actor.label, "now": timezone.now()}
    if posted(request, "step") == "decline":
        decline(application, reasons=request.POST.getlist("reasons"), note=posted(request, "note", most=500), **by)
        return
    code = posted(request, "guarantee", most=4)
    terms = Offer(
        amount_fen=typed_wan(posted(request, "amount", most=20)) or 0,
        months=whole_number(posted(request, "months", most=5)),
        rate_bp=_hundredths(posted(request, "rate", most=8)),
        guarantee=GuaranteeCode(code) if code in set(GuaranteeCode) else GuaranteeCode.OTHER,
        note=posted(request, "note", most=500),
        until=_day(posted(request, "until", most=10)),
    )
    offer(application, terms, **by)


def _hundredths(text: str) -> int:
    whole, _, part = text.strip().partition(".")
    if not (whole + part).isascii() or not (whole + part).isdecimal() or len(part) > 2:
        return -1
    return int(whole or "0") * 100 + int(part.ljust(2, "0"))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min


@OFFICER
@require_http_methods(["GET", "POST"])
def results(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What is not yet fed back or does not agree, then the loans; a file or one loan by hand."""
    now = timezone.now()
    context: dict[str, Any] = {
        "headings": [(code, title, code not in OPTIONAL) for code, title in HEADINGS.items()],
        "guarantees": list(GuaranteeCode),
        "classes": list(FiveClass),
        "typed": {},
    }
    status = 200
    if request.method == "POST":
        try:
            rows, yuan = _rows(request)
            context["taken"] = report_loans(rows, institution=actor.code, yuan=yuan, actor=actor.label, now=now)
        except (Invalid, Refused) as error:
            context |= {"error": error_context(error), "typed": request.POST}
            status = error.status
    context |= {"gaps": reconciliation(actor.code, now=now), "loans": list_loans(institution=actor.code, limit=200)}
    return render(request, "institution/loans.html", context, status=status)


def _rows(request: HttpRequest) -> tuple[list[dict[str, Any]], bool]:
    file = request.FILES.get("file")
    if isinstance(file, UploadedFile):
        return read_sheet(file.name or "", file.read()), True
    return [{code: posted(request, code, most=60) for code in HEADINGS}], True


@OFFICER
@require_GET
def loans_template(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The table to fill in."""
    answer = HttpResponse(loan_template(), content_type=XLSX)
    answer["Content-Disposition"] = 'attachment; filename="loans.xlsx"'
    return answer


@OFFICER
@require_GET
def gaps_file(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Today's reconciliation list as a file."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows(_gap_rows(actor.code))
    answer = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="reconciliation-{timezone.localdate()}.csv"'
    return answer


def _gap_rows(institution: str) -> Iterator[list[str]]:
    yield ["kind", "about", "enterprise", "since", "detail"]
    for gap in reconciliation(institution, now=timezone.now()):
        yield [str(gap.kind), gap.about, gap.enterprise, gap.since.isoformat(), gap.detail]


@NODE
@require_GET
def node_side(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What is over its time, whom to recommend; who the institutions are, never what an enterprise's file holds."""
    now = timezone.now()
    late = overdue_applications(now=now)
    context = {
        "late": [(a, t, get_organisation(a.institution).name) for a, t in late],
        "declared": list_declarations(state=ListState.DECLARED),
        "recommended": list_declarations(state=ListState.RECOMMENDED, on=timezone.localdate()),
        "tests": lending_rules().tests,
    }
    return render(request, "node/financing.html", context)


@NODE
@require_http_methods(["GET", "POST"])
def declaration(request: HttpRequest, declaration: str, *, actor: Acting) -> HttpResponse:
    """One declaration: what the data says of each test, what a person has to confirm, the decision."""
    found = get_declaration(declaration)
    context: dict[str, Any] = {
        "declaration": found,
        "tests": [(t, found.tests.get(t.code), found.notes.get(t.code, "")) for t in lending_rules().tests],
        "institutions": [get_organisation(code).name for code in found.institutions],
        "to_confirm": Verdict.TO_CONFIRM,
        "said": {},
    }
    if request.method == "GET":
        return render(request, "node/declaration.html", context)
    said = {t: posted(request, f"test-{t}", most=5) for t in found.tests}
    try:
        decide_declaration(
            declaration,
            confirmed={t: answer == "yes" for t, answer in said.items() if answer in ("yes", "no")},
            notes={t: posted(request, f"note-{t}", most=500) for t in found.tests},
            reason=posted(request, "reason", most=500),
            actor=actor.label,
            now=timezone.now(),
        )
    except (Invalid, Refused) as error:
        context |= {"error": error_context(error), "said": said}
        return render(request, "node/declaration.html", context, status=error.status)
    messages.success(request, _("已办理并留痕"), extra_tags="good")
    return redirect("node-financing")
