"""Department portal: what is due, hand it in, see what became of it."""

from __future__ import annotations

from urllib.parse import quote

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xinqiao.catalogue.rules import Timeliness, duty
from xinqiao.catalogue.types import Item
from xinqiao.ingest.actions import receive, undo_delivery
from xinqiao.ingest.annotating import annotated_file
from xinqiao.ingest.match_queries import count_matches
from xinqiao.ingest.queries import get_outcome, last_deliveries, list_deliveries, remembered_mapping
from xinqiao.ingest.types import ColumnsMissing, NotYourItem, UnreadableFile
from xinqiao.parties.types import Role
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.sharing.queries import current_list, item_ever
from xinqiao.stewardship.queries import standing_reminders
from xinqiao.web.access import Acting, Portal, requires
from xinqiao.web.middleware import error_context
from xinqiao.web.uploads import as_upload

CLERK = requires(Portal.DEPARTMENT, Role.CLERK, Role.OPERATOR)
READER = requires(Portal.DEPARTMENT, Role.CLERK, Role.OPERATOR, readers=(Role.AUDITOR,))
URGENCY = (Timeliness.LATE, Timeliness.NEVER, Timeliness.SOON, Timeliness.ON_TIME)


def _own_item(code: str, actor: Acting) -> Item:
    item = current_list().item(code)
    if item.department.code != actor.code:
        raise NotYourItem(item=item.name, department=item.department.name)
    return item


@READER
@require_GET
def home(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """The department's items, the most urgent first."""
    calendar = work_calendar()
    today = timezone.localdate()
    last = last_deliveries(actor.code)
    rows = []
    for item in current_list().of_department(actor.code):
        at = last.get(item.code)
        stands = duty(item.due, timezone.localdate(at) if at else None, today, calendar)
        rows.append({"item": item, "last": at, "duty": stands})
    rows.sort(key=lambda r: (URGENCY.index(r["duty"].timeliness), r["duty"].due_on))
    reminders = standing_reminders(provider=actor.code, now=timezone.now())
    return render(request, "department/home.html", {"rows": rows, "reminders": reminders})


@CLERK
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, code: str, *, actor: Acting) -> HttpResponse:
    """Hand in a delivery; a file that cannot be mapped comes back with the columns to choose."""
    item = _own_item(code, actor)
    context: dict[str, object] = {"item": item, "remembered": remembered_mapping(actor.code, item.code)}
    if request.method == "GET":
        return render(request, "department/upload.html", context)
    uploads = [as_upload(f) for f in request.FILES.getlist("files")]
    if not uploads:
        return render(request, "department/upload.html", {**context, "no_file": True}, status=422)
    mapping = _mapping(request)
    try:
        outcome = receive(item, uploads, provider=actor.code, actor=actor.label, now=timezone.now(), mapping=mapping)
    except (ColumnsMissing, UnreadableFile) as error:
        return render(request, "department/upload.html", context | {"error": error_context(error)}, status=error.status)
    if outcome.repeated:
        messages.info(request, _("这个文件已经报送过，没有重复入库"), extra_tags="warn")
    return redirect("department-delivery", outcome.delivery)


def _mapping(request: HttpRequest) -> dict[str, str]:
    """Header → field code from the form's lines of the shape ``header = field``."""
    pairs = (line.split("=", 1) for line in request.POST.get("mapping", "").splitlines() if "=" in line)
    return {header.strip(): field.strip() for header, field in pairs}


@READER
@require_GET
def deliveries(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """What was handed in lately."""
    rows = [(o, item_ever(o.item)) for o in list_deliveries(provider=actor.code, now=timezone.now())]
    return render(request, "department/deliveries.html", {"rows": rows})


@READER
@require_GET
def delivery(request: HttpRequest, delivery: str, *, actor: Acting) -> HttpResponse:
    """What became of one delivery: accounted for row by row, problems grouped by repair."""
    outcome = get_outcome(delivery, provider=actor.code, now=timezone.now())
    item = item_ever(outcome.item)
    matches = [(state, n) for state, n in count_matches(provider=actor.code, delivery=delivery).items() if n]
    return render(request, "department/delivery.html", {"outcome": outcome, "item": item, "matches": matches})


@READER
@require_GET
def annotated(request: HttpRequest, delivery: str, *, actor: Acting) -> FileResponse:
    """The same rows back with a column of errors; ``?all=1`` for the accepted ones too."""
    name, file = annotated_file(delivery, provider=actor.code, only_returned=request.GET.get("all") != "1")
    answer = FileResponse(file, content_type="application/octet-stream")
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return answer


@CLERK
@require_POST
def undo(request: HttpRequest, delivery: str, *, actor: Acting) -> HttpResponse:
    """Take a delivery back within 24 hours."""
    undo_delivery(delivery, provider=actor.code, actor=actor.label, now=timezone.now())
    messages.success(request, _("已撤销；此前的数据恢复有效"), extra_tags="good")
    return redirect("department-delivery", delivery)
