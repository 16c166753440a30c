"""The demonstration accounts of a sample province. Only ever made by ``xinqiao start``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from xinqiao.admission.actions import found
from xinqiao.admission.queries import find_member
from xinqiao.catalogue.load import load_catalogue
from xinqiao.consent.powers import grant_power
from xinqiao.consent.queries import get_template
from xinqiao.kernel.identifiers import make_uscc
from xinqiao.oauth.actions import add_client
from xinqiao.oauth.caller import new_key_file
from xinqiao.oauth.queries import find_client
from xinqiao.oauth.rules import scope_names
from xinqiao.parties.actions import (
    add_member,
    register_enterprise,
    register_organisation,
    register_person,
)
from xinqiao.parties.queries import find_enterprise, get_organisation, list_organisations
from xinqiao.parties.types import AlreadyRegistered, OrganisationKind, Role
from xinqiao.plumbing.settings import content_dir, home

ACTOR = "system:demo"
PASSWORD = "xinqiao-demo"
NODE = "node"
BANKS = (("bank-demo", "示例银行"), ("bank-second", "示例农商银行"))
COURT = ("court-demo", "示例法院")
OFFICES = (COURT, ("notary-demo", "示例公证处"), ("arbitration-demo", "示例仲裁委员会"))
PLATFORM = ("platform-demo", "示例融资信用服务平台")
# Programs of the demonstration; their key files lie in XINQIAO_HOME/demo-clients.
CLIENTS = ("bank-demo", "platform-demo", "tax_bureau")
BACK = "http://127.0.0.1:8765/back"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account, whom it shows, and the page to open with it."""

    username: str
    who: str
    page: str


ACCOUNTS = (
    DemoAccount("owner", "企业法定代表人", "/enterprise/"),
    DemoAccount("accountant", "代几家企业办事的会计", "/enterprise/"),
    DemoAccount("banker", "示例银行客户经理", "/institution/"),
    DemoAccount("tax", "税务部门报送人员", "/department/"),
    DemoAccount("registry", "市场监管部门报送人员", "/department/"),
    DemoAccount("operator", "节点运行人员", "/node/"),
    DemoAccount("sysadmin", "节点系统管理员", "/node/people/"),
    DemoAccount("secadmin", "节点安全管理员", "/node/people/"),
    DemoAccount("auditor", "节点审计管理员", "/node/doings/"),
    DemoAccount("judge", "示例法院的工作人员", "/judicial/"),
    DemoAccount("notary", "示例公证处的公证员", "/judicial/"),
    DemoAccount("arbiter", "示例仲裁委员会的秘书", "/judicial/"),
    DemoAccount("approver", "节点复核人员（第二人）", "/node/"),
)


def ensure_accounts(manifest: Mapping[str, Any], *, now: datetime) -> list[DemoAccount]:
    """Make organisations, enterprises and people of the demonstration where they are missing."""
    _organisations(now)
    _clients(now)
    firms = [(f["uscc"], f["name"]) for f in manifest.get("demo_firms", ())]
    for uscc, name in firms:
        if find_enterprise(uscc) is None:
            register_enterprise(uscc, name=name, actor=ACTOR, now=now)
    for username, name, role, organisation in (
        ("banker", "王经理", Role.OFFICER, "bank-demo"),
        ("tax", "李科员", Role.CLERK, "tax_bureau"),
        ("registry", "赵科员", Role.CLERK, "market_regulation"),
        ("operator", "钱工", Role.OPERATOR, NODE),
        ("sysadmin", "孙工", Role.ADMINISTRATOR, NODE),
        ("secadmin", "吴工", Role.SECURITY, NODE),
        ("auditor", "郑工", Role.AUDITOR, NODE),
        ("judge", "冯法官助理", Role.MAGISTRATE, COURT[0]),
        ("notary", "卫公证员", Role.MAGISTRATE, OFFICES[1][0]),
        ("arbiter", "蒋秘书", Role.MAGISTRATE, OFFICES[2][0]),
        ("approver", "褚工", Role.OPERATOR, NODE),
    ):
        _person(username, name, now=now, role=role, organisation=organisation)
    if firms:
        first, others = firms[0][0], [uscc for uscc, _ in firms[1:5]]
        owner = _person("owner", "陈总", now=now, role=Role.OWNER, enterprise=first)
        accountant = _person("accountant", "张会计", now=now, role=Role.DELEGATE, enterprise=first, more=others)
        if owner and accountant:
            _let_sign(accountant, first, ["pre_loan"], signatory=owner, now=now)
        principal = None
        if others:
            principal = _person("principal", "周总", now=now, role=Role.OWNER, enterprise=others[0], more=others[1:])
        for uscc in others:
            if principal and accountant:
                _let_sign(accountant, uscc, ["approval", "pre_loan"], signatory=principal, now=now)
    return [a for a in ACCOUNTS if firms or a.username not in ("owner", "accountant")]


def _let_sign(agent: int, uscc: str, purposes: list[str], *, signatory: int, now: datetime) -> None:
    """The owner empowers the agent for three months."""
    until = now + timedelta(days=90)
    grant_power(uscc, person=agent, purposes=purposes, until=until, signatory=signatory, now=now)


def _organisations(now: datetime) -> None:
    have = {o.code for o in list_organisations()}
    wanted = [(d.code, OrganisationKind.DEPARTMENT, d.name) for d in load_catalogue(content_dir()).departments]
    wanted += [(code, OrganisationKind.INSTITUTION, name) for code, name in BANKS]
    wanted.append((PLATFORM[0], OrganisationKind.PLATFORM, PLATFORM[1]))
    wanted.append((NODE, OrganisationKind.NODE, "省级节点"))
    wanted += [(code, OrganisationKind.JUDICIAL, name) for code, name in OFFICES]
    codes = {code: make_uscc("91", "610000", f"MABANK00{n}") for n, (code, _) in enumerate(BANKS)}
    for code, kind, name in wanted:
        if code not in have:
            register_organisation(code, kind=kind, name=name, uscc=codes.get(code, ""), actor=ACTOR, now=now)
    for code, _ in (*BANKS, PLATFORM):
        if find_member(code) is None:
            found(code, reason="演示", actor=ACTOR, now=now)


def _clients(now: datetime) -> None:
    """A client for each, with a key file; a key file without its client is made anew."""
    for code in CLIENTS:
        client_id, path = code.replace("_", "-"), home() / "demo-clients" / f"{code.replace('_', '-')}.json"
        if find_client(client_id) is not None:
            continue
        path.unlink(missing_ok=True)
        allowed = scope_names(get_organisation(code).kind, get_template().purposes)
        add_client(
            client_id,
            organisation=code,
            name=client_id,
            jwk=new_key_file(path, client_id=client_id),
            scopes=allowed,
            allowed=allowed,
            redirect_uris=() if "deliver" in allowed else (BACK,),
            actor=ACTOR,
            now=now,
        )


def _person(
    username: str,
    name: str,
    *,
    now: datetime,
    role: Role,
    organisation: str | None = None,
    enterprise: str | None = None,
    more: list[str] | None = None,
) -> int | None:
    """The new person's number, or None when there already is one of that user name."""
    try:
        person = register_person(username, name=name, password=PASSWORD, actor=ACTOR, now=now)
    except AlreadyRegistered:
        return None
    add_member(person, role=role, organisation=organisation, enterprise=enterprise, actor=ACTOR, now=now)
    for uscc in more or ():
        add_member(person, role=role, enterprise=uscc, actor=ACTOR, now=now)
    return person
