"""A worker that loses its broker while at work goes on when the broker is back (P48).

Kombu 5.7 gives back and acknowledges a message over the channel by which it came. Where the connection of that
channel is gone it raises AttributeError, which Celery takes for a fault of its own: the worker neither ends nor works
any more. Raised as what it is, a lost connection, Celery logs it and goes on.
"""

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection is None or self.connection.client is None:
            raise ConnectionError("the connection of this channel is gone")
        return super()._connparams(asynchronous)  # type: ignore[misc]


redis.Transport.Channel = Channel
