"""Where each app registers its figures; it needs no model, so that apps can when they are made ready."""

from prometheus_client import CollectorRegistry

registry = CollectorRegistry(auto_describe=False)
