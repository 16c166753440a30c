"""Node portal: one sentence of health, the sources, the runs, every access."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xinqiao.catalogue.rules import Timeliness, duty
from xinqiao.consent.types import Form
from xinqiao.evaluation.compute import scorecards
from xinqiao.evaluation.jobs import evaluate_province
from xinqiao.evaluation.queries import get_scorecard, list_runs
from xinqiao.evaluation.types import RunStatus
from xinqiao.evidence.queries import log_status
from xinqiao.federation.queries import alarms
from xinqiao.indicators.engine import engine_name
from xinqiao.ingest.queries import last_deliveries, list_deliveries, standing_rows
from xinqiao.kernel.errors import Invalid, NotFound, Problem, Refused
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.parties.types import Role
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.release.reading import read
from xinqiao.release.types import Inquiry, NothingSaid, Recipient, RecipientKind
from xinqiao.sharing.queries import current_list, item_ever
from xinqiao.sources.queries import standing
from xinqiao.tracing.queries import mark_of
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.explain import explained
from xinqiao.web.middleware import error_context
from xinqiao.web.paging import access_page

STAFF = requires(Portal.NODE)
WATCHING = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY, readers=(Role.AUDITOR,))
OPERATOR = requires(Portal.NODE, Role.OPERATOR)
LOG_LAG = timedelta(seconds=30)


@STAFF
@require_GET
def home(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Health in one sentence, with what to do when something is wrong."""
    status, runs, now = log_status(), list_runs(limit=1), timezone.now()
    totals = standing_rows()
    behind = status.waiting > 0 and (status.signed_at is None or now - status.signed_at > LOG_LAG)
    faults = []
    if behind:
        faults.append(_("存证日志有 %(n)s 条未编入，请确认后台任务在运行：xinqiao worker") % {"n": status.waiting})
    if not runs or runs[0].status is RunStatus.FAILED:
        faults.append(_("最近一次评价没有成功，请运行：xinqiao evaluate"))
    late = [link.name for link in alarms(now)]
    if late:
        faults.append(_("与 %(names)s 的同步滞后超过设定，请在“节点互联”中查看原因") % {"names": "、".join(late)})
    if not totals:
        faults.append(_("信用数据库还是空的，请报送数据：xinqiao ingest"))
    context = {
        "faults": faults,
        "status": status,
        "run": runs[0] if runs else None,
        "totals": sorted(((item_ever(code), total) for code, total in totals), key=lambda t: t[0].list_code),
        "engine": engine_name(),
        "rows": sum(total["rows"] for _code, total in totals),
    }
    return render(request, "node/home.html", context)


@STAFF
@require_GET
def sources(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Every item of the list: who answers for it, when it came last, how late it is."""
    calendar, today = work_calendar(), timezone.localdate()
    last = last_deliveries()
    rows = []
    for item in current_list():
        at = last.get(item.code)
        rows.append((item, at, duty(item.due, timezone.localdate(at) if at else None, today, calendar)))
    order = (Timeliness.LATE, Timeliness.NEVER, Timeliness.SOON, Timeliness.ON_TIME)
    rows.sort(key=lambda row: (order.index(row[2].timeliness), row[0].list_code))
    covered = sum(1 for row in rows if row[1])
    recent = [(o, item_ever(o.item)) for o in list_deliveries(now=timezone.now(), limit=15)]
    context = {"rows": rows, "covered": covered, "total": len(rows), "recent": recent, "connections": standing()}
    return render(request, "node/sources.html", context)


@OPERATOR
@require_http_methods(["GET", "POST"])
def runs(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Evaluation runs; starting one puts it in the queue."""
    if request.method == "POST":
        evaluate_province.enqueue(actor.label)
        messages.success(request, _("已排队；完成后自动发布，此前的结果继续有效"), extra_tags="good")
        return redirect("node-runs")
    grades = [g.grade for g in scorecards()[0].grades] if scorecards() else []
    rows = [(run, [(g, run.grades.get(g, 0)) for g in grades if run.grades.get(g)]) for run in list_runs()]
    return render(request, "node/runs.html", {"rows": rows})


@WATCHING
@require_GET
def accesses(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Every read and refusal on the node."""
    return render(request, "node/accesses.html", access_page(request))


@OPERATOR
@require_http_methods(["GET", "POST"])
def find(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Look at the derived facts of one enterprise, through the gate: the enterprise sees who looked and why."""
    context: dict[str, Any] = {}
    if request.method == "POST":
        reason, code = posted(request, "reason").strip(), posted(request, "uscc", most=40)
        context = {"written": code, "reason": reason}
        try:
            if not reason:
                raise NothingSaid([Problem(field="reason", code="node.reason", message=_("事由是必填的"))])
            recipient = Recipient(RecipientKind.NODE, actor.code, actor.party)
            inquiry = Inquiry(
                recipient, parse_uscc(code).code, "node_duty", Form.DERIVED, actor.label, "portal", cause=reason[:200]
            )
            answer = read(inquiry, now=timezone.now())
        except (Invalid, Refused, NotFound) as error:
            return render(request, "node/find.html", context | {"error": error_context(error)}, status=error.status)
        context |= {
            "document": answer.document,
            "access": answer.access,
            "marks": mark_of(answer.access.id),
            "evaluation": explained(answer.document["evaluation"], get_scorecard(on=timezone.localdate())),
            "items": [(item_ever(b["item"]), b) for b in answer.document["items"]],
        }
    return render(request, "node/find.html", context)
