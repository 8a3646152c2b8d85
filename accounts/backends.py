from django.contrib.auth.backends import ModelBackend


class PortalBackend(ModelBackend):
    """Who may do what."""
