"""Anchoring (区块链存证): one root a minute on ledgers that others keep; it dates any number of entries at once.

Serves 人民法院在线诉讼规则 article 16 (data kept on a chain and technically verified is presumed unaltered since).
Verbs: take_anchors, deploy_contract. An anchor is what a time stamp is, by another kind of witness: it records no entry
of its own, and an outage of a ledger delays only its receipts.
"""
