"""The sample platform as a process of its own: ``python -m xinqiao.probes.platform --folder DIR``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from xinqiao.probes.platform.certificates import Authority
from xinqiao.probes.platform.defects import Defect
from xinqiao.probes.platform.server import SamplePlatform


def main(arguments: Sequence[str] | None = None) -> None:
    """Answer until told to end; prints the address and the root certificate to trust first."""
    parser = argparse.ArgumentParser(prog="sample platform", description="示例平台 / a sample platform")
    parser.add_argument("--folder", type=Path, required=True, help="证书所在文件夹 / folder of its certificates")
    parser.add_argument("--port", type=int, default=0, help="端口，0 为任意 / port, 0 for any")
    parser.add_argument("--defect", action="append", default=[], choices=[str(d) for d in Defect], help="缺陷，可重复")
    given = parser.parse_args(arguments)
    defects = frozenset(map(Defect, given.defect))
    root = Authority.make(given.folder)
    certificate = root.issue(given.folder / "server.pem", defects)
    with SamplePlatform(certificate, defects, port=given.port) as server:
        sys.stdout.write(f"{server.url}\n{root.path}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
