"""IANA's special-purpose address registries, kept here so that no interpreter's patch level decides on them.

https://www.iana.org/assignments/iana-ipv4-special-registry and https://www.iana.org/assignments/iana-ipv6-special-registry
Compared row by row with copies of both as of July 2026; the newest entry is the dummy prefix of RFC 9780,
of April 2025. Whoever brings them up to date changes `AS_OF`.
"""

from __future__ import annotations

import ipaddress

AS_OF = "2026-07"
"""Year and month of the registries that this table was compared with."""

IPV4 = {
    "0.0.0.0/8": "this network",
    "0.0.0.0/32": "this host on this network",
    "10.0.0.0/8": "private use",
    "100.64.0.0/10": "shared address space of carriers",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private use",
    "192.0.0.0/24": "IETF protocol assignments",
    "192.0.0.0/29": "IPv4 service continuity",
    "192.0.0.8/32": "dummy address",
    "192.0.0.9/32": "port control protocol anycast",
    "192.0.0.10/32": "TURN anycast",
    "192.0.0.170/32": "discovery of NAT64",
    "192.0.0.171/32": "discovery of NAT64",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112",
    "192.52.193.0/24": "multicast tunnelling",
    "192.88.99.0/24": "relays of 6to4, deprecated",
    "192.88.99.2/32": "relays of 6a44",
    "192.168.0.0/16": "private use",
    "192.175.48.0/24": "direct delegation to AS112",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "240.0.0.0/4": "reserved",
    "255.255.255.255/32": "limited broadcast",
}
IPV6 = {
    "::1/128": "loopback",
    "::/128": "unspecified",
    "::ffff:0:0/96": "IPv4 mapped",
    "64:ff9b::/96": "translation to IPv4",
    "64:ff9b:1::/48": "translation to IPv4 of a local network",
    "100::/64": "discard only",
    "100:0:0:1::/64": "dummy prefix",
    "2001::/23": "IETF protocol assignments",
    "2001::/32": "Teredo",
    "2001:1::1/128": "port control protocol anycast",
    "2001:1::2/128": "TURN anycast",
    "2001:1::3/128": "service registration anycast",
    "2001:2::/48": "benchmarking",
    "2001:3::/32": "multicast tunnelling",
    "2001:4:112::/48": "AS112",
    "2001:10::/28": "ORCHID, deprecated",
    "2001:20::/28": "ORCHIDv2",
    "2001:30::/28": "remote identification of drones",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "direct delegation to AS112",
    "3fff::/20": "documentation",
    "5f00::/16": "segment routing",
    "fc00::/7": "unique local",
    "fe80::/10": "link-local unicast",
}

SPECIAL = tuple(map(ipaddress.ip_network, (*IPV4, *IPV6)))
"""No server has an address of these; what is reachable among them is many machines, or a protocol's."""
