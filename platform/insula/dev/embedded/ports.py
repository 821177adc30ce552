import socket


def free_port() -> int:
    """Return a loopback port that was free a moment ago; binding it may still fail."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
