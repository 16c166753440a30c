"""Sources (数据来源): the government data exchange platform and the national platform, connected.

Serves R01 and R04: items are taken from where they are produced, in the three modes that GB/T 39443 names: files
and database are pulled, a service is called. Items shared by call or verification are asked for when somebody whom
the gate lets through reads about an enterprise; an answer is kept for as long as the list's rhythm allows; a source
that does not answer makes its items *not known*, with that as the reason. What a source says becomes a record.
Verbs: ask sources, pull, check a connection.
"""
