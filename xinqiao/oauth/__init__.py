"""Machine access (机器接入): which program calls for which organisation, proved anew with every call.

Serves the demand that every use is traced to who made it (征信业管理条例, article 22), by FAPI 2.0 as the only profile:
clients authenticate with a signed assertion, tokens are bound to a key (RFC 9449), the enterprise's consent is asked
through a pushed request (RFC 9126, RFC 9396).
Verbs: add a client, add and end its keys, end it; issue, refresh, revoke, introspect and check a token; push a
request, open it, answer it.
"""
