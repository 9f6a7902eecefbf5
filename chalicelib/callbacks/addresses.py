"""Which addresses may be called: those of the public internet, and no others unless the operator says so."""

from __future__ import annotations

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address

from chalicelib import settings
from chalicelib.callbacks.errors import AddressNotAllowed, Unreachable

Address = IPv4Address | IPv6Address

_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's metadata and health service: public by number, private by use
        "192.88.99.0/24",  # relays of 6to4, which lead anywhere
        "::/96",  # IPv4 inside of IPv6: compatible, ...
        "::ffff:0:0/96",  # mapped, ...
        "::ffff:0:0:0/96",  # translated, ...
        "64:ff9b::/96",  # NAT64, ...
        "64:ff9b:1::/48",  # NAT64 of a local network, ...
        "2001::/32",  # Teredo, ...
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local
    )
)
"""Beyond what `is_global` knows of. Addresses that hide another one are refused whatever they hide."""


def public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet, and is that of one machine."""
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return not any(address in network for network in _REFUSED if network.version == address.version)


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
        raise Unreachable(f"the host '{host}' is not known") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not settings.current().callback_allow_private:
        for address in addresses:
            # A zone, as in fe80::1%eth0, belongs to addresses of the local network only.
            if not public(ipaddress.ip_address(address.partition("%")[0])):
                raise AddressNotAllowed(f"the host '{host}' has an address that is not public")
    return addresses
