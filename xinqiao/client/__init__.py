"""For the programs of banks and platforms: calling a node, and believing nothing that it cannot answer for.

Needs no Django and no database: only keys, and the log's public key from another source than the node itself.
"""
