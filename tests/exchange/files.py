"""A source in file mode: ``python -m tests.exchange.files FOLDER``; writes slowly, the digest last, and says when.

Every line of its input is ``<name> <text of the file in hexadecimal>``; ``!<name>`` writes a digest that does not fit.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        name, _, content = line.strip().partition(" ")
        data, wrong = bytes.fromhex(content), name.startswith("!")
        path = folder / name.removeprefix("!")
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            print("half", flush=True)
            time.sleep(0.3)
            file.write(data[len(data) // 2 :])
        digest = hashlib.sha256(data + b"x" * wrong).hexdigest()
        (folder / f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n", "ascii")
        print("whole", flush=True)
