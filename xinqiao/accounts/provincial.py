"""Signing in by the provincial portal: OpenID Connect, code flow with PKCE. The portal's own interface is not public;
what is here is the standard, and any provider that keeps to it will do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import OAuth
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from joserfc.errors import JoseError
from requests.exceptions import RequestException

from xinqiao.accounts.types import ProviderFailed
from xinqiao.kernel.errors import Phrase
from xinqiao.plumbing.settings import issuer, oidc_client, oidc_issuer, oidc_secret_file

# Authentication methods (RFC 8176) of which one beside the password makes two factors.
SECOND = frozenset({"mfa", "otp", "hwk", "swk", "sc", "fpt", "face"})


@dataclass(frozen=True, slots=True)
class Proved:
    """Who the provider says it was, and by how many factors."""

    issuer: str
    subject: str
    factors: int


def to_provider(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider. Raises ProviderFailed when none is set or it does not answer."""
    try:
        return _client().authorize_redirect(request, _back(request))  # type: ignore[no-any-return]
    except (AuthlibBaseError, RequestException, RuntimeError) as error:
        raise ProviderFailed(why=Phrase("统一身份认证平台没有应答")) from error


def back_from_provider(request: HttpRequest) -> Proved:
    """Whom the provider's answer names; its signature, issuer, audience, nonce and age are checked.

    Raises ProviderFailed.
    """
    try:
        token = _client().authorize_access_token(request)
        claims = token["userinfo"]
    except (AuthlibBaseError, JoseError, RequestException, RuntimeError, KeyError, ValueError) as error:
        raise ProviderFailed(why=Phrase("应答无效或已过期")) from error
    methods = set(claims.get("amr") or ())
    return Proved(claims["iss"], claims["sub"], 2 if methods & SECOND else 1)


def _back(request: HttpRequest) -> str:
    path = reverse("sign-in-provincial-back")
    return f"{issuer()}{path}" if issuer() else request.build_absolute_uri(path)


def _client() -> Any:
    if not oidc_issuer():
        raise ProviderFailed(why=Phrase("本节点没有接入统一身份认证"))
    return _registered(oidc_issuer())


@cache
def _registered(provider: str) -> Any:
    secret = oidc_secret_file()
    registry = OAuth()
    return registry.register(
        "provincial",
        client_id=oidc_client(),
        client_secret=secret.read_text("utf-8").strip() if secret else None,
        server_metadata_url=f"{provider}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid", "code_challenge_method": "S256", "timeout": 10},
    )
