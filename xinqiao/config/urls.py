"""All routes. A route's view names who may open it (``xinqiao.web.access``)."""

from __future__ import annotations

from django.urls import include, path

from xinqiao.parties.types import Role
from xinqiao.web import signing
from xinqiao.web.access import Portal
from xinqiao.web.api.v1 import endpoints as v1
from xinqiao.web.health import healthz, readyz
from xinqiao.web.oauth import consent as oauth_consent
from xinqiao.web.oauth import server as oauth
from xinqiao.web.portals import (
    admission,
    applying,
    challenges,
    federation,
    matching,
    people,
    probing,
    programs,
    quality,
    sharing,
    supervision,
)
from xinqiao.web.portals.department import views as department
from xinqiao.web.portals.enterprise import looking
from xinqiao.web.portals.enterprise import views as enterprise
from xinqiao.web.portals.institution import views as institution
from xinqiao.web.portals.judicial import views as judicial
from xinqiao.web.portals.node import doings, lists
from xinqiao.web.portals.node import views as node
from xinqiao.web.portals.public import lists as public_lists
from xinqiao.web.portals.public import members
from xinqiao.web.portals.public import views as public

urlpatterns = [
    path("", public.home, name="home"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("sign-in/", signing.sign_in, name="sign-in"),
    path("sign-in/code/", signing.code, name="sign-in-code"),
    path("sign-in/provincial/", signing.provincial, name="sign-in-provincial"),
    path("sign-in/provincial/back/", signing.provincial_back, name="sign-in-provincial-back"),
    path("sign-out/", signing.sign_out, name="sign-out"),
    path("choose/", signing.choose, name="choose"),
    path("account/", signing.account, name="account"),
    path("account/password/", signing.password, name="account-password"),
    path("account/second-factor/", signing.factor, name="account-factor"),
    path("account/unlink/", signing.unlink, name="account-unlink"),
    path("care/", public.care, name="care"),
    path("catalogue/", public.catalogue, name="catalogue"),
    path("list/", public_lists.versions, name="list-versions"),
    path("list/<int:number>.json", public_lists.signed, name="list-signed"),
    path("on-time/", public_lists.table, name="on-time"),
    path("on-time.csv", public_lists.table_file, name="on-time-file"),
    path("catalogue/<str:code>/", public.item, name="item"),
    path("catalogue/<str:code>/template.xlsx", public.template, name="template"),
    path("guideline/", public.guideline, name="guideline"),
    path("guideline.json", public.guideline_file, {"form": "json"}, name="guideline-json"),
    path("guideline.md", public.guideline_file, {"form": "md"}, name="guideline-md"),
    path("members/", members.members, name="members"),
    path("evidence/", public.evidence, name="evidence"),
    path("docs/errors", public.errors, name="errors"),
    path("log/<path:path>", public.log_file, name="log-file"),
    path("enterprise/", enterprise.home, name="enterprise-home"),
    path("enterprise/report/", enterprise.report, name="enterprise-report"),
    path("enterprise/authorisations/", enterprise.authorisations, name="enterprise-authorisations"),
    path(
        "enterprise/authorisations/<str:authorisation_id>/", enterprise.authorisation, name="enterprise-authorisation"
    ),
    path(
        "enterprise/authorisations/<str:authorisation_id>/receipt.json",
        enterprise.authorisation_receipt,
        name="enterprise-authorisation-receipt",
    ),
    path(
        "enterprise/authorisations/<str:authorisation_id>/receipt.pdf",
        enterprise.authorisation_paper,
        name="enterprise-authorisation-paper",
    ),
    path("enterprise/agents/<int:person>/", enterprise.power, name="enterprise-power"),
    path("enterprise/requests/<str:request_id>/invite/", enterprise.invite_again, name="enterprise-invite"),
    path("enterprise/authorisations/<str:authorisation_id>/withdraw/", enterprise.withdraw, name="enterprise-withdraw"),
    path("enterprise/requests/<str:request_id>/", oauth_consent.decide, name="enterprise-decide"),
    path("enterprise/accesses/", looking.accesses, name="enterprise-accesses"),
    path("enterprise/accesses/bundle.zip", looking.bundle, name="enterprise-bundle"),
    path("enterprise/accesses/<str:access_id>/", looking.access, name="enterprise-access"),
    path("enterprise/notices/", looking.notices, name="enterprise-notices"),
    path("enterprise/preview/", looking.preview_page, name="enterprise-preview"),
    path("enterprise/accesses/<str:access_id>/receipt.json", looking.access_receipt, name="enterprise-access-receipt"),
    path("enterprise/oauth/", oauth_consent.ask, name="enterprise-oauth"),
    path(".well-known/oauth-authorization-server", oauth.metadata, name="oauth-metadata"),
    path("oauth/authorise", oauth_consent.authorise, name="oauth-authorise"),
    path("oauth/par", oauth.par, name="oauth-par"),
    path("oauth/token", oauth.token, name="oauth-token"),
    path("oauth/revoke", oauth.revocation, name="oauth-revoke"),
    path("oauth/introspect", oauth.introspection, name="oauth-introspect"),
    path("institution/", institution.home, name="institution-home"),
    path("institution/find/", institution.find, name="institution-find"),
    path("institution/enterprises/<str:uscc>/", institution.enterprise, name="institution-enterprise"),
    path("institution/enterprises/<str:uscc>/ask/", institution.ask, name="institution-ask"),
    path("institution/enterprises/<str:uscc>/report/", institution.report, name="institution-report"),
    path("institution/requests/", institution.requests, name="institution-requests"),
    path("institution/requests/<str:request_id>/cancel/", institution.cancel, name="institution-cancel"),
    path("institution/accesses/", institution.accesses, name="institution-accesses"),
    path("institution/challenges/", challenges.institution, name="institution-challenges"),
    path("institution/admission/", applying.home, name="institution-admission"),
    path("institution/admission/<str:section>/", applying.section, name="institution-section"),
    path("institution/evidence/<str:evidence>/", applying.evidence, name="institution-evidence"),
    path("institution/probes/", probing.own, name="institution-probes"),
    path("institution/probe-reports/<str:report>/", probing.own_report, name="institution-probe-report"),
    path("institution/freezes/", supervision.own, name="institution-freezes"),
    path("institution/freezes/<str:freeze>/appeal/", supervision.appeal, name="institution-appeal"),
    path("department/", department.home, name="department-home"),
    path("department/upload/<str:code>/", department.upload, name="department-upload"),
    path("department/deliveries/", department.deliveries, name="department-deliveries"),
    path("department/deliveries/<str:delivery>/", department.delivery, name="department-delivery"),
    path("department/deliveries/<str:delivery>/annotated/", department.annotated, name="department-annotated"),
    path("department/deliveries/<str:delivery>/undo/", department.undo, name="department-undo"),
    *quality.routes(Portal.DEPARTMENT, Role.CLERK, Role.OPERATOR),
    path("department/matching/", matching.department_list, name="department-matches"),
    path("department/matching/<int:match>/", matching.department_row, name="department-match"),
    path("node/list/", sharing.sharing_list, name="node-list"),
    path("node/list/files.zip", sharing.files, name="node-list-files"),
    path("node/list/<str:proposal>/", sharing.proposal, name="node-list-proposal"),
    path("node/", node.home, name="node-home"),
    path("node/matching/", matching.node_list, name="node-matches"),
    path("node/matching/<int:match>/", matching.node_row, name="node-match"),
    path("node/subjects/", matching.subject, name="node-subject"),
    path("node/sources/", node.sources, name="node-sources"),
    *quality.routes(Portal.NODE, Role.OPERATOR),
    path("node/runs/", node.runs, name="node-runs"),
    path("node/challenges/", challenges.node, name="node-challenges"),
    path("node/enterprises/", node.find, name="node-find"),
    path("node/lists/", lists.enterprises, name="node-lists"),
    path("node/admission/", admission.board, name="node-admission"),
    path("node/applicants/", admission.register, name="node-applicant"),
    path("node/admission/<str:organisation>/", admission.member, name="node-member"),
    path("node/admission/<str:organisation>/probes/", probing.member, name="node-probes"),
    path("node/admission/<str:organisation>/probes/again/", probing.again, name="node-probe-again"),
    path("node/probe-reports/<str:report>/", probing.report, name="node-probe-report"),
    path("node/evidence/<str:evidence>/", admission.evidence, name="node-evidence"),
    path("node/accesses/", node.accesses, name="node-accesses"),
    path("node/supervision/", supervision.alerts, name="node-supervision"),
    path("node/supervision/alerts/<int:alert>/", supervision.alert, name="node-alert"),
    path("node/supervision/freezes/<str:freeze>/", supervision.freeze, name="node-freeze"),
    path("node/federation/", federation.board, name="node-federation"),
    path("node/federation/card.json", federation.card, name="node-card"),
    path("node/federation/held/<int:held>/", federation.held, name="node-held"),
    path("node/federation/links/<str:peer>/", federation.link, name="node-link"),
    path("node/doings/", doings.doings, name="node-doings"),
    path("judicial/", judicial.home, name="judicial-home"),
    *[route for portal in Portal for route in people.routes(portal)],
    *[route for portal in (Portal.INSTITUTION, Portal.DEPARTMENT, Portal.NODE) for route in programs.routes(portal)],
    path("api/v1/", v1.api.urls),
]
