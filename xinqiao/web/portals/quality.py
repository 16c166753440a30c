"""Quality on two sides: a department sees its own items, the node all of them; every figure opens what is behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xinqiao.catalogue.types import Item
from xinqiao.consent.types import Form
from xinqiao.ingest.queries import list_arrivals
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.errors import Invalid, NotFound, Refused
from xinqiao.parties.types import Role
from xinqiao.quality.actions import end_outage, explain_finding, report_outage
from xinqiao.quality.failing import PAGE, failing_file, failing_page
from xinqiao.quality.queries import (
    card_days,
    card_history,
    count_findings,
    expectations,
    freshness,
    get_card,
    get_finding,
    latest_cross_run,
    list_cards,
    list_findings,
    list_outages,
    list_reminders,
    list_rules,
    list_sources,
)
from xinqiao.quality.rules import check_written, monday
from xinqiao.quality.types import Aspect, CellState, Finding, FindingState
from xinqiao.release.reading import read
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.sharing.queries import current_list
from xinqiao.web.access import Acting, Portal, posted, requires, whole_number
from xinqiao.web.middleware import error_context
from xinqiao.web.words import translate

WRITERS = (Role.CLERK, Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class Side:
    """Whose pages these are: names of the routes, and the department whose items are shown (None: all)."""

    portal: Portal
    provider: str | None

    @classmethod
    def of(cls, actor: Acting) -> Side:
        """The side of who acts."""
        return cls(actor.portal, actor.code if actor.portal is Portal.DEPARTMENT else None)

    @property
    def links(self) -> dict[str, str]:
        """Page → name of its route in this portal."""
        pages = ("quality", "card", "failing", "failing-file", "week", "findings", "finding", "explain", "outage")
        return {page.replace("-", "_"): f"{self.portal}-{page}" for page in pages}

    def items(self) -> tuple[Item, ...]:
        """The items of this side."""
        catalogue = current_list()
        return catalogue.items if self.provider is None else catalogue.of_department(self.provider)

    def item(self, code: str) -> Item:
        """One of them; raises NotFound for any other, that of another department too."""
        for item in self.items():
            if item.code == code:
                return item
        raise NotFound()


def _page(request: HttpRequest, side: Side, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, f"quality/{name}.html", {**context, "links": side.links, "side": side}, status=status)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise NotFound() from error


def cards(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Cards of a day with reminders, outages and findings: what needs somebody, first."""
    side = Side.of(actor)
    now = timezone.now()
    days = card_days(provider=side.provider)
    chosen = _date(request.GET["day"]) if request.GET.get("day") else days[0] if days else beijing_day(now)
    by_code = {item.code: item for item in side.items()}
    cards = [(by_code[c.item], c) for c in list_cards(day=chosen, provider=side.provider) if c.item in by_code]
    open_findings = sum(states.get(FindingState.OPEN, 0) for states in count_findings(provider=side.provider).values())
    context = {
        "cards": cards,
        "day": chosen,
        "days": days,
        "aspects": list(Aspect),
        "reminders": [(by_code[r.item], r) for r in list_reminders(provider=side.provider) if r.item in by_code],
        "open_findings": open_findings,
        "basis": expectations().basis,
    }
    return _page(request, side, "cards", context | (matrix(side) if side.provider else {}))


def matrix(side: Side) -> dict[str, Any]:
    """The freshness matrix of the side's items, its legend, and what is down."""
    now = timezone.now()
    items = side.items()
    mondays, rows = freshness(items, now=now)
    sources = list_sources(items, on=beijing_day(now), known=now)
    down = {outage.item: outage for outage in list_outages(now=now)}
    return {
        "mondays": mondays,
        "rows": [(item, cells, sources[item.code]) for item, cells in rows],
        "states": list(CellState),
        "outages": [(item, down[item.code]) for item in items if item.code in down],
        "running": [item for item in items if item.code not in down],
    }


def supply(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The matrix, and what is down."""
    side = Side.of(actor)
    return _page(request, side, "supply", matrix(side))


def history(request: HttpRequest, code: str, *, actor: Acting) -> HttpResponse:
    """One item day by day: the trend of each figure."""
    side = Side.of(actor)
    item, today = side.item(code), beijing_day(timezone.now())
    cards = card_history(code, until=today)
    rows = [
        (card, [(a, card.figures[a], _change(card.figures[a], before and before.figures[a])) for a in Aspect])
        for card, before in zip(cards, [*cards[1:], None], strict=True)
    ] if cards else []  # fmt: skip
    return _page(request, side, "card", {"item": item, "rows": rows, "aspects": list(Aspect)})


def _change(now: Any, before: Any) -> int | None:
    """Hundredths of a per cent more than the day before; None where there is nothing to compare."""
    if before is None or before.hundredths is None or now.hundredths is None:
        return None
    return int(now.hundredths - before.hundredths)


def _aspect(text: str) -> Aspect:
    if text not in set(Aspect):
        raise NotFound()
    return Aspect(text)


def failing(request: HttpRequest, day: str, code: str, aspect: str, *, actor: Acting) -> HttpResponse:
    """A page of what a figure leaves out; the node's shows no value that is not public."""
    side = Side.of(actor)
    item, chosen = side.item(code), _aspect(aspect)
    card = get_card(code, day=_date(day), provider=side.provider)
    start = whole_number(request.GET.get("start", ""), digits=9)
    page = failing_page(card, chosen, provider=side.provider, start=start, say=translate)
    context = {"item": item, "card": card, "aspect": chosen, "figure": card.figures[chosen], "page": page}
    return _page(request, side, "failing", context | {"before": max(0, start - PAGE)})


def failing_rows(request: HttpRequest, day: str, code: str, aspect: str, *, actor: Acting) -> HttpResponse:
    """The same, all of it, as a file."""
    side = Side.of(actor)
    side.item(code)
    card, chosen = get_card(code, day=_date(day), provider=side.provider), _aspect(aspect)
    answer = HttpResponse(
        failing_file(card, chosen, provider=side.provider, say=translate), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(f'{code}-{day}-{aspect}.csv')}"
    return answer


def week(request: HttpRequest, code: str, week: str, *, actor: Acting) -> HttpResponse:
    """What a week brought of an item: its deliveries, or that there were none."""
    side = Side.of(actor)
    item, begins = side.item(code), monday(_date(week))
    now = timezone.now()
    came = [
        a
        for a in list_arrivals(known=now, item=code)
        if begins <= beijing_day(a.received_at) < begins + timedelta(days=7)
    ]
    mondays, [(_item, cells)] = freshness([item], now=now)
    cell = dict(zip(mondays, cells, strict=True)).get(begins)
    source = list_sources([item], on=beijing_day(now), known=now)[code]
    context = {"item": item, "begins": begins, "ends": begins + timedelta(days=6), "came": came, "cell": cell}
    return _page(request, side, "week", context | {"source": source})


def findings(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Contradictions between items, by rule and state; counted first."""
    side = Side.of(actor)
    rules = list_rules(provider=side.provider)
    wanted, state = request.GET.get("rule", ""), request.GET.get("state", FindingState.OPEN)
    start = whole_number(request.GET.get("start", ""), digits=9)
    chosen = FindingState(state) if state in set(FindingState) else None
    found = list_findings(provider=side.provider, rule=wanted or None, state=chosen, start=start, limit=PAGE + 1)
    counts = count_findings(provider=side.provider)
    states = list(FindingState)
    context = {
        "rules": [(rule, [counts.get(rule.code, {}).get(s, 0) for s in states]) for rule in rules],
        "states": states,
        "findings": found[:PAGE],
        "asked": {"rule": wanted, "state": state, "start": start},
        "after": start + PAGE if len(found) > PAGE else None,
        "run": latest_cross_run(),
    }
    return _page(request, side, "findings", context)


def finding(request: HttpRequest, finding: int, *, actor: Acting) -> HttpResponse:
    """One finding; explain it, or (the node, with a reason, through the gate) look at its closed values."""
    side = Side.of(actor)
    found, now = get_finding(finding, provider=side.provider), timezone.now()
    context: dict[str, Any] = {"may_explain": actor.membership.role in WRITERS}
    context["may_look"] = side.provider is None and context["may_explain"]
    if request.method == "POST":
        text = posted(request, "text", most=2000)
        try:
            if posted(request, "step") == "look" and side.provider is None:
                _look(found, text, actor)
                found = get_finding(finding, whole=True)
            else:
                explain_finding(finding, text=text, provider=side.provider, actor=actor.label, now=now)
                messages.success(request, _("已说明，并留痕"), extra_tags="good")
                return redirect(f"{side.portal}-finding", finding)
        except (Invalid, Refused, NotFound) as error:
            context |= {"error": error_context(error), "written": text}
            return _page(request, side, "finding", {**context, "finding": found}, status=error.status)
    return _page(request, side, "finding", {**context, "finding": found})


def _look(found: Finding, reason: str, actor: Acting) -> None:
    """Ask the gate for the facts of the items that clash: the enterprise sees who looked and why."""
    node = Recipient(RecipientKind.NODE, actor.code, actor.party)
    cause = check_written(reason, field="text")[:200]
    inquiry = Inquiry(
        node, found.enterprise, "node_duty", Form.DERIVED, actor.label, "portal", items=found.items, cause=cause
    )
    read(inquiry, now=timezone.now())


def outage(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Report that a source is down, or that it delivers again."""
    side = Side.of(actor)
    item, now = side.item(posted(request, "item")), timezone.now()
    if posted(request, "step") == "end":
        end_outage(item, actor=actor.label, now=now)
        messages.success(request, _("已记录恢复"), extra_tags="good")
    else:
        report_outage(item, reason=posted(request, "reason", most=2000), actor=actor.label, now=now)
        messages.success(request, _("已记录停机；缺少的记录将标明原因"), extra_tags="warn")
    return redirect("department-quality" if side.provider else "node-supply")


def routes(portal: Portal, *writers: Role) -> list[URLPattern]:
    """The pages in one portal: read by all of its people, written by ``writers`` only."""
    may_read, may_write = requires(portal, *writers, readers=(Role.AUDITOR,)), requires(portal, *writers)
    figure = "quality/<str:day>/<str:code>/<str:aspect>/"
    read = {
        "quality": ("quality/", cards),
        "card": ("quality/items/<str:code>/", history),
        "week": ("quality/items/<str:code>/weeks/<str:week>/", week),
        "failing": (figure, failing),
        "failing-file": (f"{figure}rows.csv", failing_rows),
        "findings": ("findings/", findings),
        "finding": ("findings/<int:finding>/", finding),
    }
    if portal is Portal.NODE:
        read["supply"] = ("supply/", supply)
    written = {"outage": ("quality/outage/", outage), "explain": ("findings/<int:finding>/explain/", finding)}
    return [
        path(f"{portal}/{where}", guard(method(page)), name=f"{portal}-{name}")
        for pages, guard, method in ((read, may_read, require_GET), (written, may_write, require_POST))
        for name, (where, page) in pages.items()
    ]
