"""Release (授权共享): the one gate through which enterprise data reaches anybody.

Serves the policy's hard lines: without the enterprise's authorisation no non-public information goes to a
platform, raw non-public detail does not go to an access institution, and an enterprise reads its own file for
free. The decision is a pure function over ``release.toml``; every answer and every refusal leaves evidence and
a line the enterprise can read. Verbs: decide, query, list accesses.
"""
