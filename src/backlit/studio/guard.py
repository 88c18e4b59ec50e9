"""Who may talk to the studio's server: those who know its token, from its own page, by its own name.

A page of another site can make a browser send requests to this machine, and a name that it owns can be made to mean
this machine (DNS rebinding). So every request and websocket must name the server as it is called here (`Host`), come
from its own page (`Origin`), and bring the cookie that the token was changed for.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from backlit.errors import InputError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SHORTEST_TOKEN = 12
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def is_loopback(host: str) -> bool:
    """Whether a name means this machine alone."""
    return host in LOOPBACK or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def own_address(host: str) -> str:
    """By which address others reach this machine, if it listens on all of its own; nothing is sent to find out."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104
        return host
    family, other = (socket.AF_INET, "192.0.2.1") if host == "0.0.0.0" else (socket.AF_INET6, "2001:db8::1")  # noqa: S104
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((other, 9))  # asks for the way there alone
            return str(probe.getsockname()[0])
        except OSError:  # there is no network
            return socket.gethostname()


@dataclass
class Guard:
    """The rules of one server.

    Parameters
    ----------
    port : int
    host : str
        What it listens on.
    token : str
        What the address holds the first time.
    seats : int
        Pupils that may come, each with a session of their own; 0: all who come share one.
    own : str
        Of a class: the teacher's token, whose seat isn't counted.

    Attributes
    ----------
    keys : dict of str to float
        What cookies hold, each with the time (``time.monotonic``) when it was handed out.
    """

    port: int
    host: str = "127.0.0.1"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    seats: int = 0
    own: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    keys: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.token) < SHORTEST_TOKEN:
            raise InputError(f"a token must have at least {SHORTEST_TOKEN} characters, or others would guess it")
        self._shared = secrets.token_urlsafe(24)
        if not self.seats:
            self.keys[self._shared] = time.monotonic()

    @property
    def cookie(self) -> str:
        """The cookie's name; ports share cookies, so it has the port's number."""
        return f"backlit-studio-{self.port}"

    def names(self, host: str) -> bool:
        """Whether a `Host` header names this server: by loopback's names; if others may come, its own or an address."""
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if parts.username is not None or parts.path or (port if port is not None else 80) != self.port:
            return False
        if is_loopback(self.host):
            return name in LOOPBACK
        return name in (*LOOPBACK, self.host, socket.gethostname().lower()) or _is_address(name)

    def comes_from_here(self, origin: str | None, host: str, *, needed: bool) -> bool:
        """Whether an `Origin` is this server's page; browsers leave it out of plain requests, never of websockets."""
        return not needed if origin is None else origin in (f"http://{host}", f"https://{host}")

    def knows(self, token: str) -> bool:
        """Whether that is the token, or the teacher's."""
        given = token.encode()
        return any(hmac.compare_digest(given, known.encode()) for known in (self.token, self.own))

    def key_of(self, cookies: Iterable[str]) -> str | None:
        """The key in a request's cookies, if it is one that was handed out."""
        for header in cookies:
            for part in header.split(";"):  # by hand: strict readers stop at the first cookie of others they don't like
                name, _, value = part.partition("=")
                if name.strip() == self.cookie:
                    given = value.strip().encode()
                    found = [key for key in self.keys if hmac.compare_digest(key.encode(), given)]
                    if found:
                        return found[0]
        return None

    def new_key(self, token: str) -> str | None:
        """A key for someone who knows a token; None if all seats are taken."""
        if not self.seats or hmac.compare_digest(token.encode(), self.own.encode()):
            self.keys[self._shared] = time.monotonic()
            return self._shared
        if len(self.keys.keys() - {self._shared}) >= self.seats:
            return None
        key = secrets.token_urlsafe(24)
        self.keys[key] = time.monotonic()
        return key

    def let_go(self, key: str) -> None:
        """A seat is free again."""
        self.keys.pop(key, None)

    def cookie_for(self, key: str) -> str:
        """The header that hands over a key.

        Lax, so that a link in a mail finds the session that the person has. Websockets must name their origin anyway.
        """
        return f"{self.cookie}={key}; Path=/; HttpOnly; SameSite=Lax"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
