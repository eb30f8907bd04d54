"""Internet addresses, and which of them count as one."""

from ipaddress import IPv6Address, IPv6Network, ip_address

_OF_ONE = 64
"""Bits of an IPv6 address that tell one network from another: the rest are anybody's to choose."""


def network_of(ip: str) -> str:
    """Return an address, of IPv6 its network of 64 bits; what is no address stays as it is.

    One of IPv4 that is written as one of IPv6 is that of IPv4.
    """
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Network((int(address) >> _OF_ONE << _OF_ONE, _OF_ONE)))
    return ip


def is_loopback(name: str) -> bool:
    """Say whether a name, or an address, is this machine's own wherever it is used."""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
