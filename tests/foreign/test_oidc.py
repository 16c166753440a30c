"""The provincial portal signs people in: by an OpenID provider that nobody here wrote, running as its own process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from django.test import Client

from tests.foreign.test_oauth_clients import INSTALLED, SCRIPT, _free_port, script  # noqa: F401
from tests.web.conftest import PASSWORD, Town, town  # noqa: F401
from xinqiao.accounts import provincial
from xinqiao.evidence.queries import list_entries
from xinqiao.plumbing import settings as node

BACK = "http://testserver/sign-in/provincial/back/"
pytestmark = [pytest.mark.slow, pytest.mark.sqlite]


@pytest.fixture
def provider(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:  # noqa: F811
    """The running provider, which this node is told of; returns its address."""
    port, secret = _free_port(), tmp_path / "secret"
    secret.write_text("a secret of at least thirty-two characters", "utf-8")
    shutil.copyfile(SCRIPT / "provider.mjs", INSTALLED / "provider.mjs")
    command = [shutil.which("node") or "node", "provider.mjs", str(port), BACK, secret.read_text("utf-8")]
    process = subprocess.Popen(
        command,
        cwd=INSTALLED,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("ready"):
                break
        assert lines and lines[-1].startswith("ready"), "".join(lines)
        monkeypatch.setenv("XINQIAO_OIDC_ISSUER", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("XINQIAO_OIDC_SECRET_FILE", str(secret))
        _forget()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()
        _forget()


def _forget() -> None:
    for cached in (node.oidc_issuer, node.oidc_secret_file, provincial._registered):
        cached.cache_clear()


def proved(browser: Client, login: str) -> Any:
    """Go to the provider, log in there, agree, come back: the answer of this node."""
    there = browser.get("/sign-in/provincial/")
    assert there.status_code == 302
    session = requests.Session()
    answer = session.get(there["Location"], allow_redirects=False)
    for _ in range(12):
        if answer.status_code in (302, 303):
            address = urljoin(answer.url, answer.headers["Location"])
            if address.startswith(BACK):
                return browser.get(address)
            answer = session.get(address, allow_redirects=False)
            continue
        form = re.findall(r'<form[^>]*action="([^"]+)"', answer.text)
        prompt = re.findall(r'name="prompt" value="(\w+)"', answer.text)
        values = {"prompt": prompt[0], "login": login, "password": "x"}
        answer = session.post(urljoin(answer.url, form[0]), data=values, allow_redirects=False)
    raise AssertionError(answer.text)


def test_an_identity_is_linked_once_and_signs_in_from_then_on(town: Town, provider: str) -> None:  # noqa: F811
    stranger = Client()
    refused = proved(stranger, "610102-chen")
    assert refused.status_code == 403 and "accounts.identity_not_linked" in refused.content.decode()
    owner = Client()
    owner.post("/sign-in/", {"username": "owner", "password": PASSWORD})
    assert proved(owner, "610102-chen")["Location"] == "/account/"
    assert provider in owner.get("/account/").content.decode()
    again = Client()
    assert proved(again, "610102-chen")["Location"] == "/"
    assert again.get("/enterprise/").status_code == 200
    assert [e.body["how"] for e in list_entries(event="accounts.signed_in", limit=1)] == [provider]
    owner.post("/account/unlink/")
    assert proved(Client(), "610102-chen").status_code == 403


def test_an_answer_that_is_not_the_providers_signs_nobody_in(town: Town, provider: str) -> None:  # noqa: F811
    """Without having asked, with another's state, with a code that is none."""
    browser = Client()
    for query in ("", "?code=x&state=y", "?error=access_denied&state=y"):
        answer = browser.get(f"/sign-in/provincial/back/{query}")
        assert answer.status_code == 403 and "accounts.provider_failed" in answer.content.decode()
    assert browser.get("/enterprise/").status_code == 302


def test_a_provider_that_is_down_is_said_so(town: Town, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("XINQIAO_OIDC_ISSUER", f"http://127.0.0.1:{_free_port()}")
    _forget()
    answer = Client().get("/sign-in/provincial/")
    assert answer.status_code == 403 and "accounts.provider_failed" in answer.content.decode()
