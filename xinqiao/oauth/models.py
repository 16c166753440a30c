"""Clients, keys, pushed requests, grants, tokens. What opens something is kept as a digest only."""

from __future__ import annotations

from django.db import models


class Client(models.Model):
    """A program of an organisation."""

    client_id = models.CharField(max_length=60, unique=True)
    organisation = models.ForeignKey("parties.Organisation", on_delete=models.PROTECT)
    name = models.CharField(max_length=60)
    scopes = models.JSONField()
    redirect_uris = models.JSONField()
    added_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    frozen = models.CharField(max_length=40, blank=True, default="")  # number of the case that stops it

    class Meta:
        db_table = "oauth_client"


class ClientKey(models.Model):
    """A public key of a client. Two in use at once are the overlap of a rotation."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="keys")
    kid = models.CharField(max_length=100)
    thumbprint = models.CharField(max_length=43, unique=True)
    jwk = models.JSONField()
    added_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "oauth_client_key"
        constraints = [models.UniqueConstraint(fields=["client", "kid"], name="kid_of_one_key")]


class Grant(models.Model):
    """Why tokens exist; ending it ends them all. ``jkt`` is the key they are bound to."""

    id = models.CharField(max_length=30, primary_key=True)
    client = models.ForeignKey(Client, on_delete=models.PROTECT)
    key = models.ForeignKey(ClientKey, on_delete=models.PROTECT)
    kind = models.CharField(max_length=20)  # GrantKind
    scopes = models.JSONField()
    details = models.JSONField()
    authorisation = models.CharField(max_length=40, blank=True)
    jkt = models.CharField(max_length=43)
    issued_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        db_table = "oauth_grant"


class Token(models.Model):
    """An access or refresh token; ``spent_at`` is when a refresh token was exchanged."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="tokens")
    use = models.CharField(max_length=8)  # TokenKind
    scopes = models.JSONField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "oauth_token"
        indexes = [models.Index(fields=["expires_at"], name="oauth_token_expiry")]


class Pushed(models.Model):
    """A pushed request, then the enterprise's decision on it, then the code for it."""

    reference = models.CharField(max_length=64, primary_key=True)  # SHA-256 of the request_uri
    client = models.ForeignKey(Client, on_delete=models.PROTECT)
    state = models.CharField(max_length=10)  # PushedState
    redirect_uri = models.CharField(max_length=500)
    client_state = models.CharField(max_length=1000, blank=True)
    challenge = models.CharField(max_length=43)
    details = models.JSONField()
    jkt = models.CharField(max_length=43, blank=True)
    pushed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    request = models.CharField(max_length=40, blank=True, db_index=True)
    code_sha256 = models.CharField(max_length=64, unique=True, null=True)
    authorisation = models.CharField(max_length=40, blank=True)
    grant = models.ForeignKey(Grant, on_delete=models.SET_NULL, null=True)

    class Meta:
        db_table = "oauth_pushed"


class Spent(models.Model):
    """A ``jti`` that was seen, so that no assertion and no proof works twice."""

    mark = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "oauth_spent"
