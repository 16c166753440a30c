"""Stewardship (清单管理): the sharing list as an instrument, and what its providers owe.

Serves the provincial list of content, method, department and deadline: a change of it is proposed by one person, shown
with everything it touches before it counts, approved by a second, and in force everywhere at once. What the list asks
of a provider is followed in working days: reminders before and after a deadline, a public table of who is on time, and
the rate of collection of each superior list. Verbs: propose, approve, reject and take back a list; remind providers.
"""
