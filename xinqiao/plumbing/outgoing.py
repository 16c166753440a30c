"""Calls that go straight to the address they were given: by no proxy, and not further where they are sent on."""

from __future__ import annotations

import urllib.request
from typing import Any


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


STRAIGHT = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
