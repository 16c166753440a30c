"""Webhooks (事件通知): telling an organisation's program that something changed, so that it need not keep asking.

Serves the demand that a recipient learns of a withdrawal at once (个人信息保护法, article 15). Standard Webhooks:
signed, thin (numbers, never facts about an enterprise), retried for three days, then kept as a dead letter that can be
sent again. Verbs: add and end an endpoint, change its secret, tell, deliver, send again.
"""
