"""Probes (接入探测): as much of an assessment as can be run is run, against the platform, before and after admission.

Serves "security assessment and authorisation assessment, in and out" (省级实施方案：有进有出). A probe speaks the
contract of ``docs/how-to/platform-contract.md`` over real TLS and decides only from what comes back. Verbs: probe,
report, file, ask for another round; after admission at the cadence of ``probes.toml``.
"""
