"""Machine-readable health: alive with keys that can be used, and able to serve."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from xinqiao.kernel.errors import XinqiaoError
from xinqiao.release.queries import policy
from xinqiao.vault.queries import check_keys
from xinqiao.web.access import public


@public
@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers and can sign and open; 503 while a key is locked or lost: no monitor shall read ok then."""
    why = _keys()
    return JsonResponse({"status": "failed", "failed": {"keys": why}} if why else {"status": "ok"}, status=_code(why))


@public
@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """The node can answer a query: database, keys and release table are in place; 503 otherwise."""
    checks = {"database": _database, "evidence_key": _keys, "release_policy": _policy}
    failed = {name: why for name, check in checks.items() if (why := check())}
    return JsonResponse({"status": "failed" if failed else "ok", "failed": failed}, status=_code(failed))


def _code(failed: object) -> int:
    return 503 if failed else 200


def _database() -> str:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        return type(error).__name__
    return ""


def _keys() -> str:
    """Empty, or the code of what keeps the keys from being used."""
    try:
        check_keys()
    except XinqiaoError as error:
        return error.code
    except (OSError, DatabaseError) as error:
        return type(error).__name__
    return ""


def _policy() -> str:
    return "" if policy().rules else "empty"
