"""Turns anticipated failures into pages that say what happened, why, and what to do next."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from xinqiao.kernel.errors import Invalid, SourceFailed, XinqiaoError
from xinqiao.web.words import message_of, sentence

log = logging.getLogger("xinqiao.web")


# The portals run no script and load nothing from elsewhere; widths of bars are inline styles.
POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self' 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


class ErrorPages:
    """Middleware: a XinqiaoError of a portal becomes a page with its own status; pages may run nothing foreign."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # No name holds a NUL and some databases fail on one: looked up as a character that no name holds either.
        request.path_info = request.path_info.replace("\x00", "\ufffd")
        answer = self.get_response(request)
        # The interactive page of the API is a program of its own; no enterprise's data is on it.
        if answer.get("Content-Type", "").startswith("text/html") and not request.path.startswith("/api/"):
            answer.headers.setdefault("Content-Security-Policy", POLICY)
        return answer

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Only anticipated failures; anything else is a fault and stays one."""
        if not isinstance(error, XinqiaoError):
            return None
        status = status_of(error)
        if status >= 500:
            log.error("%s %s: %s", request.method, request.path, error.code)
        return render(request, "web/error.html", error_context(error), status=status)


def status_of(error: XinqiaoError) -> int:
    """HTTP status of a failure."""
    return error.http_status if isinstance(error, SourceFailed) else error.status


def error_context(error: XinqiaoError) -> dict[str, object]:
    """What a page or a problem document says about a failure."""
    return {
        "title": message_of(error),
        "code": error.code,
        "clause": sentence(getattr(error, "rule_clause", error.clause), error.data),
        "next_step": sentence(getattr(error, "rule_next_step", error.next_step), error.data),
        "problems": error.problems if isinstance(error, Invalid) else (),
        "access": error.data.get("access", ""),
    }
