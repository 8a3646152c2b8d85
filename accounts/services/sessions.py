"""A person's sessions: what each tells of itself, and their end."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.devices import name_of_device
from accounts.models import Session, User

TRACE = "trace"
SEEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class SessionShown:
    """A session as its owner reads of it; `name` tells it from the others without opening it."""

    name: str
    device: str
    address: str
    seen_at: datetime
    is_this: bool


def note_use(session: SessionBase, *, user_agent: str, address: str) -> None:
    """Keep with a session from where and when it was used, to within five minutes."""
    now = int(timezone.now().timestamp())
    trace = session.get(TRACE)
    if trace is None or trace["address"] != address or now - trace["seen_at"] >= SEEN_EVERY.total_seconds():
        session[TRACE] = {"device": name_of_device(user_agent), "address": address, "seen_at": now}


def sessions_of(user: User, *, this: str | None) -> list[SessionShown]:
    """The person's sessions, the last seen first, in one query; `this` is the key of the one that asks."""
    rows = Session.objects.filter(user_id=user.pk, expire_date__gt=timezone.now())
    return sorted((_shown(row, this) for row in rows), key=lambda shown: shown.seen_at, reverse=True)


def end_session(user: User, name: str) -> bool:
    """End the person's own session of that name; says whether there was one."""
    keys = [row.session_key for row in Session.objects.filter(user_id=user.pk) if _name(row) == name]
    return bool(Session.objects.filter(session_key__in=keys).delete()[0])


def end_sessions(user_id: UUID, *, but: str | None = None) -> int:
    """Sign the person out everywhere, but for the session with the key `but`; how many sessions ended."""
    return Session.objects.filter(user_id=user_id).exclude(session_key=but or "").delete()[0]


def _shown(row: Session, this: str | None) -> SessionShown:
    trace = row.get_decoded().get(TRACE, {"device": "Unknown browser", "address": "", "seen_at": 0})
    seen_at = datetime.fromtimestamp(trace["seen_at"], UTC)
    return SessionShown(_name(row), trace["device"], trace["address"], seen_at, row.session_key == this)


def _name(row: Session) -> str:
    return salted_hmac("session name", row.session_key, algorithm="sha256").hexdigest()
