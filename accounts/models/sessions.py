"""Sessions by person, so that each can be listed and ended by whom it belongs to."""

from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """A session; `user_id` says whose, null while nobody has signed in with it."""

    user_id = models.UUIDField(null=True, blank=True)

    class Meta(AbstractBaseSession.Meta):
        indexes = [
            models.Index(fields=["user_id"], condition=models.Q(user_id__isnull=False), name="session_of_person")
        ]

    @classmethod
    def get_session_store_class(cls):
        return SessionStore


class SessionStore(DatabaseStore):
    """What SESSION_ENGINE asks for."""

    @classmethod
    def get_model_class(cls):
        return Session

    def create_model_instance(self, data):
        session = super().create_model_instance(data)
        assert isinstance(session, Session)
        session.user_id = UUID(data[SESSION_KEY]) if SESSION_KEY in data else None
        return session
