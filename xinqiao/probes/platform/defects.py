"""The mistakes that the sample platform can make, each one that a real platform makes."""

from __future__ import annotations

from enum import StrEnum


class Defect(StrEnum):
    """A switch of the sample platform, with the probe that has to find it."""

    OLD_TLS = "old-tls"  # TLS 1.0 was left on for an old client
    EXPIRED_CERTIFICATE = "expired-certificate"
    OTHER_NAME = "other-name"  # the certificate of another host
    REPLAY = "replay"  # proofs are verified and not remembered
    NO_CLOCK = "no-clock"  # the time in a proof is not looked at
    STALE_LIST = "stale-list"  # the sharing list was read once at the start
    UNAUTHORISED = "unauthorised"  # an authorisation is checked when there is one
    ANY_PURPOSE = "any-purpose"
    ANY_ITEM = "any-item"
    NO_PERIOD = "no-period"
    NO_LIMIT = "no-limit"
    OTHER_SCREEN = "other-screen"  # the page shows a summary, the digest is of the whole
    SLOW_WITHDRAWAL = "slow-withdrawal"  # authorisations are cached for five seconds
    FORGED_NOTICE = "forged-notice"  # signatures of notices are not verified
    REFUSAL_AS_NO_DATA = "refusal-as-no-data"
    CHARGES = "charges"  # self-query costs five yuan
    OMITS = "omits"  # self-query leaves out what is not flattering
    LATE_DISPUTE = "late-dispute"  # forwarded on the third working day
    PLAIN_DAYS = "plain-days"  # forwarded on the second weekday: weekends that are worked are not counted
    QUIET_DAYS = "quiet-days"  # no digest on a day without a query
    PREFETCH = "prefetch"  # a nightly job warms the cache for everybody
    KEEPS_EXPIRED = "keeps-expired"  # attests a deletion that did not happen
    PARTIAL = "partial"  # under load it leaves out what takes long
    DEAF = "deaf"  # drills go to a mailbox that nobody reads
    STAFF_UNSEEN = "staff-unseen"  # the second look of a session is not logged
    HOLLOW_BACKUP = "hollow-backup"  # restoring says yes and does nothing
    RESURRECTS = "resurrects"  # restoring brings back what was withdrawn since
    KEEPS_AT_EXIT = "keeps-at-exit"
    HANDS_OVER_ENDED = "hands-over-ended"

    @property
    def probe(self) -> str:
        """The probe that has to find it, and no other."""
        return FOUND_BY[self]


FOUND_BY: dict[Defect, str] = {
    Defect.OLD_TLS: "tls_floor",
    Defect.EXPIRED_CERTIFICATE: "tls_certificate",
    Defect.OTHER_NAME: "tls_certificate",
    Defect.REPLAY: "dpop_replay",
    Defect.NO_CLOCK: "clock_skew",
    Defect.STALE_LIST: "list_version",
    Defect.UNAUTHORISED: "query_unauthorised",
    Defect.ANY_PURPOSE: "query_purpose",
    Defect.ANY_ITEM: "query_items",
    Defect.NO_PERIOD: "query_period",
    Defect.NO_LIMIT: "query_frequency",
    Defect.OTHER_SCREEN: "consent_screen",
    Defect.SLOW_WITHDRAWAL: "revocation",
    Defect.FORGED_NOTICE: "notice_signature",
    Defect.REFUSAL_AS_NO_DATA: "refusal_shown",
    Defect.CHARGES: "self_query",
    Defect.OMITS: "self_query",
    Defect.LATE_DISPUTE: "dispute_forwarding",
    Defect.PLAIN_DAYS: "dispute_forwarding",
    Defect.QUIET_DAYS: "log_digest",
    Defect.PREFETCH: "canary",
    Defect.KEEPS_EXPIRED: "deletion",
    Defect.PARTIAL: "overload",
    Defect.DEAF: "incident_drill",
    Defect.STAFF_UNSEEN: "staff_log",
    Defect.HOLLOW_BACKUP: "backup_restore",
    Defect.RESURRECTS: "backup_restore",
    Defect.KEEPS_AT_EXIT: "exit_drill",
    Defect.HANDS_OVER_ENDED: "exit_drill",
}
