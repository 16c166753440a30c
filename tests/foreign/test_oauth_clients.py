"""Two clients that nobody here wrote go through the whole of machine access against a running node.

npm ``openid-client`` and PyPI ``requests_oauth2client``: token in their own name, pushed request, the owner's consent
in a browser's stead over HTTP, token for a report, refresh, revocation, refusal. What they find wrong, a bank would.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest
import requests
from requests_oauth2client import DPoPToken, OAuth2Client, PrivateKeyJwt
from requests_oauth2client.dpop import MissingDPoPNonce

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).parent / "oauth"
INSTALLED = ROOT / ".tools" / "foreign-oauth"
BACK = "http://127.0.0.1:8765/back"
PASSWORD = "xinqiao-demo"

pytestmark = [pytest.mark.slow]


@dataclass(frozen=True, slots=True)
class Running:
    """A running node: its address, its folder, and the firms of its sample province that ``owner`` acts for."""

    address: str
    home: Path
    firm: str

    def key_file(self, client_id: str) -> Path:
        """The key file of a demonstration client."""
        return self.home / "demo-clients" / f"{client_id}.json"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`xinqiao start --once`, then granian on a free port."""
    home, port = tmp_path_factory.mktemp("node"), _free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XINQIAO_", "DATABASE_URL"))}
    environment |= {
        "XINQIAO_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "XINQIAO_DEMO": "1",
        "XINQIAO_SECOND_FACTOR": "off",
    }
    program = [sys.executable, "-m", "xinqiao.config.cli"]
    made = subprocess.run(
        [*program, "start", "--once", "--firms", "60"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    firm = json.loads((home / "sample" / "manifest.json").read_text("utf-8"))["demo_firms"][0]["uscc"]
    with (home / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [*program, "serve", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(port, process, home / "serve.log")
        yield Running(f"http://127.0.0.1:{port}", home, firm)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            pytest.fail(f"the node did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
            return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    pytest.fail("the node did not answer within a minute")


@pytest.fixture(scope="module")
def script() -> Path:
    """The npm client beside its packages, installed once by its lock file."""
    npm = shutil.which("npm")
    assert npm, "Node.js is not installed: apt-get install nodejs npm"
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "client.mjs"):
        shutil.copyfile(SCRIPT / name, INSTALLED / name)
    lock = (SCRIPT / "package-lock.json").read_text("utf-8")
    mark = INSTALLED / "installed"
    if not mark.exists() or mark.read_text("utf-8") != lock:
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=INSTALLED, check=True, capture_output=True)
        mark.write_text(lock, "utf-8")
    return INSTALLED / "client.mjs"


def details(firm: str, purpose: str, reason: str) -> dict[str, Any]:
    """What the platform asks the enterprise to agree to."""
    return {
        "type": "credit_query", "enterprise": firm, "purpose": purpose, "items": ["tax.payment", "tax.credit_rating"],
        "form": "report", "period": 30, "times": 3, "reason": reason,
    }  # fmt: skip


class _Stop(urllib.request.HTTPRedirectHandler):
    """Redirects are followed as long as they stay on the node; the way back to the platform is what is wanted."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if newurl.startswith(BACK):
            raise _Back(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Back(Exception):
    """The browser was sent back to this address."""


def consent(address: str, *, answer: str = "grant") -> str:
    """The owner follows the link, signs in, reads, decides; where the browser is sent back to."""
    browser = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), _Stop(), urllib.request.ProxyHandler({})
    )
    try:
        url, page = _get(browser, address)
        if "/sign-in/" in url:
            url, page = _post(browser, url, page, {"username": "owner", "password": PASSWORD})
        if "/choose/" in url:
            chosen = re.findall(r'name="membership" value="(\d+)"', page)[0]
            _post(browser, url, page, {"membership": chosen})
            url, page = _get(browser, urljoin(address, "/enterprise/oauth/"))
        assert "/enterprise/requests/" in url, (url, page[-1500:])
        _post(browser, url, page, {"answer": answer, **_hidden(page, "digest"), **_hidden(page, "locale")})
    except _Back as back:
        return str(back)
    pytest.fail("the browser was not sent back")


def _get(browser: Any, url: str) -> tuple[str, str]:
    with browser.open(url, timeout=30) as answer:
        return answer.url, answer.read().decode("utf-8")


def _post(browser: Any, url: str, page: str, form: dict[str, str]) -> tuple[str, str]:
    fields = form | _hidden(page, "csrfmiddlewaretoken") | _hidden(page, "next")
    with browser.open(url, data=urlencode(fields).encode(), timeout=30) as answer:
        return answer.url, answer.read().decode("utf-8")


def _hidden(page: str, name: str) -> dict[str, str]:
    """The value of the last hidden field of that name: the forms of the page's head come first."""
    found = re.findall(rf'name="{name}" value="([^"]*)"', page)
    return {name: found[-1]} if found else {}


def test_openid_client_completes_every_flow(running: Running, script: Path) -> None:
    """The platform of the demonstration, by the client library of JavaScript."""
    wanted = details(running.firm, "approval", "loan application A-1")
    command = ["node", script.name, running.address, str(running.key_file("platform-demo")), json.dumps([wanted])]
    with subprocess.Popen(
        command, cwd=script.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin and program.stdout and program.stderr
        address = program.stdout.readline().strip()
        if not address:
            pytest.fail(program.stderr.read())
        out, err = program.communicate(consent(address) + "\n", timeout=60)
    assert program.returncode == 0, err
    found = json.loads(out)
    assert found["own"] == {"type": "dpop", "scope": "accesses", "accesses": 200}
    assert found["details"][0] == wanted | {"authorisation": found["details"][0]["authorisation"]}
    assert found["report"]["status"] == 200, found
    assert found["refreshed"] == {"rotated": True, "same": True}
    assert (found["active"], found["activeAfter"], found["statusAfter"]) == (True, False, 401)


def test_requests_oauth2client_completes_every_flow(running: Running) -> None:
    """The bank of the demonstration, by a client library of Python."""
    held = json.loads(running.key_file("bank-demo").read_text("utf-8"))
    metadata = requests.get(f"{running.address}/.well-known/oauth-authorization-server", timeout=10).json()
    names = ("authorization", "token", "pushed_authorization_request", "revocation", "introspection")
    client = OAuth2Client(
        **{f"{name}_endpoint": metadata[f"{name}_endpoint"] for name in names},
        auth=PrivateKeyJwt(held["client_id"], held["key"], alg="ES256", aud=metadata["issuer"]),
        redirect_uri=BACK,
        issuer=metadata["issuer"],
        authorization_response_iss_parameter_supported=True,
        dpop_bound_access_tokens=True,
        testing=True,
    )
    own = client.client_credentials(scope="accesses")
    assert isinstance(own, DPoPToken)
    assert requests.get(f"{running.address}/api/v1/accesses", auth=own, timeout=10).status_code == 200

    wanted = details(running.firm, "pre_loan", "loan application B-2")
    asked = client.authorization_request(
        scope="credit:pre_loan", authorization_details=json.dumps([wanted]), dpop=True, validate_callback=True
    )
    pushed = client.pushed_authorization_request(asked)
    token = client.authorization_code(asked.validate_callback(consent(str(pushed))))
    [agreed] = token.authorization_details
    assert agreed == wanted | {"authorisation": agreed["authorisation"]}

    def read() -> requests.Response:
        body = {"enterprise": running.firm, "purpose": "pre_loan", "form": "report"}
        headers = {"Idempotency-Key": os.urandom(8).hex()}
        address = f"{running.address}/api/v1/reports"
        return requests.post(address, json=body, headers=headers, auth=token, timeout=30)

    answer = read()
    assert answer.status_code == 200, answer.text
    assert answer.json()["document"]["items"]
    refreshed = client.refresh_token(token)
    assert client.introspect_token(refreshed.access_token)["active"] is True
    assert client.revoke_refresh_token(refreshed.refresh_token) is True
    assert client.revoke_refresh_token(refreshed.refresh_token) is True
    assert client.introspect_token(refreshed.access_token)["active"] is False
    # This client takes every 401 of a DPoP resource for a demand for a nonce; ours says invalid_token and sends none.
    with pytest.raises(MissingDPoPNonce) as refused:
        read()
    assert refused.value.response.status_code == 401
    assert refused.value.response.json()["code"] == "oauth.invalid_token"


def test_the_command_line_calls_the_api(running: Running) -> None:
    """``xinqiao call`` with a demonstration key file, as the front page of the manual shows it."""
    command = [sys.executable, "-m", "xinqiao.config.cli", "call", "GET", "/api/v1/accesses", "--server"]
    command += [running.address, "--client", str(running.key_file("bank-demo"))]
    environment = os.environ | {"XINQIAO_HOME": str(running.home)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "rows" in json.loads(run.stdout)
