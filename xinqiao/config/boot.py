"""Sets Django up; imported first by programs that are not served by WSGI."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xinqiao.config.settings")
django.setup()
