"""Accounts 身份鉴别: that whoever signs in is who they say, by two factors where the law asks for two.

GB/T 22239-2019 level 3, identity authentication: unique identity, complexity and expiry of passwords, lock-out, session
time-out, two factors of which one is cryptographic. Verbs: start signing in, finish signing in, change a password,
enrol and remove the second factor, link an account of the provincial portal, end sessions.
"""
