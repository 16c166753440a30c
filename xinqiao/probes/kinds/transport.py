"""The line itself: protocol versions, certificate, and proofs that work once and only now."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from xinqiao.kernel.errors import Phrase
from xinqiao.probes.hello import VERSIONS, accepted, client_hello, is_tls
from xinqiao.probes.kinds import kind
from xinqiao.probes.session import Failed, Sandbox

DAY = 86400
LENIENT = 5  # seconds ahead that a proof is still taken (FAPI 2.0: clocks differ)


@kind(sandbox=False)
def tls_floor(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """Old versions are refused by the bytes of the protocol; a real handshake by 1.2 or 1.3 is done."""
    taken = []
    for version, name in VERSIONS.items():
        s.steps.append(f"ClientHello {name}")
        got = _first_bytes(s, version)
        if got and not is_tls(got):
            raise Failed(Phrase("端口上说的不是 TLS"))
        if accepted(got, version):
            taken.append(name)
    if taken:
        raise Failed(Phrase("服务器接受 {versions}", versions="、".join(taken)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    s.steps.append("TLS 1.2+")
    try:
        line = s.wire.secure(context)
    except ssl.SSLError as error:
        raise Failed(Phrase("TLS 1.2 以上的握手失败：{why}", why=str(error.reason or error))) from error
    spoken, cipher = line.version() or "", (line.cipher() or ("",))[0]
    s.wire.close(line)
    return Phrase("旧版本全部拒绝，以 {version}（{cipher}）握手", version=spoken, cipher=cipher)


def _first_bytes(s: Sandbox, version: int) -> bytes:
    """What a server answers to a hello; empty when it hangs up, which refuses as well."""
    line, got = s.wire.plain(), b""
    with suppress(OSError):
        line.settimeout(min(3.0, s.wire.left()))
        line.sendall(client_hello(version, host=s.target.host))
        while len(got) < 11 and (chunk := line.recv(64)):
            got += chunk
    s.wire.close(line)
    return got


@kind("days", sandbox=False)
def tls_certificate(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """The chain leads to a trusted root, the name is the host's, and it does not end within ``days``."""
    context = ssl.create_default_context(cafile=str(s.target.trusted) if s.target.trusted else None)
    s.steps.append(f"TLS {s.target.name}")
    try:
        line = s.wire.secure(context)
    except ssl.SSLCertVerificationError as error:
        raise Failed(Phrase("证书不可信：{why}", why=error.verify_message)) from error
    except ssl.SSLError as error:
        raise Failed(Phrase("握手失败：{why}", why=str(error.reason or error))) from error
    ends = ssl.cert_time_to_seconds(str((line.getpeercert() or {})["notAfter"]))
    s.wire.close(line)
    left = int((ends - time.time()) // DAY)
    until = datetime.fromtimestamp(ends, UTC).date().isoformat()
    if left < want["days"]:
        raise Failed(Phrase("证书 {until} 到期，只剩 {left} 天", until=until, left=left))
    return Phrase("证书链、域名相符，{until} 到期", until=until)


@kind()
def dpop_replay(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """The same proof sent again is refused; and so is one whose key is not the token's."""
    used = s.proof("GET", "outbox")
    s.must(200, s.call("GET", "outbox", made=used))
    again = s.call("GET", "outbox", made=used)
    if again.status != 401:
        raise Failed(Phrase("同一个 DPoP 证明第二次仍被接受（{status}）", status=again.status))
    s.must(200, s.call("GET", "outbox"))
    return Phrase("重复的证明被拒绝（401），新的证明照常")


@kind("minutes")
def clock_skew(s: Sandbox, want: Mapping[str, int]) -> Phrase:
    """A proof of some minutes ago, or of some minutes ahead, is refused; a few seconds are not held against anybody."""
    now, away = time.time(), want["minutes"] * 60
    for offset in (-away, away):
        answer = s.call("GET", "outbox", made=s.proof("GET", "outbox", iat=now + offset))
        if answer.status != 401:
            raise Failed(
                Phrase("时间相差 {minutes} 分钟的证明被接受（{status}）", minutes=offset // 60, status=answer.status)
            )
    s.must(200, s.call("GET", "outbox", made=s.proof("GET", "outbox", iat=time.time() - LENIENT)))
    return Phrase("前后相差 {minutes} 分钟的证明都被拒绝", minutes=want["minutes"])
