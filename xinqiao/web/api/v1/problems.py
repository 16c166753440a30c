"""Failures as RFC 9457 problem documents."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from xinqiao.kernel.errors import XinqiaoError
from xinqiao.oauth.types import OAuthRefused
from xinqiao.release.types import SHOWN_PARTS, NotRegistered, NotReleased
from xinqiao.web.middleware import error_context, status_of
from xinqiao.web.oauth.calls import challenge, resource_status
from xinqiao.web.words import translate

BASE = "/docs/errors#"
MEDIA_TYPE = "application/problem+json"


def problem(request: HttpRequest, *, status: int, code: str, title: str, **more: object) -> HttpResponse:
    """A problem document; ``type`` resolves to the error's paragraph in the reference."""
    document = {"type": f"{BASE}{code}", "title": translate(title), "status": status, "code": code}
    document["instance"] = request.path
    body = json.dumps(document | {k: v for k, v in more.items() if v}, ensure_ascii=False)
    answer = HttpResponse(body, status=status, content_type=MEDIA_TYPE)
    if status == 503:
        answer["Retry-After"] = "5"
    return answer


def _evidence(error: XinqiaoError) -> dict[str, object]:
    """A refusal by the gate carries its receipt like an answer, and so does the look for a code nobody has."""
    if not isinstance(error, NotReleased | NotRegistered):
        return {}
    shown = {part: dict(error.disclosure[part]) for part in SHOWN_PARTS if part in error.disclosure}
    return {"receipt": error.receipt, "disclosure": shown}


def install(api: NinjaAPI) -> None:
    """Answer every failure of the API in this form."""

    @api.exception_handler(XinqiaoError)
    def _anticipated(request: HttpRequest, error: XinqiaoError) -> HttpResponse:
        context = error_context(error)
        problems = [
            {"field": p.field, "code": p.code, "message": translate(p.message), "row": p.row}
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
            **_evidence(error),
        )

    @api.exception_handler(ValidationError)
    def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
        problems = [
            {"field": ".".join(map(str, e["loc"])), "code": str(e["type"]), "message": str(e["msg"])}
            for e in error.errors
        ]
        next_step = translate("请按接口文档修改请求")
        return problem(
            request, status=422, code="api.malformed", title="请求格式不对", next_step=next_step, problems=problems
        )

    @api.exception_handler(OAuthRefused)
    def _not_by_this_token(request: HttpRequest, error: OAuthRefused) -> HttpResponse:
        context = error_context(error)
        answer = problem(
            request,
            status=resource_status(error),
            code=error.code,
            title=str(context["title"]),
            clause=context["clause"],
            next_step=context["next_step"],
            detail=error.data.get("why"),
        )
        return challenge(answer, error)

    @api.exception_handler(HttpError)
    def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return _uniform(request, HttpResponse(status=error.status_code))


class UniformErrors:
    """Middleware: what the framework itself refuses (unknown address, wrong method) has the same form.

    A parameter given twice is refused: two programs on the way may each have read another of the two.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/api/"):
            return self.get_response(request)
        if any(len(values) > 1 for _name, values in request.GET.lists()):
            return _uniform(request, HttpResponse(status=400))
        answer = self.get_response(request)
        foreign = answer.status_code >= 400 and not answer.get("Content-Type", "").startswith(MEDIA_TYPE)
        return _uniform(request, answer) if foreign else answer


FAULT = ("api.fault", "系统出错，操作没有完成", "请稍后重试；若再次出现，请联系节点运行人员")
FRAMEWORK = {
    400: ("api.unreadable", "请求无法读取", "请按接口文档修改请求"),
    404: ("api.unknown_address", "没有这个接口地址", "请按接口文档核对地址"),
    405: ("api.method_not_allowed", "这个地址不支持该方法", "请使用 Allow 头所列的方法"),
}


def _uniform(request: HttpRequest, refused: HttpResponse) -> HttpResponse:
    """A refusal of the framework as a problem document."""
    code, title, next_step = FRAMEWORK.get(refused.status_code, FAULT)
    answer = problem(request, status=refused.status_code, code=code, title=title, next_step=translate(next_step))
    if refused.has_header("Allow"):
        answer["Allow"] = refused["Allow"]
    return answer
