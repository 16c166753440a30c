"""Evidence (存证): an append-only log that anyone can check without trusting the node.

Serves the policy's demand for traceable use and for evidence that notaries, arbitrators and courts accept
(人民法院在线诉讼规则, articles 16-19; 电子签名法, article 8). Verbs: record, sequence, disclose, verify.

Every change of state and every disclosure leaves one entry, written in the transaction of the act itself. A
sequencer folds entries into a Merkle tree (RFC 6962) kept as C2SP tiles and signs checkpoints. Entries hold
salted digests only, so the log can be published and a person's data can be deleted without breaking it.
"""
