"""What every page shows around its content: who acts, for whom, the tabs of the portal."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from xinqiao.plumbing.settings import demo
from xinqiao.web.access import Portal, current_actor

TABS = {
    Portal.ENTERPRISE: (
        ("enterprise-home", _("首页")),
        ("enterprise-report", _("我的报告")),
        ("enterprise-authorisations", _("授权管理")),
        ("enterprise-accesses", _("谁看过我")),
        ("enterprise-notices", _("告知")),
    ),
    Portal.INSTITUTION: (
        ("institution-home", _("工作台")),
        ("institution-find", _("查找企业")),
        ("institution-requests", _("授权请求")),
        ("institution-accesses", _("查询记录")),
        ("institution-challenges", _("企业质询")),
        ("institution-admission", _("接入管理")),
        ("institution-freezes", _("冻结与申诉")),
    ),
    Portal.DEPARTMENT: (
        ("department-home", _("报送任务")),
        ("department-deliveries", _("报送记录")),
        ("department-quality", _("数据质量")),
        ("department-findings", _("跨部门核对")),
        ("department-matches", _("主体认定")),
    ),
    Portal.NODE: (
        ("node-home", _("运行状况")),
        ("node-sources", _("数据来源")),
        ("node-supply", _("报送时效")),
        ("node-quality", _("数据质量")),
        ("node-findings", _("跨部门核对")),
        ("node-matches", _("主体认定")),
        ("node-subject", _("主体库")),
        ("node-runs", _("信用评价")),
        ("node-find", _("企业核查")),
        ("node-lists", _("企业名单")),
        ("node-accesses", _("查询审计")),
        ("node-challenges", _("企业质询")),
        ("node-admission", _("接入管理")),
        ("node-supervision", _("滥用监测")),
    ),
}


def portal(request: HttpRequest) -> dict[str, Any]:
    """Actor, tabs and preferences for the base template."""
    found: dict[str, Any] = {"demo": demo(), "care": request.COOKIES.get("care") == "1"}
    actor = current_actor(request) if hasattr(request, "user") else None
    if actor is None:
        return found
    found |= {
        "actor": actor,
        "many_roles": getattr(request, "_memberships", 1) > 1,
        "tabs": [
            {"url": reverse(view), "name": title, "current": _is_current(request, view)}
            for view, title in TABS[actor.portal]
        ],
    }
    return found


def _is_current(request: HttpRequest, view: str) -> bool:
    url = reverse(view)
    home = view.endswith("-home")
    return request.path == url if home else request.path.startswith(url)
