"""All settings, all from the environment; `.env.example` explains each variable."""

import os
import re
from pathlib import Path

import environ
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import home, logs

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = home.data_folder()

env = environ.Env()


def _secret(name: str) -> str:
    """From the environment, else from the file of secrets a single machine makes for itself."""
    return str(env.str(name, default="") or home.secrets(HOME)[name])


def _of_hubs(what: str) -> dict[str, str]:
    """The variables FAULTLINE_HUB_<SLUG>_<what> that are set, by slug in lower case."""
    names = [(name, re.fullmatch(rf"FAULTLINE_HUB_([A-Z]+)_{what}", name)) for name in os.environ]
    return {match[1].lower(): os.environ[name] for name, match in names if match and os.environ[name]}


def _trust_also(bundle: Path) -> None:
    from lib.http import trust_also  # late: most nodes need no bundle, and most processes no client

    try:
        trust_also(bundle)
    except ValueError as error:
        raise ImproperlyConfigured(f"FAULTLINE_CA_BUNDLE: {error}") from error


# --- Secrets -------------------------------------------------------------------------------------------------------
SECRET_KEY = _secret("FAULTLINE_SECRET_KEY")
# Keys the HMAC under which receipts are stored: without it the database reveals no receipt.
RECEIPT_PEPPER = _secret("FAULTLINE_RECEIPT_PEPPER")
# Fernet keys for contact details and second factors, comma-separated: the first seals, all open.
SEAL_KEYS = _secret("FAULTLINE_SEAL_KEY").split(",")

# --- Node ----------------------------------------------------------------------------------------------------------
PORT = env.int("PORT", default=8000)
BASE_URL = env.str("FAULTLINE_BASE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
NODE_NAME = env.str("FAULTLINE_NODE_NAME", default="localhost")
NODE_TITLE = env.str("FAULTLINE_NODE_TITLE", default="Faultline")
NODE_CONTACT = env.str("FAULTLINE_NODE_CONTACT", default="")
# What `make run` loads of the starter collection: all, none, or a part such as 1/3.
STARTER = env.str("FAULTLINE_STARTER", default="all")
# A demonstration node: shows the demo login, never use it in public.
DEMO = env.bool("FAULTLINE_DEMO", default=False)

DEBUG = env.bool("FAULTLINE_DEBUG", default=False)
ALLOWED_HOSTS = env.list("FAULTLINE_ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = [BASE_URL]
HTTPS = BASE_URL.startswith("https://")

# --- Evidence ------------------------------------------------------------------------------------------------------
# Where reporters' files lie, sealed. Web servers and workers share it.
EVIDENCE_ROOT = Path(env.str("FAULTLINE_EVIDENCE_ROOT", default="") or HOME / "evidence")
# Where files that anybody may fetch are made, such as the whole collection. Web servers and workers share it.

# --- Exports -------------------------------------------------------------------------------------------------------
# Where the whole collection lies as files. Workers write it, web servers read it.
EXPORT_ROOT = Path(env.str("FAULTLINE_EXPORT_ROOT", default="") or HOME / "exports")
# How long those files may lag behind the log; what must leave them leaves at once.
EXPORT_REFRESH_SECONDS = env.float("FAULTLINE_EXPORT_REFRESH_SECONDS", default=300.0)
# How long an export straight from the database may take, and how many each process of the web server serves at once.
EXPORT_SECONDS = env.int("FAULTLINE_EXPORT_SECONDS", default=900)
EXPORTS_AT_ONCE = env.int("FAULTLINE_EXPORTS_AT_ONCE", default=4)

# How many callers of `/api/v1/changes?wait=` each process of the web server lets wait at once: fewer than its threads.
WAITS_AT_ONCE = env.int("FAULTLINE_WAITS_AT_ONCE", default=6)

# --- Log ------------------------------------------------------------------------------------------------------------
# The node's keys, and what it signed last: web servers and workers share it, and no backup of the database holds it.
LOG_ROOT = Path(env.str("FAULTLINE_LOG_ROOT", default="") or HOME / "log")
# Seeds of Ed25519 keys, base64url: more keys beside those in the folder. A new log takes its first three from here.
NODE_KEYS = env.list("FAULTLINE_NODE_KEYS", default=[])
# What checkpoints call the log (c2sp.org/tlog-checkpoint).
LOG_ORIGIN = f"{NODE_NAME}/log"

# --- Peers -----------------------------------------------------------------------------------------------------------
# How often another node's log is asked for what is new; a notice from there asks at once.
PEER_PULL_SECONDS = env.float("FAULTLINE_PEER_PULL_SECONDS", default=60.0)
# How long one answer of another node may take.
PEER_TIMEOUT_SECONDS = env.float("FAULTLINE_PEER_TIMEOUT_SECONDS", default=30.0)

# --- Hubs ----------------------------------------------------------------------------------------------------------
# By the hub's slug, from FAULTLINE_HUB_<SLUG>_ENDPOINT, _TOKEN and _WEBHOOK_SECRET: a new hub needs no line here.
HUB_ENDPOINTS = _of_hubs("ENDPOINT")
HUB_TOKENS = _of_hubs("TOKEN")
HUB_WEBHOOK_SECRETS = _of_hubs("WEBHOOK_SECRET")
HUB_TIMEOUT_SECONDS = env.float("FAULTLINE_HUB_TIMEOUT_SECONDS", default=15.0)
# Certificates of authorities that calls to hubs trust beside the machine's own.
CA_BUNDLE = env.str("FAULTLINE_CA_BUNDLE", default="")
if CA_BUNDLE:
    # Here, because a node that cannot read it must not start: each hub would look as if it were down.
    _trust_also(Path(CA_BUNDLE))
# How long a hub that fails is left alone at first; twice as long each time it still fails.
HUB_CIRCUIT_SECONDS = env.float("FAULTLINE_HUB_CIRCUIT_SECONDS", default=60.0)

# --- Reporters -------------------------------------------------------------------------------------------------------
# How long a receipt opens its report.
RECEIPT_DAYS = env.int("FAULTLINE_RECEIPT_DAYS", default=1095)

# --- Mail ----------------------------------------------------------------------------------------------------------
# Where mail goes out; unset, none does, and no page asks for an address.
EMAIL_URL = env.str("EMAIL_URL", default="")
MAIL_ON = bool(EMAIL_URL)
vars().update(env.email_url_config(EMAIL_URL) if EMAIL_URL else {})
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("FAULTLINE_MAIL_FROM", default="") or f"faultline@{NODE_NAME}"

# --- Webhooks ------------------------------------------------------------------------------------------------------
# Whether webhooks may go to this machine itself, and over plain HTTP: for development and tests.
WEBHOOKS_LOCAL = env.bool("FAULTLINE_WEBHOOKS_LOCAL", default=False)

# --- Work ----------------------------------------------------------------------------------------------------------
# How long a worker may hold a leased row before another takes it over.
LEASE_SECONDS = env.float("FAULTLINE_LEASE_SECONDS", default=120.0)
# How often beat wakes the workers for whatever is due.
BEAT_SECONDS = env.float("FAULTLINE_BEAT_SECONDS", default=60.0)
# How long what a hub said stays fresh.
LOOKUP_REFRESH_HOURS = env.float("FAULTLINE_LOOKUP_REFRESH_HOURS", default=24.0)
# How long a reporter's contact is kept once the report is decided on and nothing more happened to it.
CONTACT_DAYS = env.int("FAULTLINE_CONTACT_DAYS", default=90)
EVIDENCE_DAYS = env.int("FAULTLINE_EVIDENCE_DAYS", default=90)
# How long what was approved waits before it becomes public, so that it can be undone.
UNDO_SECONDS = env.float("FAULTLINE_UNDO_SECONDS", default=30.0)
# What wakes what: the only place. Every task named here also runs on each beat, so a lost message costs one beat.
WAKES = {
    "model named": ["catalogue.tasks.look_up_due_models"],
    "lookups left over": ["catalogue.tasks.look_up_due_models"],
    "model looked up": ["catalogue.tasks.inspect_due_models", "incidents.tasks.refresh_due_search_rows"],
    "time passed": ["reports.tasks.expire_due"],
    "draft started": ["reports.tasks.forget_due_drafts"],
    "mail left over": ["reports.tasks.send_due_mail"],
    "subscription asked for": ["reports.tasks.send_due_digests"],
    "webhook asked for": ["reports.tasks.deliver_due_webhooks"],
    "evidence forgotten": ["reports.tasks.sweep_evidence"],
    "exports outdated": ["incidents.tasks.refresh_exports"],
    "release scheduled": ["reports.tasks.publish_due_releases"],
    "record published": ["incidents.tasks.refresh_osv_files", "reports.tasks.deliver_due_webhooks"],
    "feed added": ["reports.tasks.import_due_feeds"],
    "log grew": ["incidents.tasks.sign_checkpoint"],
    "checkpoint signed": ["federation.tasks.tell_due_peers"],
    "checkpoint kept": ["federation.tasks.return_due_cosignatures"],
    "peer added": ["federation.tasks.follow_due_peers"],
    "peers left over": ["federation.tasks.follow_due_peers"],
}

# --- Stores --------------------------------------------------------------------------------------------------------
_SERVED = bool(env.str("DATABASE_URL", default=""))  # by somebody else's server
DATABASE_URL = env.str("DATABASE_URL", default="") or home.database_url(HOME)
# The same database as a role that may only read what is public. Unset for a server of yours, the one role does it all.
DATABASE_READER_URL = env.str("DATABASE_READER_URL", default="") or (DATABASE_URL if _SERVED else home.reader_url(HOME))
DATABASE_REPLICA_URL = env.str("DATABASE_REPLICA_URL", default="")
# The longest one public read may take in the database.
READ_SECONDS = env.float("FAULTLINE_READ_SECONDS", default=5.0)
_CONNECTED = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
_READING = {
    "default_transaction_read_only": "on",
    "statement_timeout": f"{READ_SECONDS * 1000:.0f}",
    # What is prepared is planned once: planning takes as long as reading a page does.
    "plan_cache_mode": "force_generic_plan",
}
DATABASES = {
    "default": {**env.db_url_config(DATABASE_URL), **_CONNECTED, "OPTIONS": {"connect_timeout": 5}},
    "public": {
        **env.db_url_config(DATABASE_REPLICA_URL or DATABASE_READER_URL),
        **_CONNECTED,
        "OPTIONS": {
            "connect_timeout": 5,
            "options": " ".join(f"-c {name}={value}" for name, value in _READING.items()),
        },
        "TEST": {"MIRROR": "default"},
    },
}
# Which of them `incidents.connection` reads from; the role that `migrate` lets read there, made with that password.
PUBLIC_READS = "public"
# The apps whose tables public doors read by it (`lib.reading`), and the views that are no such doors (`config.doors`).
PUBLIC_APPS = frozenset({"catalogue", "incidents"})
PRIVATE_DOORS = (
    "accounts",
    "allauth",
    "api.hooks",
    "api.reports",
    "api.threads",
    "catalogue.admin",
    "config.metrics",
    "django",
    "federation.admin",
    "incidents.admin",
    "incidents.overlay_admin",
    "reports",
    "website.evidence",
    "website.guard",
    "website.reply",
    "website.reporting",
    "website.status",
    "website.subscribe",
    "website.webhooks",
)
DATABASE_ROUTERS = ["lib.reading.Router"]
_reader = env.db_url_config(DATABASE_READER_URL)
READER = (
    {"role": _reader["USER"], "password": _reader["PASSWORD"]}
    if _reader["USER"] != DATABASES["default"]["USER"]
    else None
)
REDIS_URL = env.str("REDIS_URL", default="") or home.redis_url(HOME)
# What may be lost is kept apart from the queue.
CACHE_URL = home.with_database(REDIS_URL, 1)
# Names this node's queue and cache keys, so that nodes can share one Redis.
QUEUE = env.str("FAULTLINE_QUEUE", default="faultline")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": QUEUE,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Celery --------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = home.broker_url(REDIS_URL)
CELERY_TASK_DEFAULT_QUEUE = QUEUE
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,  # above the hard time limit: a long task is never run twice at once
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": BEAT_SECONDS}
    for task in sorted({task for tasks in WAKES.values() for task in tasks})
}

# --- Applications --------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "website",
    "api",
    "federation",
    "reports",
    "incidents",
    "catalogue",
    "accounts",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "config.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "rest_framework",
    "drf_spectacular",
]
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.roles.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "website.middleware.permissions_policy",
    "api.admission.middleware",
    "website.language.middleware",
    "config.doors.Doors",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# Those of them that add the same headers to every answer, and nothing else: what the short path has of them.
MIDDLEWARE_OF_CONSTANTS = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "website.middleware.permissions_policy",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# Those that the short path runs for each request.
MIDDLEWARE_OF_READS = ["api.admission.middleware"]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "website.context.node",
            ],
        },
    }
]

# --- Time and language ---------------------------------------------------------------------------------------------
# Those of the pages, each with its name in itself; the first has no prefix in the path (website/language.py).
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]

# --- Static files --------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
# With a folder to collect them in (the image) files are served hashed and compressed; else from where they lie.
STATIC_ROOT = env.str("FAULTLINE_STATIC_ROOT", default="") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Security ------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = HTTPS and env.bool("FAULTLINE_SSL_REDIRECT", default=True)
# Health checks come from beside the process, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
BEHIND_PROXY = env.bool("FAULTLINE_BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# How many proxies of ours stand before us: limits look at the address so many places from the right.
PROXIES = env.int("FAULTLINE_PROXIES", default=1 if BEHIND_PROXY else 0)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# Only staff have sessions, and nobody sends them here from elsewhere.
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Lax"
if HTTPS:  # the prefix binds a cookie to this host alone (RFC 6265bis, 4.1.3.2)
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SESSION_COOKIE_AGE = 8 * 3600
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
# A view that takes files says so (`lib.uploads`); what is sent to any other is never written anywhere.
FILE_UPLOAD_HANDLERS = ["website.uploads.Refuse"]

# --- Accounts ------------------------------------------------------------------------------------------------------
# Whoever has a role signs in with a second factor; a demonstration's published password needs none.
SECOND_FACTOR_FORCED = not DEMO
# Whether anybody may make an account. An account without a role opens nothing; reporting needs none.
SIGNUP = env.bool("FAULTLINE_SIGNUP", default=False)
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "website:home"
# Twenty wrong passwords for one account: nobody guesses so, and no moderator is locked out by a handful of mistakes.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,20/5m/key"}
# How long a fresh proof of who you are counts, for publishing, withdrawing, erasing and changing accounts.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 5 * 60
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if SECURE_PROXY_SSL_HEADER else 0
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1  # one step of 30 s before or after: telephones' clocks differ
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # browsers allow it on localhost only

# --- API -----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.admission.TokenAuthentication"],
    "DEFAULT_THROTTLE_CLASSES": ["api.admission.Throttle"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsing.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.errors.problem_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # a representation is asked for by Accept
}


def _limit(name: str, default: str) -> tuple[int, int] | None:
    """Units and seconds from "6000/60"; None, no limit, from an empty value."""
    text = env.str(name, default=default)
    if text and not re.fullmatch(r"[1-9]\d{0,8}/[1-9]\d{0,5}", text):
        raise ImproperlyConfigured(f'{name} is units and seconds, such as "{default}", or empty for no limit')
    units, _, seconds = text.partition("/")
    return (int(units), int(seconds)) if text else None


# What a network, and a token, may have of the API: a read is one unit, dearer questions are more (docs/api.md).
API_LIMIT_ADDRESS = _limit("FAULTLINE_API_LIMIT_ADDRESS", "6000/60")
API_LIMIT_TOKEN = _limit("FAULTLINE_API_LIMIT_TOKEN", "30000/60")
SPECTACULAR_SETTINGS = {
    "TITLE": "Faultline",
    "DESCRIPTION": "The open register of incidents in open AI models: read, follow and submit.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "LICENSE": {"name": "CC-BY-4.0 (data), Apache-2.0 (software)"},
    "SERVERS": [{"url": BASE_URL}],
    "SERVE_AUTHENTICATION": [],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["api.openapi.complete"],
}

# --- Metrics -------------------------------------------------------------------------------------------------------
# Who shows it reads /metrics; unset, only this machine does.
METRICS_TOKEN = env.str("FAULTLINE_METRICS_TOKEN", default="")

# --- Logs ----------------------------------------------------------------------------------------------------------
LOG_JSON = env.bool("FAULTLINE_LOG_JSON", default=False)
LOGGING = logs.logging_config(as_json=LOG_JSON, level=env.str("FAULTLINE_LOG_LEVEL", default="INFO"))
logs.configure(structlog)
