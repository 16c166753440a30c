"""Reference peers: what stands at the other end of a connection, each a process of its own."""
