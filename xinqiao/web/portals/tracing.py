"""Leak tracing: the node uploads a found copy, reads which access it came from, enters it into the register."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from xinqiao.kernel.errors import Invalid, Problem
from xinqiao.parties.types import Role
from xinqiao.release.queries import get_access
from xinqiao.tracing.actions import open_leak_case, trace_copy
from xinqiao.tracing.queries import get_trace, list_traces
from xinqiao.tracing.rules import CHANCE
from xinqiao.tracing.types import UnreadableCopy
from xinqiao.violations.queries import find_case
from xinqiao.violations.types import Source
from xinqiao.web.access import Acting, Portal, posted, requires
from xinqiao.web.middleware import error_context

NODE = requires(Portal.NODE, Role.OPERATOR, Role.SECURITY, readers=(Role.AUDITOR,))


@NODE
@require_http_methods(["GET", "POST"])
def board(request: HttpRequest, *, actor: Acting) -> HttpResponse:
    """Copies traced so far; a new one."""
    context, status = dict[str, Any](), 200
    if request.method == "POST":
        try:
            file = request.FILES.get("file")
            if file is None:
                raise UnreadableCopy([Problem("file", "tracing.file", "")])
            found = trace_copy(file.read(), name=file.name or "", actor=actor.label, now=timezone.now())
            return redirect("node-trace", found.id)
        except Invalid as error:
            context, status = {"error": error_context(error)}, error.status
    return render(
        request, "tracing/board.html", context | {"traces": list_traces(), "chance": f"{CHANCE:g}"}, status=status
    )


@NODE
@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, trace: str, *, actor: Acting) -> HttpResponse:
    """One trace: the reads it named, with who read; a case of one of them."""
    found = get_trace(trace)
    if request.method == "POST":
        case = open_leak_case(trace, posted(request, "access", most=40), actor=actor.label, now=timezone.now())
        messages.success(request, _("已登记为线索"), extra_tags="good")
        return redirect("node-case", case.id)
    reads = [(read, get_access(read.access), find_case(Source.TRACE, read.access)) for read in found.reads]
    return render(request, "tracing/trace.html", {"trace": found, "reads": reads, "chance": f"{CHANCE:g}"})
