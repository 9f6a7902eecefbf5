"""No address that is not public gets through, however it is written."""

from __future__ import annotations

import ipaddress
import re
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.callbacks import addresses, special_addresses
from chalicelib.callbacks.errors import AddressNotAllowed, Unreachable

_NOT_PUBLIC = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
    *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "192.88.99.0/24", "168.63.129.16/32"),
    *("::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001:db8::/32", "100::/64"),
    *("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0/96", "2002::/16", "2001::/32", "::/96"),
    *("2001::/23", "3fff::/20", "5f00::/16", "100:0:0:1::/64", "4000::/3", "2620:4f:8000::/48"),
    *("192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24"),
]


@st.composite
def _not_public(draw: st.DrawFn) -> addresses.Address:
    network = ipaddress.ip_network(draw(st.sampled_from(_NOT_PUBLIC)))
    offset = draw(st.integers(0, network.num_addresses - 1))
    return network.network_address + offset


@given(_not_public())
def test_what_is_not_public_is_refused(address: addresses.Address) -> None:
    assert not addresses.public(address)


@given(st.ip_addresses(v=4))
def test_no_form_of_hiding_one_address_in_another_helps(inner: IPv4Address) -> None:
    number = int(inner)
    for hidden in (
        IPv6Address(number),
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address((0x64FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | (number << 80)),
        IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    ):
        assert not addresses.public(hidden)


@given(st.ip_addresses())
def test_what_is_public_has_nothing_special(address: addresses.Address) -> None:
    if addresses.public(address):
        assert not (address.is_private or address.is_loopback or address.is_link_local)
        assert not (address.is_multicast or address.is_reserved or address.is_unspecified)
        assert not any(
            address in network
            for network in map(ipaddress.ip_network, _NOT_PUBLIC)
            if network.version == address.version
        )


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111"])
def test_the_public_internet_may_be_called(address: str) -> None:
    assert addresses.resolve(address, 443) == [address]


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "::1", "0.0.0.0", "0", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"),
        *("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "::ffff:127.0.0.1", "64:ff9b::7f00:1"),
    ],
)
def test_this_machine_and_metadata_may_not_be_called(host: str) -> None:
    with pytest.raises(AddressNotAllowed):
        addresses.resolve(host, 80)


def test_one_bad_address_among_good_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(host: str, port: int, **_: object) -> list[object]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port)),
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1%eth0", port, 0, 2)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(AddressNotAllowed):
        addresses.resolve("example.com", 80)


def test_an_operator_may_allow_them(private_allowed: None) -> None:
    assert addresses.resolve("127.0.0.1", 80) == ["127.0.0.1"]


@given(st.ip_addresses())
def test_what_any_interpreter_knows_to_be_special_is_refused(address: addresses.Address) -> None:
    """Not the other way round: what one of them does not know yet stands in the registries."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not addresses.public(address)


def test_the_registries_are_whole_and_dated() -> None:
    assert re.fullmatch(r"20\d\d-\d\d", special_addresses.AS_OF)
    assert len(special_addresses.SPECIAL) == 51
    for address in ("192.0.0.1", "192.0.0.170", "2001:1ff::1", "2001:db8::1", "3fff:fff::1", "5f00::1"):
        assert not addresses.public(ipaddress.ip_address(address))
    for address in ("192.0.1.1", "2001:200::1", "2001:4860:4860::8888", "2003::1"):
        assert addresses.public(ipaddress.ip_address(address))


def test_nobody_learns_which_names_a_network_has() -> None:
    with pytest.raises(Unreachable) as unknown:
        addresses.resolve("no-such-host.invalid", 80)
    with pytest.raises(AddressNotAllowed) as private:
        addresses.resolve("localhost", 80)
    assert str(unknown.value).replace("no-such-host.invalid", "localhost") == str(private.value)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".invalid", "."])
def test_a_host_that_is_not_known(host: str) -> None:
    with pytest.raises(Unreachable):
        addresses.resolve(host, 80)
