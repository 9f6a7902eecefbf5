"""Which addresses may be called: those of the public internet, and no others unless the operator says so."""

from __future__ import annotations

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address

from chalicelib import settings
from chalicelib.callbacks.errors import AddressNotAllowed, Unreachable
from chalicelib.callbacks.special_addresses import SPECIAL

Address = IPv4Address | IPv6Address

_GLOBAL_UNICAST_V6 = ipaddress.ip_network("2000::/3")
"""All that IANA gives to networks; the rest of IPv6 is reserved, multicast, or of somebody's own."""
_MULTICAST_V4 = ipaddress.ip_network("224.0.0.0/4")
_AZURES_METADATA = ipaddress.ip_network("168.63.129.16/32")
"""Public by number, private by use."""


def public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet, and is that of one machine."""
    if isinstance(address, IPv6Address):
        if address not in _GLOBAL_UNICAST_V6:
            return False
    elif address in _MULTICAST_V4 or address in _AZURES_METADATA:
        return False
    return not any(address in network for network in SPECIAL if network.version == address.version)


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, each of which may be called.

    The caller connects to exactly one of these: asking again could give another answer.

    Raises:
        Unreachable: there is no such host.
        AddressNotAllowed: any of its addresses is not public, unless the operator allows that.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(_refused(host)) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not settings.current().callback_allow_private:
        for address in addresses:
            # A zone, as in fe80::1%eth0, belongs to addresses of the local network only.
            if not public(ipaddress.ip_address(address.partition("%")[0])):
                raise AddressNotAllowed(_refused(host))
    return addresses


def _refused(host: str) -> str:
    """Return one wording for both: whoever asks shall not learn which names a private network has."""
    return f"the host '{host}' is not known, or has an address that is not public"
