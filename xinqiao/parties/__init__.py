"""Parties (主体): who takes part, as an organisation or an enterprise, and who may act for it.

Serves the demand that every use is traced to a person with a role and a power to act (征信业管理条例, article 22;
GB/T 22239 identity). Verbs: register, admit, add a member, end a membership.
"""
