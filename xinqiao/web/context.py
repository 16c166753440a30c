"""What every page shows around its content: who acts, for whom, the tabs of the portal."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import resolve, reverse
from django.utils.translation import gettext_lazy as _

from xinqiao.parties.types import MembershipFacts
from xinqiao.plumbing.settings import demo
from xinqiao.web.access import AccessRule, Portal, current_actor, portal_of

TABS = {
    Portal.ENTERPRISE: (
        ("enterprise-home", _("首页")),
        ("enterprise-report", _("我的报告")),
        ("enterprise-financing", _("融资")),
        ("enterprise-applications", _("申请进度")),
        ("enterprise-authorisations", _("授权管理")),
        ("enterprise-accesses", _("谁看过我")),
        ("enterprise-disputes", _("异议")),
        ("enterprise-repairs", _("信用修复")),
        ("enterprise-signals", _("风险信号")),
        ("enterprise-sanctions", _("失信惩戒")),
        ("enterprise-proceedings", _("公证仲裁诉讼")),
        ("enterprise-formulas", _("机构公式")),
        ("enterprise-people", _("人员")),
        ("enterprise-notices", _("告知")),
    ),
    Portal.INSTITUTION: (
        ("institution-home", _("工作台")),
        ("institution-find", _("查找企业")),
        ("institution-applications", _("融资申请")),
        ("institution-products", _("产品")),
        ("institution-loans", _("贷款反馈")),
        ("institution-proceedings", _("公证仲裁诉讼")),
        ("institution-requests", _("授权请求")),
        ("institution-signals", _("风险信号")),
        ("institution-watch", _("监测名单")),
        ("institution-accesses", _("查询记录")),
        ("institution-challenges", _("企业质询")),
        ("institution-disputes", _("异议转送")),
        ("institution-corrections", _("更正告知")),
        ("institution-models", _("模型")),
        ("institution-formulas", _("公式室")),
        ("institution-admission", _("接入管理")),
        ("institution-reconciliation", _("对账")),
        ("institution-freezes", _("冻结与申诉")),
        ("institution-cases", _("线索与申诉")),
        ("institution-people", _("人员")),
        ("institution-programs", _("程序与密钥")),
    ),
    Portal.DEPARTMENT: (
        ("department-home", _("报送任务")),
        ("department-deliveries", _("报送记录")),
        ("department-quality", _("数据质量")),
        ("department-findings", _("跨部门核对")),
        ("department-disputes", _("异议核查")),
        ("department-repairs", _("信用修复")),
        ("department-matches", _("主体认定")),
        ("department-cases", _("线索与申诉")),
        ("department-people", _("人员")),
        ("department-programs", _("程序与密钥")),
    ),
    Portal.NODE: (
        ("node-home", _("运行状况")),
        ("node-list", _("共享清单")),
        ("node-sources", _("数据来源")),
        ("node-supply", _("报送时效")),
        ("node-quality", _("数据质量")),
        ("node-findings", _("跨部门核对")),
        ("node-matches", _("主体认定")),
        ("node-subject", _("主体库")),
        ("node-runs", _("信用评价")),
        ("node-financing", _("银企对接")),
        ("node-effectiveness", _("应用成效")),
        ("node-models", _("模型")),
        ("node-formulas", _("公式室")),
        ("node-find", _("企业核查")),
        ("node-lists", _("企业名单")),
        ("node-accesses", _("查询审计")),
        ("node-challenges", _("企业质询")),
        ("node-disputes", _("异议")),
        ("node-repairs", _("信用修复")),
        ("node-admission", _("接入管理")),
        ("node-supervision", _("滥用监测")),
        ("node-reconciliation", _("对账")),
        ("node-tracing", _("副本溯源")),
        ("node-cases", _("违法违规线索")),
        ("node-monitoring", _("风险监测")),
        ("node-sanctions", _("失信惩戒")),
        ("node-proceedings", _("公证仲裁诉讼")),
        ("node-federation", _("节点互联")),
        ("node-people", _("人员")),
        ("node-programs", _("程序与密钥")),
        ("node-doings", _("操作审计")),
    ),
    Portal.JUDICIAL: (
        ("judicial-home", _("核验证据")),
        ("judicial-cases", _("案件与证据包")),
        ("judicial-proceedings", _("公证仲裁诉讼")),
        ("judicial-people", _("人员")),
    ),
}


def tabs_of(membership: MembershipFacts) -> list[tuple[str, Any]]:
    """The tabs of a portal that a member may open."""
    rules = _rules()
    return [
        (view, title) for view, title in TABS[portal_of(membership)] if rules[view].admits(membership, reading=True)
    ]


def home_of(membership: MembershipFacts) -> str:
    """The first page of a member: name of its route."""
    return tabs_of(membership)[0][0]


@cache
def _rules() -> dict[str, AccessRule]:
    return {view: resolve(reverse(view)).func.access_rule for tabs in TABS.values() for view, _ in tabs}


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
            for view, title in tabs_of(actor.membership)
        ],
    }
    return found


def _is_current(request: HttpRequest, view: str) -> bool:
    url = reverse(view)
    home = view.endswith("-home")
    return request.path == url if home else request.path.startswith(url)
