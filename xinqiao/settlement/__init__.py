"""Settlement (公证仲裁诉讼): what is owed is notarised, arbitrated or sued for online, and what came of it returns.

Serves the demand for online notarisation and arbitration, and for financial data straight to online litigation
(省级实施方案).
Three state machines, the checks before each filing, connectors to notary offices, arbitration commissions and courts.
Verbs: draft, propose, agree, file, withdraw, declare default, apply for the certificate, enforce, take what is
decided.
"""
