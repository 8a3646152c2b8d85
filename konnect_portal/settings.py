"""The one settings file. Every value that differs between installations comes from the environment or `.env`."""

from pathlib import Path

import environ
import structlog
from django.utils.csp import CSP
from kombu import Queue
from structlog.typing import Processor

from konnect_portal.foundation.geo_tokens import geo_tokens
from konnect_portal.foundation.links import hide_secrets

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
SECRET_KEY = env.str("SECRET_KEY")
API_HOST = env.str("API_HOST", default="api.localhost")
NODE_HOST = env.str("NODE_HOST", default="localhost")
ALLOWED_HOSTS = [*env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"]), f".{API_HOST}"]
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "konnect_portal.benchmarks",
    "konnect_portal.foundation",
    "accounts",
    "billing",
    "geos",
    "licensing",
    "unfold.apps.BasicAppConfig",
    "konnect_portal.apps.SupportAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_structlog",
    "health_check",
    "ninja",
    "post_office",
]

MIDDLEWARE = [
    "konnect_portal.hosts.ApiHostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SessionTraceMiddleware",
    "accounts.middleware.OrganizationMiddleware",
]

ROOT_URLCONF = "konnect_portal.urls"
WSGI_APPLICATION = "konnect_portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "konnect_portal.foundation.navigation.navigation",
            ],
        },
    },
]

# Data

DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"]["pool"] = {
    "min_size": 1,
    "max_size": env.int("DATABASE_POOL_SIZE", default=10),
    "timeout": 5,  # seconds that a request waits for a connection before it fails
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
    }
}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
FORMAT_MODULE_PATH = "konnect_portal.formats"

# People

AUTH_USER_MODEL = "accounts.User"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # an address is unique among open accounts; closed ones keep theirs (P56)
AUTHENTICATION_BACKENDS = ["accounts.backends.PortalBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.passwords.PolicyValidator"},
    {"NAME": "accounts.passwords.HistoryValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"  # whoever entered no organization is sent on to the switcher
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # an account has a proven address from its first moment (P8)
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {
    "signup": "20/m/ip,5/m/key",  # allauth's own has none for an address that gets the mails
    "ask_support": "10/h/user",  # each leaves an event that stays
    "invite": "20/m/key,100/h/key",  # of an organization, however many addresses each time
}
ACCOUNT_LOGOUT_REDIRECT_URL = "/login/"
ACCOUNT_FORMS = {"login": "accounts.forms.signin.SignInForm", "reauthenticate": "accounts.forms.signin.ConfirmForm"}
ADDRESS_CHANGE_HOURS = env.int("ADDRESS_CHANGE_HOURS", default=24)
INVITATION_DAYS = env.int("INVITATION_DAYS", default=7)
INVITATIONS_AT_ONCE = env.int("INVITATIONS_AT_ONCE", default=50)
OWNER_UNSEEN_DAYS = env.int("OWNER_UNSEEN_DAYS", default=60)
RECOVERY_HOURS = env.int("RECOVERY_HOURS", default=72)
PASSWORD_RESET_TIMEOUT = env.int("PASSWORD_RESET_SECONDS", default=24 * 3600)
PASSWORDS_REMEMBERED = env.int("PASSWORDS_REMEMBERED", default=13)
SESSION_ENGINE = "accounts.models.sessions"
MFA_FORMS = {
    "activate_totp": "accounts.forms.signin.AddAppForm",
    "authenticate": "accounts.forms.signin.SecondFactorForm",
    "reauthenticate": "accounts.forms.signin.ConfirmByCodeForm",
    "add_webauthn": "accounts.forms.signin.AddPasskeyForm",
    "authenticate_webauthn": "accounts.forms.signin.SecondFactorByPasskeyForm",
    "login_webauthn": "accounts.forms.signin.SignInByPasskeyForm",
    "reauthenticate_webauthn": "accounts.forms.signin.ConfirmByPasskeyForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_TOTP_ISSUER = "Konnect Portal"
API_AUTHENTICATION = "accounts.access.open_by_token"
VISIBLE_ROWS = "accounts.roles.visible"
ALLOWED_OBJECTS = "accounts.roles.allowed"
NODE_LICENSES = {
    "live_id": "licensing.services.live_license_id",
    "to_deliver": "licensing.services.license_to_deliver",
    "record": "licensing.services.record_deliveries",
    "verify": "licensing.signing.verify",
}
"""Where geos get the licenses that they hand out to nodes, without knowing licensing (P21)."""

MFA_RECOVERY_CODES_SHOW_ONCE = True

# What stands in the head of a customer's page: title, path, and the permission that shows it

NAVIGATION = [
    ("Home", "/", "accounts.view_organization"),
    ("Control planes", "/control-planes/", "accounts.view_organization"),
    ("Your tokens", "/account/tokens/", "accounts.view_organization"),
    ("Licenses", "/licenses/", "licensing.view_license"),
    ("Billing", "/billing/", "billing.view_billing"),
    ("People", "/organization/users/", "accounts.view_user"),
    ("Teams", "/organization/teams/", "accounts.view_team"),
    ("System accounts", "/organization/tokens/", "accounts.view_systemaccount"),
    ("History", "/organization/history/", "accounts.view_history"),
    ("Settings", "/organization/settings/", "accounts.change_organization"),
]

# The support admin

UNFOLD = {
    "SITE_TITLE": "Konnect Portal",
    "SITE_HEADER": "Konnect Portal",
    "SITE_SUBHEADER": "Support",
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "accounts.desk.places.favicon"}],
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_HISTORY": False,  # Django's own, of what is edited by hand: nothing is
    "STYLES": ["accounts.desk.places.stylesheet"],
    "SCRIPTS": ["accounts.desk.places.script", "accounts.desk.places.search_script"],
    "COLORS": {
        "primary": {
            "50": "oklch(97.5% .015 215)",
            "100": "oklch(94.5% .03 215)",
            "200": "oklch(89.5% .055 217)",
            "300": "oklch(82% .085 219)",
            "400": "oklch(72% .105 221)",
            "500": "oklch(63% .11 223)",
            "600": "oklch(50% .1 225)",
            "700": "oklch(44% .088 227)",
            "800": "oklch(38% .072 229)",
            "900": "oklch(33% .058 231)",
            "950": "oklch(24% .045 233)",
        },
    },
}

# The payment provider

PAYMENT_PROVIDER = env.str("PAYMENT_PROVIDER", default="embedded")
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com")
PAYMENT_PAGES = ["https://checkout.stripe.com"] if PAYMENT_PROVIDER == "stripe" else []
"""Where a form of ours may end: the browser refuses other places (SECURE_CSP)."""

# Web

PATHS = {
    "account": "/account/",
    "organizations": "/organizations/",
    "new_organization": "/organizations/new/",
    "new_token": "/account/tokens/new/",
    "people": "/organization/users/",
    "sign_out": "/logout/",
}
STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / ".local" / "static"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

SECURE = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SESSION_COOKIE_AGE = 7 * 24 * 3600
ORGANIZATION_IDLE_HOURS = env.int("ORGANIZATION_IDLE_HOURS", default=12)
ORGANIZATION_SESSION_DAYS = env.int("ORGANIZATION_SESSION_DAYS", default=7)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF, *PAYMENT_PAGES],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}

# Mail: pages write rows, a worker sends them through the "smtp" mailer

_mail = env.email_url("EMAIL_URL", default="consolemail://")
_mailer_options = {
    "django.core.mail.backends.smtp.EmailBackend": {
        "host": _mail["EMAIL_HOST"],
        "port": _mail["EMAIL_PORT"] or 25,
        "username": _mail["EMAIL_HOST_USER"] or "",
        "password": _mail["EMAIL_HOST_PASSWORD"] or "",
        "use_tls": _mail.get("EMAIL_USE_TLS", False),
        "use_ssl": _mail.get("EMAIL_USE_SSL", False),
        "timeout": 30,
    },
    "django.core.mail.backends.filebased.EmailBackend": {"file_path": "/" + _mail["EMAIL_FILE_PATH"].lstrip("/")},
}
MAILERS = {
    "default": {
        "BACKEND": _mail["EMAIL_BACKEND"],
        "OPTIONS": _mailer_options.get(_mail["EMAIL_BACKEND"], {}),
    }
}
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="Konnect Portal <no-reply@localhost>")
MAIL_LINK_MAKERS = {
    "account_reopened": "accounts.services.resets.make_link",
    "address_change": "accounts.services.addresses.make_link",
    "address_replaced": "accounts.services.resets.make_link",
    "contact_change": "accounts.services.contacts.make_link",
    "invitation": "accounts.services.invitations.make_link",
    "owner_invitation": "accounts.owner_invitations.make_link",
    "password_reset": "accounts.services.resets.make_link",
    "recovery_asked": "accounts.services.recovery.make_stop_link",
    "recovery_prove": "accounts.services.recovery.make_prove_link",
    "request_to_confirm": "accounts.services.requests.make_link",
    "sign_up": "accounts.services.sign_up.make_link",
    "staff_made": "accounts.staffing.make_link",
}
"""Mails whose link is a secret: the kind, and the function that makes the link when the mail is sent."""

SECRET_PATHS = [
    "/account/address/",
    "/account/recovery/prove/",
    "/account/recovery/stop/",
    "/admin/welcome/",
    "/join/",
    "/organization/settings/contact/",
    "/own/",
    "/password/reset/",
    "/signup/",
    "/support-request/",
]
POST_OFFICE = {
    "CELERY_ENABLED": False,
    "MESSAGE_ID_ENABLED": True,
    "MESSAGE_ID_FQDN": env.str("MAIL_DOMAIN", default="localhost"),
    "LOG_LEVEL": 2,
}

# Workers: one queue for each geo, so that one that is down holds up no other

GEOS = env.list("GEOS", default=["us", "eu", "au", "me", "in", "sg"])
GEO_TOKENS = geo_tokens(env.list("GEO_TOKENS", default=[]))
CELERY_TASK_QUEUES = [Queue(name, routing_key=name) for name in ("default", *(f"geo-{code}" for code in GEOS))]
GEO_SERVICES = env.json("GEO_SERVICES", default={})
GEO_BREAKER_FAILURES = env.int("GEO_BREAKER_FAILURES", default=5)
GEO_BREAKER_SECONDS = env.int("GEO_BREAKER_SECONDS", default=60)
CELERY_BROKER_URL = env.str("REDIS_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "max_retries": 0,  # of a publisher's connecting; a worker's own goes by CELERY_BROKER_CONNECTION_MAX_RETRIES
    "visibility_timeout": 600,
}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300

# The policy (docs/policy.md); the defaults are its numbers

PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000")
SALES_CONTACT = env.str("SALES_CONTACT", default="https://konghq.com/contact-sales")
PEOPLE_TO_TELL = "accounts.services.ownership.owner_and_admins"
SALES_CONTACT_OF = "billing.services.sales_contact_of"
ALERTS_TO = env.list("ALERTS_TO", default=[])
SUPPORT_URL = env.str("SUPPORT_URL", default="https://support.konghq.com/")
ADDRESS_HASH_KEY = env.str("ADDRESS_HASH_KEY")
RETENTION_DAYS = env.int("RETENTION_DAYS", default=90)
TRIAL_DAYS = env.int("TRIAL_DAYS", default=30)
TRIAL_CREDIT_CENTS = env.int("TRIAL_CREDIT_CENTS", default=50_000)
SIGN_UP_HOURS = env.int("SIGN_UP_HOURS", default=24)
TAKE_DOWN_DELAY_HOURS = env.int("TAKE_DOWN_DELAY_HOURS", default=72)
TAKE_DOWN_RETRY_SECONDS_MAX = env.int("TAKE_DOWN_RETRY_SECONDS_MAX", default=3600)
UNLOCK_AGAIN_DAYS = env.int("UNLOCK_AGAIN_DAYS", default=365)
PROOF_DAYS = env.int("PROOF_DAYS", default=30)
CONTACT_LINK_DAYS = env.int("CONTACT_LINK_DAYS", default=7)
STAFF_TRAIL_DAYS = env.int("STAFF_TRAIL_DAYS", default=365)
STEP_UP_MINUTES = env.int("STEP_UP_MINUTES", default=15)
APPROVAL_HOURS = env.int("APPROVAL_HOURS", default=24)
ENTERPRISE_REMEMBERED_DAYS = env.int("ENTERPRISE_REMEMBERED_DAYS", default=30)
AGENT_REACTIVATION_HOURS = env.int("AGENT_REACTIVATION_HOURS", default=72)
INACTIVITY_DAYS = env.int("INACTIVITY_DAYS", default=30)
INACTIVITY_NOTICES = env.bool("INACTIVITY_NOTICES", default=True)
INACTIVITY_LIMIT_COUNT = env.int("INACTIVITY_LIMIT_COUNT", default=500)
INACTIVITY_LIMIT_PERCENT = env.float("INACTIVITY_LIMIT_PERCENT", default=2.0)
INACTIVITY_LIMIT_FLOOR = env.int("INACTIVITY_LIMIT_FLOOR", default=10)
DISMISSAL_DAYS = env.int("DISMISSAL_DAYS", default=30)
USAGE_COMPLETE_WITHIN_HOURS = env.int("USAGE_COMPLETE_WITHIN_HOURS", default=2)
USAGE_RECORDS_MAX = env.int("USAGE_RECORDS_MAX", default=10_000)
CLOSE_WAIT_HOURS = env.int("CLOSE_WAIT_HOURS", default=72)
LICENSE_DAYS = env.int("LICENSE_DAYS", default=365)
LICENSE_RENEW_DAYS_LEFT = env.int("LICENSE_RENEW_DAYS_LEFT", default=182)
LICENSE_SIGNING_KEY = env.str("LICENSE_SIGNING_KEY")
LICENSE_PUBLIC_KEYS = env.list("LICENSE_PUBLIC_KEYS", default=[])
CONTROL_PLANES_MAX = env.int("CONTROL_PLANES_MAX", default=100)
SERVICES_MAX = env.int("SERVICES_MAX", default=1000)
CONSUMERS_MAX = env.int("CONSUMERS_MAX", default=10_000)
NODE_RUNNING_SECONDS = env.int("NODE_RUNNING_SECONDS", default=300)
NODES_MAX = env.int("NODES_MAX", default=10_000)

# Logs and figures

METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

_of_every_entry: list[Processor] = [
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.format_exc_info,
    hide_secrets,
]
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        *_of_every_entry,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": _of_every_entry,  # what Django and other libraries log
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "loggers": {"stripe": {"level": "WARNING"}},  # below, it tells what Stripe said, word for word
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
