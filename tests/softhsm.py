"""Tokens of SoftHSM2 in a folder of a test's own, and a node that keeps its keys in them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from xinqiao.plumbing import settings as node
from xinqiao.plumbing.key_store import _store

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
MODULE = next((path for path in MODULES if Path(path).exists()), "")
PIN = "a-user-pin-9137"
SETTINGS = (node.pkcs11_module, node.pkcs11_tokens, node.pkcs11_pin_file, node.suite, _store)

needs_softhsm = pytest.mark.skipif(not MODULE, reason="softhsm2 is not installed (./check installs it)")


def make_token(label: str, *, pin: str = PIN) -> None:
    """A new token in the folder that SOFTHSM2_CONF names."""
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "so-" + pin, "--pin", pin]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def softhsm(folder: Path, monkeypatch: pytest.MonkeyPatch, *labels: str) -> Iterator[Path]:
    """Tokens of these labels, the first of which is the node's; gives the PIN file. Nothing is left behind."""
    import pkcs11

    (folder / "tokens").mkdir(parents=True)
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(conf))
    for label in labels:
        make_token(label)
    pins = folder / "pins"
    pins.write_text(f"{PIN}\n" * len(labels))
    pins.chmod(0o600)
    known = pkcs11._loaded.get(MODULE)
    if known is not None:
        known.reinitialize()  # reads its configuration again
    use_tokens(monkeypatch, pins, *labels)
    try:
        yield pins
    finally:
        forget_settings()


def use_tokens(monkeypatch: pytest.MonkeyPatch, pins: Path, *labels: str) -> None:
    """Let the node keep its keys in the first of these tokens and read those of the others; none = files."""
    if labels:
        monkeypatch.setenv("XINQIAO_PKCS11_MODULE", MODULE)
    else:
        monkeypatch.delenv("XINQIAO_PKCS11_MODULE", raising=False)
    monkeypatch.setenv("XINQIAO_PKCS11_TOKEN", ",".join(labels))
    monkeypatch.setenv("XINQIAO_PKCS11_PIN_FILE", str(pins))
    forget_settings()


def forget_settings() -> None:
    """The next use reads the environment again and opens sessions of its own."""
    from xinqiao.plumbing.tokens import TokenKeys

    for token in list(TokenKeys._all):
        token.forget()
    for cached in SETTINGS:
        cached.cache_clear()


def child(program: str) -> subprocess.Popen[str]:
    """Another process with this test's environment."""
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
