"""Who looked: every access, its evidence, a question about it, and what a named recipient could see now."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.admission.queries import list_notices
from xinqiao.consent.queries import find_active, get_template
from xinqiao.consent.types import Authorisation, Form
from xinqiao.evaluation.queries import get_scorecard, list_runs
from xinqiao.evaluation.types import RunStatus
from xinqiao.evidence.proofs import receipt_as_json
from xinqiao.evidence.queries import chain_place, receipt
from xinqiao.parties.queries import get_organisation, list_organisations
from xinqiao.parties.types import OrganisationFacts, OrganisationKind, Right, Role
from xinqiao.release.actions import preview
from xinqiao.release.challenges import challenge_access, challenge_of, list_challenges
from xinqiao.release.queries import access_bundle, get_access
from xinqiao.release.reading import prepare
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.sharing.queries import item_ever
from xinqiao.violations.queries import find_case, register
from xinqiao.violations.types import Source
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.explain import explained
from xinqiao.web.paging import access_page

MEMBER = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.ACCESSES)
READER = requires(Portal.ENTERPRISE, Role.OWNER, Role.DELEGATE, right=Right.REPORT)
RUNS = 12  # batch runs shown on the first page


@MEMBER
@require_GET
def accesses(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Every read and every refusal about this enterprise, the node's batch runs, and its questions about them."""
    page = access_page(request, enterprise=actor.code)
    runs = [run for run in list_runs(limit=RUNS) if run.status is not RunStatus.FAILED] if page["first"] else []
    asked = {challenge.access: challenge for challenge in list_challenges(enterprise=actor.code)}
    context = {**page, "runs": runs, "challenges": asked, "ask": True}
    return render(request, "enterprise/accesses.html", context)


@MEMBER
@require_http_methods(["GET", "POST"])
def access(request: HttpRequest, access_id: str, *, actor: Acting) -> HttpResponse:
    """One access in plain words, its place among all, its receipt; a question about it."""
    found = get_access(access_id, enterprise=actor.code)
    if request.method == "POST":
        said = posted(request, "text", most=2000)
        challenge_access(found.id, enterprise=actor.code, text=said, actor=actor.label, now=timezone.now())
        messages.success(request, _("质询已送出；答复会显示在这里"), extra_tags="good")
        return redirect("enterprise-access", found.id)
    context = {
        "access": found,
        "items": [item_ever(code) for code in found.items],
        "place": chain_place(found.entry).get("n"),
        "challenge": challenge_of(found.id),
        "complaint": find_case(Source.COMPLAINT, found.id),
        "kinds": register().kinds.values(),
        "days": register().complaint_days,
    }
    return render(request, "enterprise/access.html", context)


@MEMBER
@require_GET
def access_receipt(request: HttpRequest, access_id: str, *, actor: Acting) -> HttpResponse:
    """The evidence receipt of one access, checkable without this system."""
    found = get_access(access_id, enterprise=actor.code)
    answer = HttpResponse(receipt_as_json(receipt(found.entry)), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{found.id}.receipt.json"'
    return answer


@MEMBER
@require_GET
def bundle(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Every access with its evidence in one file, checkable offline and without this system."""
    answer = HttpResponse(access_bundle(actor.code), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{actor.code}.accesses.zip"'
    return answer


@READER
@require_GET
def preview_page(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What a named institution or platform could see of this enterprise now, decided by the gate itself."""
    known = [o for kind in _KINDS for o in list_organisations(kind=kind)]
    context: dict[str, Any] = {"organisations": known, "chosen": request.GET.get("organisation", "")}
    if context["chosen"] in {o.code for o in known}:
        organisation = get_organisation(context["chosen"])
        context |= {"organisation": organisation, "cases": _cases(actor, organisation)}
    return render(request, "enterprise/preview.html", context)


_KINDS = (OrganisationKind.INSTITUTION, OrganisationKind.PLATFORM)


def _cases(actor: Acting, organisation: OrganisationFacts) -> list[dict[str, Any]]:
    """The public view, a report without authorisation, and a report under each authorisation that stands."""
    now = timezone.now()
    standing = {
        code: given
        for code in get_template().purposes
        if (given := find_active(recipient=organisation.code, subject=actor.code, purpose=code, now=now))
    }
    cases: list[tuple[str, str, Authorisation | None]] = [("open", "public", None)]
    cases += [("authorised", code, given) for code, given in standing.items()]
    if not standing:
        cases.append(("unauthorised", next(iter(get_template().purposes)), None))
    return [_case(actor, organisation, *case) for case in cases]


def _case(
    actor: Acting, organisation: OrganisationFacts, title: str, purpose: str, given: Authorisation | None
) -> dict[str, Any]:
    kind, via = RecipientKind(organisation.kind), organisation.via
    recipient = Recipient(kind, organisation.code, organisation.name, organisation.admitted, via=via)
    is_open = title == "open"
    form = Form.DETAIL if is_open else given.form if given else Form.REPORT
    inquiry = Inquiry(
        recipient, actor.code, purpose, form, actor.label, "portal",
        authorisation=given.id if given else "", public_only=is_open,
    )  # fmt: skip
    now = timezone.now()
    prepare(inquiry, now=now)
    seen = preview(inquiry, viewer=actor.label, now=now)
    blocks = seen.document["items"] if seen.document else []
    evaluation = seen.document["evaluation"] if seen.document else None
    return {
        "title": title,
        "purpose": purpose,
        "rule": seen.rule,
        "given": given,
        "document": seen.document,
        "evaluation": explained(evaluation, get_scorecard(on=timezone.localdate())),
        "items": [(item_ever(block["item"]), block) for block in blocks],
    }


@MEMBER
@require_GET
def notices(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What became of organisations that hold this enterprise's authorisation, or have asked for one."""
    return render(request, "enterprise/notices.html", {"notices": list_notices(actor.code)})
