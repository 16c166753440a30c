"""A sample platform that speaks the contract: a process of its own, honest unless a defect is switched on.

``python -m xinqiao.probes.platform --folder DIR [--port N] [--defect NAME]``: for whoever builds a platform to read and
to try the probes against, and for the tests of the probes. It needs no database and no Django.
"""
