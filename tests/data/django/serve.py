"""A small site with Django's admin, for the tests: `serve.py DIRECTORY PORT`."""

import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

home, port = Path(sys.argv[1]), sys.argv[2]
settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": home / "db.sqlite3"}},
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "shop",
    ],
    LOGIN_URL="/admin/login/",
    MEDIA_ROOT=home / "media",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    # Quick, and nobody's real passwords.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF="shop.urls",
    SECRET_KEY=os.urandom(32).hex(),
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    USE_TZ=True,
)
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)

from django.contrib.auth.models import User  # noqa: E402

User.objects.create_superuser("ann", "ann@example.com", "correct-horse-ann")
User.objects.create_user("bob", "bob@example.com", "correct-horse-bob", is_staff=True)
call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, verbosity=0)
