"""The witness as a program of its own: ``python -m xinqiao.evidence.witness_server``, on the standard library alone.

Run it on a machine that the node's operator does not control; that is its whole worth.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from xinqiao.evidence.notes import COSIGNATURE, LogKey, NoteSigner
from xinqiao.evidence.witness import TEXT, Answer, Witness
from xinqiao.kernel.crypto import SigningKey

log = logging.getLogger(__name__)

LONGEST_BODY = 64 * 1024
KEY_FILE = "witness.key"
IDLE_SECONDS = 30


def witness_key(folder: Path, *, name: str) -> NoteSigner:
    """The witness's own key, made on first use in its own folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / KEY_FILE).exists():
        with suppress(FileExistsError):
            SigningKey.generate().save(folder / KEY_FILE)
    return NoteSigner(name, SigningKey.load(folder / KEY_FILE), COSIGNATURE)


def server_of(witness: Witness, *, host: str, port: int) -> ThreadingHTTPServer:
    """An HTTP server that answers for a witness; port 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = IDLE_SECONDS

        def do_GET(self) -> None:
            self._send(Answer(200, witness.signer.public.vkey + "\n") if self.path == "/vkey" else Answer(404, "\n"))

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != "/add-checkpoint" or not length.isdigit() or int(length) > LONGEST_BODY:
                self.close_connection = True
                self._send(Answer(404 if self.path != "/add-checkpoint" else 400, "\n"))
                return
            answer = witness.add_checkpoint(self.rfile.read(int(length)), seconds=int(time.time()))
            if answer.status not in (200, 409):
                log.warning("refused %s: %s", answer.status, answer.body.strip())
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.type or TEXT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            log.debug(format, *args)

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    return server


def serve(folder: Path, *, name: str, logs: Sequence[str], host: str, port: int) -> None:
    """Answer until told to end; prints the witness's own vkey first. Raises InvalidNote for a bad key of a log."""
    signer = witness_key(folder, name=name)
    witness = Witness(folder / "state", signer=signer, logs=[LogKey.parse(vkey) for vkey in logs])
    with server_of(witness, host=host, port=port) as server:
        sys.stdout.write(f"{signer.public.vkey}\nhttp://{host}:{server.server_address[1]}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="xinqiao witness", description="见证人 / a witness of evidence logs")
    parser.add_argument("--folder", type=Path, required=True, help="见证人自己的目录 / folder of the witness alone")
    parser.add_argument("--name", required=True, help="见证人名称 / name, such as notary.example/w1")
    parser.add_argument("--log", action="append", required=True, help="日志公钥 / vkey of a log; may be repeated")
    parser.add_argument("--listen", default="127.0.0.1:8765", help="地址 / host:port")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    host, _, port = given.listen.rpartition(":")
    serve(given.folder, name=given.name, logs=given.log, host=host, port=int(port))


if __name__ == "__main__":
    main()
