"""Where servers listen: `::` is every address, of both versions of IP."""

import socket


def sockets_of(host: str, port: int) -> list[socket.socket]:
    """On `::` one a version; none for any other host. OSError where the port is taken.

    asyncio takes `::` for IPv6 alone, and who asks 127.0.0.1 finds nobody. One socket for both would show an
    IPv4 address as `::ffff:10.0.0.1`, which no list of proxies names.
    """
    if host != "::":
        return []
    six = socket.create_server((host, port), family=socket.AF_INET6)
    try:
        return [six, socket.create_server(("0.0.0.0", six.getsockname()[1]))]  # noqa: S104
    except OSError:
        six.close()
        raise
