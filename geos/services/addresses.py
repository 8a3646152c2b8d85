"""What can stand in an address that a gateway asks or is asked at."""

import re

from geos.errors import GeoRefusal

PROTOCOLS = ("grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp", "ws", "wss")
HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,253}")
PORTS = range(1, 65536)


def check_address(protocol: str, host: str, port: int, *, within: str = "") -> None:
    """Raise GeoRefusal where there can be no such address; `within` stands before the fields' names."""
    if protocol not in PROTOCOLS:
        raise GeoRefusal(f"The protocol is one of {', '.join(PROTOCOLS)}.", f"{within}protocol")
    if not HOST.fullmatch(host):
        raise GeoRefusal(
            "The host is a name or an IP address of 253 characters at most, as in api.acme.example.", f"{within}host"
        )
    if port not in PORTS:
        raise GeoRefusal("The port lies between 1 and 65535.", f"{within}port")
