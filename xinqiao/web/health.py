"""Machine-readable health: alive, and able to serve."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from xinqiao.evidence.keys import log_key
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.release.queries import policy
from xinqiao.web.access import public


@public
@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@public
@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """The node can answer a query: database, signing key and release table are in place; 503 otherwise."""
    checks = {"database": _database, "evidence_key": _key, "release_policy": _policy}
    failed = {name: why for name, check in checks.items() if (why := check())}
    return JsonResponse({"status": "failed" if failed else "ok", "failed": failed}, status=503 if failed else 200)


def _database() -> str:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        return type(error).__name__
    return ""


def _key() -> str:
    try:
        log_key()
    except OSError as error:
        return type(error).__name__
    except XinqiaoError as error:
        return error.code
    return ""


def _policy() -> str:
    return "" if policy().rules else "empty"
