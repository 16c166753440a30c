"""Words of signing in: what is asked, what is refused, what is put on record. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused

LEVEL_3 = "GB/T 22239-2019 第三级：身份鉴别"

FAILURES = 5  # wrong answers in a row before the account rests
FAILURES_WITHIN = timedelta(minutes=15)
REST = timedelta(minutes=15)
CODE_WITHIN = timedelta(minutes=5)  # after the password the second factor is waited for so long
PASSWORD_DAYS = 90
FORMER_PASSWORDS = 5
RECOVERY_CODES = 10
IDLE = {"enterprise": timedelta(minutes=30), "staff": timedelta(minutes=15)}

SIGNED_IN = Event("accounts.signed_in", "登录", "signed in")
SIGN_IN_FAILED = Event("accounts.sign_in_failed", "登录失败", "sign-in failed")
LOCKED = Event("accounts.locked", "登录锁定", "sign-in locked")
SIGNED_OUT = Event("accounts.signed_out", "退出登录", "signed out")
PASSWORD_CHANGED = Event("accounts.password_changed", "修改密码", "password changed")
PASSWORD_RESET = Event("accounts.password_reset", "重置密码", "password reset")
FACTOR_ENROLLED = Event("accounts.factor_enrolled", "启用动态口令", "second factor enrolled")
FACTOR_REMOVED = Event("accounts.factor_removed", "停用动态口令", "second factor removed")
RECOVERY_USED = Event("accounts.recovery_used", "使用备用码登录", "recovery code used")
IDENTITY_LINKED = Event("accounts.identity_linked", "关联省统一身份", "provincial identity linked")
IDENTITY_UNLINKED = Event("accounts.identity_unlinked", "解除省统一身份", "provincial identity unlinked")


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What a person sees of their own account. ``factor_since`` is None without a second factor."""

    person_id: int
    factor_since: datetime | None
    codes_left: int
    password_changed_at: datetime | None
    must_change: bool
    identities: tuple[str, ...]


class SignInLocked(Refused):
    """Too many wrong answers; data: ``minutes``."""

    code = "accounts.locked"
    title = "连续多次输错，登录已暂停，请在 {minutes} 分钟后再试"
    clause = LEVEL_3
    next_step = "忘记密码请联系本单位管理员；节点工作人员请联系系统管理员"


class WrongCode(Refused):
    """The one-time code is wrong, used before or too old."""

    code = "accounts.wrong_code"
    title = "动态口令不对或已经用过"
    clause = LEVEL_3
    next_step = "请等验证器显示下一个口令后再输；手机时间须准确；也可以输入一个备用码"


class SignInExpired(Refused):
    """The password was given too long ago."""

    code = "accounts.sign_in_expired"
    title = "两步登录已超时"
    next_step = "请从用户名和密码重新开始"


class InvalidPassword(Invalid):
    """A new password breaks the rules."""

    code = "accounts.invalid_password"
    title = "新密码有 {count} 处不合规则"
    clause = LEVEL_3
    next_step = "请按所列规则另选一个密码"


class FactorMissing(NotFound):
    """There is no second factor, or it must stay."""

    code = "accounts.factor_missing"
    title = "没有可以停用的动态口令"
    next_step = "工作人员必须使用动态口令；更换手机请先重新启用"


class IdentityNotLinked(Refused):
    """Somebody proved an identity of the provincial portal that belongs to no account here; data: ``issuer``."""

    code = "accounts.identity_not_linked"
    title = "省统一身份还没有与本系统的账号关联"
    next_step = "请先用用户名和密码登录，在“我的账号”中关联一次"


class IdentityTaken(Refused):
    """The identity belongs to another account."""

    code = "accounts.identity_taken"
    title = "该省统一身份已与另一个账号关联"
    next_step = "请在原账号中解除关联，或联系系统管理员"
    status = 409


class ProviderFailed(Refused):
    """The answer of the identity provider does not hold; data: ``why``."""

    code = "accounts.provider_failed"
    title = "省统一身份认证没有成功：{why}"
    next_step = "请重新登录；若仍不成功，请用用户名和密码登录并告知系统管理员"
