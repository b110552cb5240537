"""What breaks a rule of the house on purpose, each with its reason. A rule not broken here any more fails as well."""

from collections.abc import Mapping

BROAD_EXCEPT: Mapping[str, str] = {
    "libs/shared/hosting": "owns every task: an error in one is logged and the task starts again",
    "libs/shared/http/server.py": "a handler's mistake is answered in the dialect of its route, and tells nothing",
    "libs/shared/delivery": "an event whose reaction fails in whatever way is parked, never lost",
}
"""Where `except Exception` may stand; five in all."""

FOREIGN_RAISES: Mapping[str, str] = {
    "libs/shared/config/address.py:ValueError": "pydantic turns it into a flaw of the setting",
    "libs/shared/egress/dial.py:OSError": "what aiohttp expects of a resolver",
    "libs/shared/egress/target.py:ValueError": "caught in the same file",
    "libs/shared/hosting/folder.py:PermissionError": "caught four lines below, with what the system itself raises",
    "libs/shared/http/server.py:ConnectionResetError": "what aiohttp makes of a client that is gone",
    "libs/shared/kinds/writes.py:AssertionError": "a route without its command is never made",
    "libs/shared/store/canonical.py:TypeError": "what orjson expects of its fallback",
    "services/accounts/rest/sessions.py:web.HTTPFound": "a redirection is no error",
    "services/events/settings.py:ValueError": "pydantic turns it into a flaw of the setting",
    "services/gateway/settings.py:ValueError": "pydantic turns it into a flaw of the setting",
}
"""`file:exception`: raised for a caller that isn't ours."""

LONG_FILES: Mapping[str, str] = {}
LONG_FUNCTIONS: Mapping[str, str] = {}
MUTABLE_STATE: Mapping[str, str] = {}
UNTOLD_EVENTS: Mapping[str, str] = {}
UNTESTED_REACTIONS: Mapping[str, str] = {}

WRAPPED: Mapping[str, str | tuple[str, ...]] = {
    "helm_python": "services/openpitrix/clients/helm_child.py",
    "aiosmtplib": "services/notification/clients",
    "argon2": "services/accounts/clients",
    "bcrypt": "services/accounts/clients",
    "sqlite3": ("libs/shared", "libs/sandbox/disk.py"),
    "tantivy": "services/logging/clients/index",
    "uvloop": "libs/shared/hosting",
    "yaml": (
        "libs/shared/config/sources.py",
        "libs/shared/kube",
        "libs/sandbox/api/yamls.py",
        "services/accounts/app.py",
        "services/openpitrix/clients/reader.py",
    ),
    "numpy": "services/monitoring/domain/arrays.py",
    "promql_parser": "services/monitoring/clients/parser.py",
    "re2": "libs/shared/regex.py",
    "structlog": "libs/shared/telemetry",
    "opentelemetry.sdk": "libs/shared/telemetry",
    "opentelemetry.exporter": "libs/shared/telemetry",
    "motor": "libs/shared/store/mongo.py",
    "nats": "libs/shared/bus/nats.py",
    "aiokafka": "libs/shared/bus/kafka.py",
    "kubernetes_asyncio": "libs/shared/kube",
}
"""Foreign libraries, and the one file or folder that knows each."""
