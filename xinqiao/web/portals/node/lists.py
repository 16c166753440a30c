"""Node portal: enterprises by evaluated facts. Counted first; whoever is shown sees who looked and why."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from xinqiao.directory.actions import EXPORT_MOST, export, list_page
from xinqiao.directory.queries import count_by_grade, index_facts
from xinqiao.directory.types import DirectoryOutdated, Facts, NoDirectory, TooMany, WrongFilter
from xinqiao.evaluation.queries import get_scorecard
from xinqiao.kernel.errors import Invalid, Phrase, Problem, Refused
from xinqiao.marks.queries import under_objection
from xinqiao.parties.types import Role
from xinqiao.release.types import NothingSaid, Recipient, RecipientKind
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context, status_of

OPERATOR = requires(Portal.NODE, Role.OPERATOR)
SIZES = ("large", "medium", "small", "micro", "unknown")
NUMBERS = ("score_from", "score_to", "coverage_from")


@OPERATOR
@require_http_methods(["GET", "POST"])
def enterprises(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Filters and counts on GET; with a reason, by POST, the enterprises themselves, or all of them as a file."""
    context: dict[str, Any] = {
        "sizes": SIZES,
        "most": EXPORT_MOST,
        "grades": get_scorecard(on=timezone.localdate()).grades,
    }
    try:
        facts = facts_of(request)
        context |= {"asked": facts, "index": index_facts(), "counts": _counts(facts)}
        if request.method == "POST":
            shown = _shown(request, facts, actor)
            if isinstance(shown, HttpResponse):
                return shown
            context |= shown
    except (Invalid, NoDirectory, DirectoryOutdated, TooMany, Refused) as error:
        context |= {"error": error_context(error)}
        return render(request, "node/enterprises.html", context, status=status_of(error))
    return render(request, "node/enterprises.html", context)


def facts_of(request: HttpRequest) -> Facts:
    """The filters of a form; raises WrongFilter with every fault."""
    given = request.POST if request.method == "POST" else request.GET
    problems: list[Problem] = []
    numbers = {name: _number(name, given.get(name, "").strip(), problems) for name in NUMBERS}
    texts = {name: given.get(name, "").strip()[:8] for name in ("division", "industry")}
    if problems:
        raise WrongFilter(problems)
    grades, sizes = (tuple(v[:10] for v in given.getlist(name)[:12]) for name in ("grade", "size"))
    return Facts(grades=grades, sizes=sizes, **texts, **numbers)


def _number(name: str, text: str, problems: list[Problem]) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) <= 4:
        return int(text)
    problems.append(Problem(field=name, code="directory.number", message=Phrase("应为整数：{value}", value=text[:20])))
    return None


def _counts(facts: Facts) -> dict[str, Any]:
    found = count_by_grade(facts)
    order = [g.grade for g in get_scorecard(on=timezone.localdate()).grades]
    ordered = sorted(
        found.items(), key=lambda pair: (order.index(pair[0]) if pair[0] in order else len(order), pair[0])
    )
    return {"grades": ordered, "total": sum(found.values())}


def _shown(request: HttpRequest, facts: Facts, actor: Acting) -> dict[str, Any] | HttpResponse:
    cause = posted(request, "cause", most=200).strip()
    if not cause:
        raise NothingSaid([Problem(field="cause", code="node.reason", message=_("事由是必填的"))])
    recipient, now = Recipient(RecipientKind.NODE, actor.code, actor.party), timezone.now()
    if posted(request, "step") == "export":
        data = export(facts, recipient=recipient, cause=cause, actor=actor.label, now=now)
        answer = HttpResponse(data, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="enterprises-{now:%Y%m%d}.csv"'
        return answer
    after = posted(request, "after", most=18)
    page = list_page(facts, recipient=recipient, cause=cause, actor=actor.label, after=after, now=now)
    disputed = under_objection([line.entry.code for line in page.lines], known=now)
    return {"page": page, "cause": cause, "disputed": disputed}
