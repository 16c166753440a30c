"""Failures as RFC 9457 problem documents."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from xinqiao.kernel.errors import XinqiaoError
from xinqiao.web.middleware import error_context, status_of

BASE = "/docs/errors#"


def problem(request: HttpRequest, *, status: int, code: str, title: str, **more: object) -> HttpResponse:
    """A problem document; ``type`` resolves to the error's paragraph in the reference."""
    document = {"type": f"{BASE}{code}", "title": title, "status": status, "code": code, "instance": request.path}
    body = json.dumps(document | {k: v for k, v in more.items() if v}, ensure_ascii=False)
    answer = HttpResponse(body, status=status, content_type="application/problem+json")
    if status == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="xinqiao"'
    if status == 503:
        answer["Retry-After"] = "5"
    return answer


def install(api: NinjaAPI) -> None:
    """Answer every failure of the API in this form."""

    @api.exception_handler(XinqiaoError)
    def _anticipated(request: HttpRequest, error: XinqiaoError) -> HttpResponse:
        context = error_context(error)
        problems = [
            {"field": p.field, "code": p.code, "message": p.message, "row": p.row}
            for p in context["problems"]  # type: ignore[attr-defined]
        ]
        return problem(
            request,
            status=status_of(error),
            code=error.code,
            title=str(context["title"]),
            clause=context["clause"],
            next_step=context["next_step"],
            access=context["access"],
            problems=problems,
        )

    @api.exception_handler(ValidationError)
    def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
        problems = [
            {"field": ".".join(map(str, e["loc"])), "code": str(e["type"]), "message": str(e["msg"])}
            for e in error.errors
        ]
        next_step = "请按接口文档修改请求"
        return problem(
            request, status=422, code="api.malformed", title="请求格式不对", next_step=next_step, problems=problems
        )

    @api.exception_handler(AuthenticationError)
    def _unknown_caller(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        next_step = "请在 Authorization 头中提供有效的接口密钥：Bearer xq_…"
        return problem(request, status=401, code="api.unauthenticated", title="接口密钥无效或缺失", next_step=next_step)

    @api.exception_handler(HttpError)
    def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(request, status=error.status_code, code="api.http", title=str(error))
