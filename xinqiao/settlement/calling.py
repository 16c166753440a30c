"""Call-backs of bodies: a signed knock that has the node ask at once. What it says besides is not believed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from xinqiao.kernel.canonical import NotCanonical, read_json
from xinqiao.settlement.connections import find_connection
from xinqiao.settlement.models import CallBackRow, LineRow
from xinqiao.settlement.refusals import CallBackRefused
from xinqiao.settlement.statements import plain

KEPT = timedelta(days=1)  # longer than a signature is good for
LARGEST = 16 * 1024


def take_call_back(body: str, data: bytes, headers: Mapping[str, str], *, now: datetime) -> bool:
    """Have a proceeding asked about at once; False for one taken before. Raises CallBackRefused, InvalidBodies.

    Signed as Standard Webhooks; the signature holds for five minutes and a message counts once.
    """
    found = find_connection(body)
    if found is None or len(data) > LARGEST:
        raise CallBackRefused(body=body[:40])
    named = {name.lower(): value for name, value in headers.items() if name.lower().startswith("webhook-")}
    try:
        Webhook(found.secret).verify(data, named)
        about = str(read_json(data)["data"]["matter"])
        if not plain(about) or not plain(named["webhook-id"]):
            raise ValueError("words")
    except (WebhookVerificationError, NotCanonical, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CallBackRefused(body=body) from error
    CallBackRow.objects.filter(at__lt=now - KEPT).delete()
    try:
        with transaction.atomic():
            CallBackRow.objects.create(body=body, message=named["webhook-id"][:120], at=now)
    except IntegrityError:
        return False
    LineRow.objects.filter(proceeding=about, body=body).update(ask_at=now)
    return True
