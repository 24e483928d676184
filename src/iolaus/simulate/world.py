"""The world around accounts: networks, clients, model releases, names. All of it invented."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from iolaus.simulate.rhythm import DAY

__all__ = ["MODELS", "REGIONS", "World"]

# country, hours ahead of UTC, share of customers
REGIONS: Final = (
    ("US", -6.0, 0.30),
    ("GB", 0.0, 0.09),
    ("DE", 1.0, 0.09),
    ("FR", 1.0, 0.05),
    ("PL", 1.0, 0.03),
    ("IN", 5.5, 0.11),
    ("BR", -3.0, 0.06),
    ("JP", 9.0, 0.06),
    ("KR", 9.0, 0.04),
    ("SG", 8.0, 0.06),
    ("HK", 8.0, 0.04),
    ("TW", 8.0, 0.03),
    ("CA", -5.0, 0.04),
)
CHINESE: Final = ("SG", "HK", "TW")
# The pair of old models, and the pair released while the log runs.
MODELS: Final = ("atlas-2", "atlas-2-mini", "atlas-3", "atlas-3-mini")

_CLIENTS: Final = (
    ("atlas-python/{}", ("1.38.0", "1.41.2", "1.42.0", "1.44.1"), 0.34),
    ("atlas-node/{}", ("4.2.0", "4.4.3", "4.6.0"), 0.18),
    ("python-requests/{}", ("2.31.0", "2.32.3"), 0.12),
    ("python-httpx/{}", ("0.27.0", "0.27.2", "0.28.1"), 0.08),
    ("node-fetch/{}", ("3.3.2",), 0.05),
    ("okhttp/{}", ("4.12.0",), 0.04),
    ("Go-http-client/{}", ("1.1", "2.0"), 0.05),
    ("axios/{}", ("1.6.8", "1.7.2"), 0.09),
    ("curl/{}", ("8.5.0", "8.7.1"), 0.05),
)
_ENGINE: Final = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
_BROWSERS: Final = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_ENGINE}",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_ENGINE}",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
    "AtlasApp/{} (iOS)",
    "AtlasApp/{} (Android)",
)
_FREE_MAIL: Final = ("gmail.com", "outlook.com", "icloud.com", "yahoo.com", "proton.me", "qq.com", "163.com")
_FREE_MAIL_SHARE: Final = (0.5, 0.18, 0.1, 0.07, 0.07, 0.04, 0.04)
_THROWAWAY: Final = ("mailbin.example", "tempinbox.example", "tenminute.example")
_REFERRERS: Final = ("direct", "search", "docs", "friend", "social", "newsletter", None)
_REFERRER_SHARE: Final = (0.3, 0.24, 0.12, 0.1, 0.1, 0.04, 0.1)
_SYLLABLES: Final = (
    "al", "bri", "cor", "dan", "el", "fen", "gra", "hol", "ist", "jun", "kel", "lor", "mar", "nev", "or",
    "pel", "qui", "ros", "sal", "tor", "ul", "ven", "wil", "yar", "zan", "mo", "ti", "ka",
)  # fmt: skip


@dataclass
class World:
    """Tables that accounts point into, and the means to add to them.

    Attributes:
        rng: source of chance.
        days: length of the log.
        weekday: of its first day, 0 for Monday.
        release: instant of the new models' release, µs after the log's start.
        ips: address, network number and country of each address.
        agents: user agent and TLS fingerprint of each client.
    """

    rng: np.random.Generator
    days: int
    weekday: int
    release: int = 0
    ips: list[tuple[str, int, str]] = field(default_factory=list)
    agents: list[tuple[str, str]] = field(default_factory=list)
    _networks: dict[tuple[str, str], list[tuple[int, tuple[str, ...]]]] = field(default_factory=dict)
    _shared: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _agent_index: dict[str, int] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _asn: int = 64_512

    def __post_init__(self) -> None:
        """Set the release somewhere in the middle of the log, at a working hour."""
        self.release = int(self.days * self.rng.uniform(0.45, 0.65)) * DAY + 17 * DAY // 24

    def region(self) -> tuple[str, float]:
        """A country and its offset from UTC in hours."""
        country, zone, _ = REGIONS[int(self.rng.choice(len(REGIONS), p=[r[2] for r in REGIONS]))]
        return country, zone

    def address(self, country: str, kind: str = "home") -> int:
        """A new address, its number; kinds of network are home, mobile, office, cloud, vpn and campus."""
        networks = self._networks.setdefault((country, kind), [])
        if not networks:
            for _ in range({"home": 4, "cloud": 5}.get(kind, 2)):
                self._asn += 1
                blocks = tuple(f"{self.rng.integers(23, 220)}.{self.rng.integers(0, 256)}" for _ in range(3))
                networks.append((self._asn, blocks))
        asn, blocks = networks[int(self.rng.integers(len(networks)))]
        block = blocks[int(self.rng.integers(len(blocks)))]
        self.ips.append((f"{block}.{self.rng.integers(0, 256)}.{self.rng.integers(1, 255)}", asn, country))
        return len(self.ips) - 1

    def shared_address(self, country: str, kind: str, pool: int) -> int:
        """One of ``pool`` addresses that strangers share (carrier NAT, VPN exits)."""
        addresses = self._shared.setdefault((country, kind), [])
        if len(addresses) < pool:
            addresses.append(self.address(country, kind))
            return addresses[-1]
        return addresses[int(self.rng.integers(len(addresses)))]

    def personal_addresses(self, country: str) -> list[int]:
        """The addresses of one person: a home line that changes now and then, maybe a phone or a VPN."""
        out = [self.address(country) for _ in range(int(self.rng.integers(1, 4)))] * 2
        if self.rng.random() < 0.35:
            out.append(self.shared_address(country, "mobile", 60))
        if self.rng.random() < 0.18:
            out.append(self.shared_address("NL" if self.rng.random() < 0.5 else country, "vpn", 25))
        return out

    def server_addresses(self, country: str) -> list[int]:
        """The addresses one service uses: a few machines in a cloud."""
        return [self.address(country, "cloud") for _ in range(int(self.rng.integers(1, 4)))]

    def agent(self, browser: bool = False) -> int:
        """A client in common use; returns its number."""
        if browser:
            text = _BROWSERS[int(self.rng.integers(len(_BROWSERS)))].format(int(self.rng.integers(124, 134)))
        else:
            shares = np.array([c[2] for c in _CLIENTS])
            pattern, versions, _ = _CLIENTS[int(self.rng.choice(len(_CLIENTS), p=shares / shares.sum()))]
            text = pattern.format(versions[int(self.rng.integers(len(versions)))])
        return self.named_agent(text)

    def named_agent(self, text: str) -> int:
        """The number of a user agent, with the TLS fingerprint that its library has."""
        if text not in self._agent_index:
            # The fingerprint follows the library, not its version, as in real traffic.
            digits = sum((i + 1) * ord(c) for i, c in enumerate(text.split("/")[0] + text[-3:-1]))
            ciphers, extensions = digits * 2654435761 % 2**48, digits * 40503 % 2**48
            ja4 = f"t13d{digits % 9 + 10}{digits % 7 + 10}h2_{ciphers:012x}_{extensions:012x}"
            self._agent_index[text] = len(self.agents)
            self.agents.append((text, ja4))
        return self._agent_index[text]

    def domain(self, ending: str = "com") -> str:
        """A domain that nobody else in the range has."""
        while True:
            word = "".join(self.rng.choice(_SYLLABLES, int(self.rng.integers(3, 5))))
            if word not in self._names:
                self._names.add(word)
                return f"{word}.{ending}"

    def free_mail(self) -> str:
        """The domain of a free mail service."""
        return str(self.rng.choice(_FREE_MAIL, p=_FREE_MAIL_SHARE))

    def throwaway_mail(self) -> str:
        """The domain of a disposable mail service."""
        return str(self.rng.choice(_THROWAWAY))

    def referrer(self) -> str | None:
        """Where a customer came from."""
        return _REFERRERS[int(self.rng.choice(len(_REFERRERS), p=_REFERRER_SHARE))]

    def token(self, prefix: str) -> str:
        """An opaque identifier."""
        return f"{prefix}_{self.rng.bytes(8).hex()}"
