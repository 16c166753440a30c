"""Django's settings, derived from :mod:`xinqiao.plumbing.settings`."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from xinqiao.kernel.crypto import save_private
from xinqiao.plumbing import settings as node

# Read when pyarrow is first imported, which comes after this. Its own default gives memory back to the system after
# each table and asks for it again for the next: a delivery of millions of rows spent a tenth of its time on that.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")


def _secret_key() -> str:
    """The session-signing secret, made once and kept beside the node's other keys."""
    path = node.keys_dir() / "session-secret"
    if not path.exists():
        with suppress(FileExistsError):  # another process of the node was first
            save_private(path, secrets.token_urlsafe(48).encode())
    return path.read_text(encoding="ascii").strip()


def _former_secrets() -> list[str]:
    """The secret before a rotation: sessions begun under it go on."""
    path = node.keys_dir() / "session-secret.former"
    return [path.read_text(encoding="ascii").strip()] if path.exists() else []


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": parts.path,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                # FULL: a commit that was answered survives a power cut; evidence depends on it.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
    }


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = _former_secrets()
DEBUG = node.debug()
ALLOWED_HOSTS = list(node.allowed_hosts())
DATABASES = {"default": _database(node.database_url())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "xinqiao.config.urls"
WSGI_APPLICATION = "xinqiao.config.wsgi.application"
AUTH_USER_MODEL = "parties.Person"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_tasks",
    "django_tasks_db",
    "ninja",
    "xinqiao.plumbing",
    "xinqiao.evidence",
    "xinqiao.anchoring",
    "xinqiao.vault",
    "xinqiao.parties",
    "xinqiao.accounts",
    "xinqiao.webhooks",
    "xinqiao.oauth",
    "xinqiao.sharing",
    "xinqiao.consent",
    "xinqiao.admission",
    "xinqiao.probes",
    "xinqiao.records",
    "xinqiao.marks",
    "xinqiao.corrections",
    "xinqiao.disputes",
    "xinqiao.repair",
    "xinqiao.ingest",
    "xinqiao.quality",
    "xinqiao.sources",
    "xinqiao.evaluation",
    "xinqiao.scenarios",
    "xinqiao.release",
    "xinqiao.directory",
    "xinqiao.monitoring",
    "xinqiao.subjects",
    "xinqiao.supervision",
    "xinqiao.violations",
    "xinqiao.reconciliation",
    "xinqiao.tracing",
    "xinqiao.matching",
    "xinqiao.formulas",
    "xinqiao.lending",
    "xinqiao.sanctions",
    "xinqiao.settlement",
    "xinqiao.effectiveness",
    "xinqiao.stewardship",
    "xinqiao.judicial",
    "xinqiao.federation",
    "xinqiao.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "xinqiao.web.sessions.SessionRules",
    "xinqiao.web.middleware.ErrorPages",
    "xinqiao.web.api.v1.problems.UniformErrors",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "xinqiao.web.context.portal",
            ],
        },
    },
]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [node.ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = node.debug()

LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = node.behind_tls()
if node.behind_tls():
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
