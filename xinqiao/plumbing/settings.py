"""The settings of a node, read from the environment once, typed and documented in one place.

Every setting is one function; its docstring is the row of ``docs/reference/settings.md``.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def home() -> Path:
    """XINQIAO_HOME: folder of everything the node stores; default ``var`` beside the program."""
    folder = Path(os.environ.get("XINQIAO_HOME") or ROOT / "var").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@cache
def content_package() -> str:
    """XINQIAO_CONTENT: Python package that holds a province's content; default ``shaanxi``."""
    return os.environ.get("XINQIAO_CONTENT") or "shaanxi"


@cache
def content_dir() -> Path:
    """Folder of the content package; raises ModuleNotFoundError when the package cannot be found."""
    spec = find_spec(content_package())
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"XINQIAO_CONTENT names {content_package()!r}, which is not a package")
    return Path(next(iter(spec.submodule_search_locations)))


@cache
def database_url() -> str:
    """DATABASE_URL: ``postgresql://user:password@host:port/name``; default SQLite in XINQIAO_HOME."""
    return os.environ.get("DATABASE_URL") or f"sqlite:///{home() / 'xinqiao.sqlite3'}"


@cache
def lake_uri() -> str:
    """XINQIAO_LAKE: where credit records lie, a folder or a URI of pyarrow's file systems; default ``HOME/lake``."""
    return os.environ.get("XINQIAO_LAKE") or str(home() / "lake")


@cache
def evidence_dir() -> Path:
    """XINQIAO_EVIDENCE: folder of the public evidence log (checkpoint and tiles); default ``HOME/evidence``."""
    return Path(os.environ.get("XINQIAO_EVIDENCE") or home() / "evidence")


@cache
def keys_dir() -> Path:
    """XINQIAO_KEYS: folder of the node's private keys, readable by its user only; default ``HOME/keys``."""
    folder = Path(os.environ.get("XINQIAO_KEYS") or home() / "keys")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@cache
def pkcs11_module() -> str:
    """XINQIAO_PKCS11_MODULE: library of the hardware module (PKCS#11) in which keys are made; default none, files."""
    return os.environ.get("XINQIAO_PKCS11_MODULE") or ""


@cache
def pkcs11_tokens() -> tuple[str, ...]:
    """XINQIAO_PKCS11_TOKEN: label of the token; after commas others whose keys are still read; default xinqiao."""
    return tuple((os.environ.get("XINQIAO_PKCS11_TOKEN") or "xinqiao").split(","))


@cache
def pkcs11_pin_file() -> Path | None:
    """XINQIAO_PKCS11_PIN_FILE: file with the PIN of each token, a line each, readable by the node's user only."""
    found = os.environ.get("XINQIAO_PKCS11_PIN_FILE")
    return Path(found) if found else None


@cache
def suite() -> str:
    """XINQIAO_SUITE: ``intl`` (AES-256-GCM) or ``gm`` (SM4-GCM) for sealing personal data; default ``intl``."""
    return os.environ.get("XINQIAO_SUITE") or "intl"


@cache
def log_origin() -> str:
    """XINQIAO_LOG_ORIGIN: name of the evidence log on its checkpoints; default ``xinqiao.example/shaanxi``."""
    return os.environ.get("XINQIAO_LOG_ORIGIN") or "xinqiao.example/shaanxi"


@cache
def witnesses_file() -> Path | None:
    """XINQIAO_WITNESSES: policy file (C2SP tlog-policy) of the witnesses that cosign checkpoints; default none."""
    found = os.environ.get("XINQIAO_WITNESSES")
    return Path(found) if found else None


@cache
def tsa_file() -> Path | None:
    """XINQIAO_TSA: file of time-stamping authorities, a line each: name, URL, PEM file of its root; default none."""
    found = os.environ.get("XINQIAO_TSA")
    return Path(found) if found else None


@cache
def anchors_file() -> Path | None:
    """XINQIAO_ANCHORS: TOML file, readable by the node's user only, of the ledgers that take the log's roots."""
    found = os.environ.get("XINQIAO_ANCHORS")
    return Path(found) if found else None


@cache
def bodies_file() -> Path | None:
    """XINQIAO_BODIES: TOML file, readable by the node's user only, of notaries, commissions and courts spoken to."""
    found = os.environ.get("XINQIAO_BODIES")
    return Path(found) if found else None


@cache
def package_certificate() -> Path | None:
    """XINQIAO_PACKAGE_CERTIFICATE: PEM chain for evidence packages, own certificate first; default an own root."""
    found = os.environ.get("XINQIAO_PACKAGE_CERTIFICATE")
    return Path(found) if found else None


@cache
def sources_file() -> Path | None:
    """XINQIAO_SOURCES: TOML file, readable by the node's user only, of where connections lead; default none."""
    found = os.environ.get("XINQIAO_SOURCES")
    return Path(found) if found else None


@cache
def probe_roots() -> Path | None:
    """XINQIAO_PROBE_ROOTS: PEM file of the roots believed of platforms' certificates; default the system's."""
    found = os.environ.get("XINQIAO_PROBE_ROOTS")
    return Path(found) if found else None


@cache
def fonts_dir() -> Path | None:
    """XINQIAO_FONTS: folder with further fonts for PDF papers; default the system's fonts only."""
    found = os.environ.get("XINQIAO_FONTS")
    return Path(found) if found else None


@cache
def spark_url() -> str:
    """XINQIAO_SPARK: Spark Connect URL such as ``sc://host:15002``; empty = Sail inside the process."""
    return os.environ.get("XINQIAO_SPARK") or ""


@cache
def evaluation_rows() -> int:
    """XINQIAO_EVALUATION_ROWS: records that an evaluation has in memory at a time; default 30 million (some 6 GiB)."""
    return int(os.environ.get("XINQIAO_EVALUATION_ROWS") or 30_000_000)


@cache
def ingest_rows() -> int:
    """XINQIAO_INGEST_ROWS: rows of a delivery that are in memory at a time, the rest on disk; default 1 million."""
    return int(os.environ.get("XINQIAO_INGEST_ROWS") or 1_000_000)


@cache
def demo() -> bool:
    """XINQIAO_DEMO: 1 shows the demonstration accounts and the sample-data banner; default 0."""
    return os.environ.get("XINQIAO_DEMO") == "1"


@cache
def debug() -> bool:
    """XINQIAO_DEBUG: 1 shows technical details on error pages; never in production; default 0."""
    return os.environ.get("XINQIAO_DEBUG") == "1"


@cache
def allowed_hosts() -> tuple[str, ...]:
    """XINQIAO_HOSTS: comma-separated host names the node answers to; default loopback only."""
    return tuple((os.environ.get("XINQIAO_HOSTS") or "127.0.0.1,localhost,[::1]").split(","))


@cache
def issuer() -> str:
    """XINQIAO_ISSUER: the node's public address such as ``https://node.example``; default as each request names it."""
    return (os.environ.get("XINQIAO_ISSUER") or "").rstrip("/")


@cache
def node_code() -> str:
    """XINQIAO_NODE: this node's code in the network, as on its card; default the content package's name."""
    return os.environ.get("XINQIAO_NODE") or content_package().replace("_", "-")


@cache
def node_name() -> str:
    """XINQIAO_NODE_NAME: this node's name as other nodes show it; default its code."""
    return os.environ.get("XINQIAO_NODE_NAME") or node_code()


@cache
def node_level() -> str:
    """XINQIAO_NODE_LEVEL: where this node stands, ``nation``, ``province`` or ``city``; default province."""
    found = os.environ.get("XINQIAO_NODE_LEVEL") or "province"
    if found not in ("nation", "province", "city"):
        raise ValueError(f"XINQIAO_NODE_LEVEL is {found!r}; it must be nation, province or city")
    return found


@cache
def node_division() -> str:
    """XINQIAO_NODE_DIVISION: division code (GB/T 2260) this node serves, as on its card; default none."""
    return os.environ.get("XINQIAO_NODE_DIVISION") or ""


@cache
def federation_seconds() -> float:
    """XINQIAO_FEDERATION_SECONDS: how often the node above is asked when nothing waits; default 1 second."""
    return float(os.environ.get("XINQIAO_FEDERATION_SECONDS") or 1)


@cache
def federation_lag() -> int:
    """XINQIAO_FEDERATION_LAG: seconds an object may wait for the peer before the node raises an alarm; default 300."""
    return int(os.environ.get("XINQIAO_FEDERATION_LAG") or 300)


@cache
def behind_tls() -> bool:
    """XINQIAO_TLS: 1 when a TLS proxy stands in front, so cookies are sent over HTTPS only; default 0."""
    return os.environ.get("XINQIAO_TLS") == "1"


@cache
def second_factor() -> str:
    """XINQIAO_SECOND_FACTOR: who signs in by two factors, ``all``, ``staff`` or (trying out) ``off``; default staff."""
    found = os.environ.get("XINQIAO_SECOND_FACTOR") or "staff"
    if found not in ("all", "staff", "off"):
        raise ValueError(f"XINQIAO_SECOND_FACTOR is {found!r}; it must be all, staff or off")
    return found


@cache
def oidc_issuer() -> str:
    """XINQIAO_OIDC_ISSUER: address of the provincial portal's OpenID provider; default none, local accounts only."""
    return (os.environ.get("XINQIAO_OIDC_ISSUER") or "").rstrip("/")


@cache
def oidc_client() -> str:
    """XINQIAO_OIDC_CLIENT: this node's client at the OpenID provider; default ``xinqiao``."""
    return os.environ.get("XINQIAO_OIDC_CLIENT") or "xinqiao"


@cache
def oidc_secret_file() -> Path | None:
    """XINQIAO_OIDC_SECRET_FILE: file with the client's secret, readable by the node's user only; default none."""
    found = os.environ.get("XINQIAO_OIDC_SECRET_FILE")
    return Path(found) if found else None
