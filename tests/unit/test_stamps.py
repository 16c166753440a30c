"""Time stamps from a real process over HTTP: accepted for what they date, refused for all else, checked by OpenSSL."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.tsa_server import running_tsa
from xinqiao.evidence.stamping import post
from xinqiao.evidence.stamps import InvalidAuthorities, InvalidStamp, check_stamp, make_query, read_authorities

DATA = b"a checkpoint\n"


def test_a_stamp_dates_its_data_and_nothing_else(tmp_path: Path) -> None:
    with running_tsa(tmp_path / "one") as url, running_tsa(tmp_path / "two"):
        query = make_query(DATA)
        response = post(url, query.as_bytes())
        another = post(url, make_query(DATA).as_bytes())
    (tmp_path / "tsa").write_text(
        "# authorities\n\none http://one.example one/ca.pem\ntwo http://two.example two/ca.pem\n"
    )
    one, two = read_authorities(tmp_path / "tsa")
    assert abs(check_stamp(response, DATA, roots=one.roots, nonce=query.nonce) - datetime.now(UTC)) < timedelta(
        minutes=1
    )
    for wrong in (
        lambda: check_stamp(response, DATA + b"!", roots=one.roots),
        lambda: check_stamp(response, DATA, roots=two.roots),
        lambda: check_stamp(another, DATA, roots=one.roots, nonce=query.nonce),  # an old answer played back
        lambda: check_stamp(b"", DATA, roots=one.roots),
        lambda: check_stamp(response[:-1], DATA, roots=one.roots),
    ):
        with pytest.raises(InvalidStamp):
            wrong()


def test_openssl_verifies_the_stamp(tmp_path: Path) -> None:
    query = make_query(DATA)
    with running_tsa(tmp_path) as url:
        (tmp_path / "stamp.tsr").write_bytes(post(url, query.as_bytes()))
    (tmp_path / "stamp.tsq").write_bytes(query.as_bytes())
    (tmp_path / "data").write_bytes(DATA)
    for source in ("-queryfile stamp.tsq", "-data data"):
        command = f"openssl ts -verify {source} -in stamp.tsr -CAfile ca.pem"
        done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    (tmp_path / "data").write_bytes(DATA + b"!")
    command = "openssl ts -verify -data data -in stamp.tsr -CAfile ca.pem"
    assert subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("line", ["one", "One http://x ca.pem", "one http://x missing.pem", "a/b http://x ca.pem"])
def test_wrong_lines_of_authorities_are_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "tsa").write_text(f"\n{line}\n")
    with pytest.raises(InvalidAuthorities) as caught:
        read_authorities(tmp_path / "tsa")
    assert caught.value.problems[0].row == 2
