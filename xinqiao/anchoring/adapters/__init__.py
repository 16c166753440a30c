"""Ledgers: one over Ethereum JSON-RPC, three over the public interfaces of evidence platforms."""
