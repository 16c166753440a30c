"""The sharing list's versions, and how providers keep it: open to anybody."""

from __future__ import annotations

import csv
import io

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from xinqiao.quality.queries import expectations
from xinqiao.sharing.queries import list_versions, signed_list
from xinqiao.stewardship.queries import collected, on_time, reminding, version_changes
from xinqiao.web.access import public


@public
@require_GET
def versions(request: HttpRequest) -> HttpResponse:
    """Every version of the list: when, why, by whom, what changed, and the signed file."""
    changed = dict(version_changes())
    rows = [(version, changed.get(version.number, ())) for version in list_versions()]
    return render(request, "public/list_versions.html", {"rows": rows})


@public
@require_GET
def signed(request: HttpRequest, number: int) -> HttpResponse:
    """A version whole, with the node's signature."""
    answer = JsonResponse(signed_list(number), json_dumps_params={"ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="sharing-list-{number}.json"'
    return answer


@public
@require_GET
def table(request: HttpRequest) -> HttpResponse:
    """Who keeps its deadlines, in working days, and the rate of collection of each list."""
    now = timezone.now()
    context = {
        "rows": on_time(now=now),
        "lists": collected(now=now),
        "days": expectations().window_days,
        "rule": reminding(),
        "now": now,
    }
    return render(request, "public/on_time.html", context)


@public
@require_GET
def table_file(request: HttpRequest) -> HttpResponse:
    """The same as CSV (UTF-8 with mark)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["provider", "items", "due", "met", "late_workdays", "behind", "never"])
    for s in on_time(now=timezone.now()):
        writer.writerow([s.provider, s.items, s.due, s.met, s.late_workdays, " ".join(s.behind), " ".join(s.never)])
    answer = HttpResponse(out.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="on-time.csv"'
    return answer
