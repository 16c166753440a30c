"""Clients, their keys, grants and tokens as the rest of the system sees them; events and refusals. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Problem, Refused
from xinqiao.parties.types import OrganisationFacts


class GrantKind(StrEnum):
    """By what a client has got its tokens."""

    CLIENT = "client_credentials"  # in its organisation's own name
    CONSENT = "authorization_code"  # by an enterprise that agreed on the node's page

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"client_credentials": "以机构自身名义", "authorization_code": "经企业当面同意"}[self]


class TokenKind(StrEnum):
    """What a token opens: the API, or the token endpoint."""

    ACCESS = "access"
    REFRESH = "refresh"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"access": "访问令牌", "refresh": "刷新令牌"}[self]


class PushedState(StrEnum):
    """Where a pushed request stands."""

    PUSHED = "pushed"
    OPENED = "opened"  # its address was used, once
    ASKED = "asked"  # the enterprise has it before its eyes
    GRANTED = "granted"  # a code was handed out
    REFUSED = "refused"
    REDEEMED = "redeemed"  # the code was exchanged

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "pushed": "已推送",
            "opened": "已打开",
            "asked": "待企业决定",
            "granted": "企业已同意",
            "refused": "企业未同意",
            "redeemed": "已换取令牌",
        }[self]


@dataclass(frozen=True, slots=True)
class ClientKeyFacts:
    """A public key of a client. ``thumbprint`` is that of RFC 7638; ``ended_at`` None = in use."""

    kid: str
    thumbprint: str
    jwk: Mapping[str, str]
    added_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """A program of an organisation: what it may ask for and where a browser may be sent back to.

    ``frozen`` is the number of the case that stops it, empty when none does.
    """

    client_id: str
    name: str
    organisation: OrganisationFacts
    scopes: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    keys: tuple[ClientKeyFacts, ...]
    added_at: datetime
    ended_at: datetime | None
    frozen: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who authenticated at an endpoint of the authorisation server: the client, and by which of its keys."""

    client: ClientFacts
    key: ClientKeyFacts


@dataclass(frozen=True, slots=True)
class Wire:
    """One HTTP call as proofs speak of it: method, address without query, the ``DPoP`` header lines."""

    method: str
    url: str
    proofs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A token in force. ``jkt`` is the thumbprint of the key it is bound to, ``details`` what the enterprise agreed to
    (RFC 9396; empty for a grant in the organisation's own name), ``authorisation`` its number."""

    client_id: str
    organisation: OrganisationFacts
    grant: str
    kind: GrantKind
    use: TokenKind
    scopes: tuple[str, ...]
    details: tuple[Mapping[str, Any], ...]
    authorisation: str
    jkt: str
    issued_at: datetime
    expires_at: datetime
    frozen: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens as handed out, this once: their texts are kept nowhere. ``refresh`` is empty where there is none."""

    access: str
    refresh: str
    facts: TokenFacts


@dataclass(frozen=True, slots=True)
class PushedFacts:
    """What a platform pushed. ``request`` is the number of the consent request made of it, empty until there is one."""

    reference: str
    client: ClientFacts
    state: PushedState
    redirect_uri: str
    client_state: str
    details: Mapping[str, Any]
    pushed_at: datetime
    request: str


CLIENT_ADDED = Event("oauth.client_added", "登记客户端", "client added")
CLIENT_FROZEN = Event("oauth.client_frozen", "冻结客户端", "client frozen")
CLIENT_UNFROZEN = Event("oauth.client_unfrozen", "解冻客户端", "client unfrozen")
CLIENT_ENDED = Event("oauth.client_ended", "终止客户端", "client ended")
KEY_ADDED = Event("oauth.key_added", "登记客户端密钥", "client key added")
KEY_ENDED = Event("oauth.key_ended", "终止客户端密钥", "client key ended")
TOKEN_ISSUED = Event("oauth.token_issued", "签发令牌", "token issued")
GRANT_ENDED = Event("oauth.grant_ended", "终止令牌", "tokens ended")
REQUEST_PUSHED = Event("oauth.request_pushed", "推送授权请求", "authorisation request pushed")
REQUEST_OPENED = Event("oauth.request_opened", "打开推送的请求", "pushed request opened")
REQUEST_ASKED = Event("oauth.request_asked", "转为企业授权请求", "pushed request put before the enterprise")
CODE_ISSUED = Event("oauth.code_issued", "签发授权码", "authorisation code issued")
REQUEST_REFUSED = Event("oauth.request_refused", "推送的请求未获同意", "pushed request refused")


class OAuthRefused(Refused):
    """A refusal of the authorisation server. ``error`` is its code in OAuth 2.0; data: ``why``, an English sentence.

    RFC 6749 (5.2) allows ASCII only in ``error_description``, so the reason is English whatever the reader's language.
    """

    code = "oauth.refused"
    title = "授权服务器拒绝了请求"
    next_step = "请按返回的 error 和 error_description 修改请求"
    error: ClassVar[str] = "invalid_request"


class InvalidRequest(OAuthRefused):
    """A parameter is missing, repeated, too long or of the wrong form."""

    code = "oauth.invalid_request"
    title = "请求的参数缺失、重复或格式不对"
    next_step = "请按“接入客户端”手册核对参数"


class InvalidClient(OAuthRefused):
    """The client is unknown, ended, or did not prove who it is."""

    code = "oauth.invalid_client"
    title = "无法确认客户端的身份"
    clause = "每次使用须可追溯到使用者（征信业管理条例第二十二条）"
    next_step = "请用登记的私钥签名 client_assertion；密钥停用或客户端终止的，请联系节点运行人员"
    error = "invalid_client"


class ClientFrozen(OAuthRefused):
    """The client is stopped by a case of supervision until that is lifted; data: ``case``."""

    code = "oauth.client_frozen"
    title = "客户端已被冻结（{case}）"
    clause = "不得非法获取、传播、泄露、出售企业信用信息（省级实施方案：监管）"
    next_step = "请由机构人员登录机构门户，在“冻结与申诉”中查看理由并提出申诉"
    error = "unauthorized_client"


class InvalidGrant(OAuthRefused):
    """The code or refresh token is wrong, used, ended, or belongs to another client."""

    code = "oauth.invalid_grant"
    title = "授权码或刷新令牌无效"
    next_step = "请重新发起授权"
    error = "invalid_grant"


class UnsupportedGrant(OAuthRefused):
    """There is no such grant type."""

    code = "oauth.unsupported_grant_type"
    title = "不支持这种授权方式"
    next_step = "可用：client_credentials、authorization_code、refresh_token"
    error = "unsupported_grant_type"


class InvalidScope(OAuthRefused):
    """A scope is unknown, or not among those of the client."""

    code = "oauth.invalid_scope"
    title = "请求的范围超出该客户端登记的范围"
    next_step = "请缩小范围，或请节点运行人员变更登记"
    error = "invalid_scope"


class InvalidProof(OAuthRefused):
    """The DPoP proof is missing or wrong (RFC 9449)."""

    code = "oauth.invalid_dpop_proof"
    title = "DPoP 证明缺失或无效"
    next_step = "请为每次请求新签一个 DPoP 证明"
    error = "invalid_dpop_proof"


class NonceNeeded(OAuthRefused):
    """The proof lacks the server's current nonce; the answer carries it."""

    code = "oauth.use_dpop_nonce"
    title = "DPoP 证明须包含服务器给出的 nonce"
    next_step = "请用 DPoP-Nonce 响应头中的值重签后再试"
    error = "use_dpop_nonce"


class InvalidToken(OAuthRefused):
    """The access token is missing, unknown, expired, ended, or bound to another key."""

    code = "oauth.invalid_token"
    title = "访问令牌无效、过期或已撤销"
    next_step = "请重新获取令牌，以 Authorization: DPoP 令牌 和 DPoP 证明两个请求头调用"
    error = "invalid_token"


class InsufficientScope(OAuthRefused):
    """The token was not issued for this; data: ``scope``."""

    code = "oauth.insufficient_scope"
    title = "令牌的范围不包括“{scope}”"
    clause = "按登记的用途使用；超出用途须另行授权"
    next_step = "请获取包含该范围的令牌"
    error = "insufficient_scope"


class BeyondDetails(OAuthRefused):
    """The enterprise agreed to something else; data: ``field``."""

    code = "oauth.beyond_details"
    title = "企业同意的内容不包括这次查询（{field}）"
    clause = "每次查询不得超出企业授权的对象、用途、数据项和形式"
    next_step = "请按令牌中的 authorization_details 查询"
    error = "insufficient_scope"


class InvalidDetails(Invalid):
    """``authorization_details`` asks for what cannot be agreed to; every fault is named."""

    code = "oauth.invalid_authorization_details"
    title = "authorization_details 有 {count} 处不符合要求"
    next_step = "请按下列说明修改后重新推送"
    error: ClassVar[str] = "invalid_authorization_details"

    def __init__(self, problems: Iterable[Problem] = (), **data: Any) -> None:
        super().__init__(problems, **data)


class InvalidRegistration(Invalid):
    """A client or key cannot be registered as given; every fault is named."""

    code = "oauth.invalid_registration"
    title = "客户端登记有 {count} 处不符合要求"
    next_step = "请按下列说明修改后重新登记"


class ClientNotFound(NotFound):
    """There is no such client or key; data: ``client``."""

    code = "oauth.client_not_found"
    title = "没有登记客户端或密钥 {client}"


class ClientExists(Refused):
    """The client_id or key is already registered; data: ``client``."""

    code = "oauth.client_exists"
    title = "客户端或密钥 {client} 已经登记"
    next_step = "请换一个 client_id，或为已有客户端更换密钥"
    status = 409


class LinkSpent(Refused):
    """The address of a pushed request was used before, has expired, or was never given to this browser."""

    code = "oauth.link_spent"
    title = "这个授权链接已使用或已过期"
    next_step = "请回到融资平台重新发起"
    status = 409


class WrongEnterprise(Refused):
    """The person acts for another enterprise than the platform asked about; data: ``enterprise``."""

    code = "oauth.wrong_enterprise"
    title = "融资平台请求的是另一家企业的授权"
    clause = "授权须由企业自己的负责人或受托经办人作出"
    next_step = "请切换到该企业的身份后重新打开，或回到融资平台核对企业"
