"""Where a request comes from, as limits and the audit log count it."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

MOST_CHARACTERS = 100
SITE_BITS = 64  # what one subscriber has of IPv6: any of its addresses may be theirs


def address_of(scope: Scope) -> str:
    """The client's address, told by a trusted proxy where there is one; of IPv6 the network of 64 bits."""
    client = scope.get("client")
    if not client:
        return "local"
    try:
        found = ip_address(client[0].partition("%")[0])
    except ValueError:
        return str(client[0])[:MOST_CHARACTERS]
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Network((found, SITE_BITS), strict=False))
