"""The plan of a log: columns of integers, one row an exchange, before any text is written."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from iolaus.simulate.corpus import Corpus
from iolaus.simulate.grammar import Ints
from iolaus.simulate.grammars import DOMAINS
from iolaus.simulate.people import Account
from iolaus.simulate.rhythm import HOUR, Floats, RealClients, arrivals, profile
from iolaus.simulate.templates import Wrappings

__all__ = ["COLUMNS", "DOMAIN", "Traffic"]

DOMAIN: Final = {name: i for i, name in enumerate(DOMAINS)}
_CHINESE: Final = frozenset(i for name, i in DOMAIN.items() if name.startswith("zh"))

# Column: its type and what a row has unless told otherwise.
COLUMNS: Final[dict[str, tuple[str, int]]] = {
    "instant": ("int64", 0),
    "account": ("int32", 0),
    "domain": ("int8", 0),
    "code": ("int64", 0),
    "wrap": ("int32", 0),
    "wording": ("int64", 0),
    "thread": ("int32", -1),
    "conversation": ("int32", -1),
    "turn": ("int16", 1),
    # A row that saves keeps the history up to its answer under a number; one that resumes goes on from there.
    "saves": ("int32", -1),
    "resumes": ("int32", -1),
    "system": ("int32", -1),
    "model": ("int8", 0),
    "tools": ("int8", 0),
    "choices": ("int8", 1),
    "status": ("int16", 200),
    "harvested": ("bool", 0),
    # Passages pasted below the item; below zero the item has them as part of itself, whoever sends it.
    "passages": ("int16", 0),
    "salt": ("int64", 0),
}


@dataclass
class Traffic:
    """Collects accounts and blocks of rows, and knows how an ordinary customer's requests look.

    ``blocks`` holds the rows added since the plan was last settled, in that order; columns that a block shares with
    nobody may be replaced. Settled rows are held in a few large blocks, because a block for each account would take
    more memory than its rows.
    """

    rng: np.random.Generator
    days: int
    weekday: int
    release: int
    corpus: Corpus
    wrappings: Wrappings
    clients: RealClients | None = None
    accounts: list[Account] = field(default_factory=list)
    rows: int = 0
    blocks: list[dict[str, NDArray[Any]]] = field(default_factory=list)
    _settled: list[dict[str, NDArray[Any]]] = field(default_factory=list)
    _profiles: dict[tuple[str, float], Floats] = field(default_factory=dict)
    _threads: int = 0

    def enrol(self, account: Account) -> int:
        """Add an account and return its number."""
        self.accounts.append(account)
        return len(self.accounts) - 1

    def add(self, **columns: Any) -> None:  # noqa: ANN401 (arrays or scalars of any integer type)
        """Add a block of rows; ``instant`` gives the length, a column left out has its usual value."""
        n = len(columns["instant"])
        if n == 0:
            return
        if "salt" not in columns:
            columns["salt"] = self.rng.integers(0, 2**62, n)
        block = {}
        for name, (kind, usual) in COLUMNS.items():
            values = np.asarray(columns.get(name, usual), dtype=kind)
            block[name] = values if values.shape == (n,) else np.full(n, values)
        self.blocks.append(block)
        self.rows += n

    def threads(self, n: int) -> Ints:
        """Numbers for ``n`` new conversations; shape (n,)."""
        self._threads += n
        return np.arange(self._threads - n, self._threads, dtype=np.int64)

    def weights(self, account: Account) -> Floats:
        """The account's relative activity by hour of the log; shape (24 * days,)."""
        if account.habits.client >= 0 and self.clients is not None:
            hourly: Floats = self.clients.hourly[account.habits.client]
            return hourly
        return self.rhythm(account.habits.style, account.zone)

    def rhythm(self, style: str, zone: float) -> Floats:
        """A daily rhythm in a time zone; shape (24 * days,)."""
        if (style, zone) not in self._profiles:
            self._profiles[style, zone] = profile(style, self.days, self.weekday, zone)
        return self._profiles[style, zone]

    def count(self, account: Account) -> int:
        """How many requests the account sends in its time, by its rate."""
        return max(1, int(self.rng.poisson(account.rate * max(account.ends - account.begins, 0.05))))

    def ordinary(self, number: int, n: int, instants: Ints | None = None) -> None:
        """Add ``n`` requests as the account's habits have them: benign traffic, and cover traffic too."""
        account = self.accounts[number]
        if instants is None:
            instants = arrivals(
                self.rng, n, self.weights(account), account.begins, account.ends, account.habits.session
            )
        n = len(instants)
        if n == 0:
            return
        habits, rng = account.habits, self.rng
        first, turn = self._conversations(instants, habits.continues)
        topics = np.array([DOMAIN[d] for d in habits.domains], dtype=np.int16)
        domain = topics[rng.choice(len(topics), int(first.sum()), p=habits.shares)][np.cumsum(first) - 1]
        domain, code = self._items(domain, turn)
        wrap, wording = self.wrapped(habits.wrappings, habits.wrapped, turn)
        thread = self.threads(int(first.sum()))[np.cumsum(first) - 1]
        starts = np.cumsum(first) - 1
        other = (rng.random(int(first.sum())) < habits.other_share)[starts]
        self.add(
            instant=instants, account=number, domain=domain, code=code, wrap=wrap, wording=wording,
            thread=thread, conversation=thread if habits.conversations else -1, turn=turn,
            system=np.where(other, habits.other_system, habits.system),
            model=self.models(account, instants), tools=habits.tools,
            passages=self._pasted(habits.pastes, turn),
        )  # fmt: skip

    def models(self, account: Account, instants: Ints) -> NDArray[np.int8]:
        """The model of each request: 0 and 1 before the account moves, 2 and 3 after; odd ones are small."""
        mini = self.rng.random(len(instants)) < account.habits.mini
        return (mini + 2 * (instants >= account.habits.adopts)).astype(np.int8)

    def wrapped(self, numbers: list[int], share: float, turn: Ints) -> tuple[Ints, Ints]:
        """Templates and wordings of requests; a bare item has template 0. Shapes (n,) and (n,)."""
        wrap = np.zeros(len(turn), dtype=np.int64)
        wording = np.zeros(len(turn), dtype=np.int64)
        if not numbers:
            return wrap, wording
        used = (self.rng.random(len(turn)) < share) & (turn == 1)
        wrap[used] = np.array(numbers)[self.rng.integers(0, len(numbers), int(used.sum()))]
        return wrap, self.reword(wrap)

    def reword(self, wrap: Ints) -> Ints:
        """A wording for each row whose template is paraphrased; shape (n,)."""
        return self.wrappings.reword(self.rng, wrap)

    def followups(self, domain: NDArray[np.int16]) -> tuple[NDArray[np.int16], Ints]:
        """Follow-up items in the language of the conversations; shapes (n,) and (n,)."""
        chinese = np.isin(domain, list(_CHINESE))
        out = np.where(chinese, DOMAIN["zh_followup"], DOMAIN["followup"]).astype(np.int16)
        code = np.zeros(len(domain), dtype=np.int64)
        for name in ("followup", "zh_followup"):
            rows = out == DOMAIN[name]
            code[rows] = self.corpus.draw(name, int(rows.sum()))
        return out, code

    def last_block(self) -> dict[str, NDArray[Any]]:
        """The rows that were added last."""
        return self.blocks[-1]

    def settle(self) -> None:
        """Join the blocks so far into one that nobody changes any more."""
        if self.blocks:
            self._settled.append({name: np.concatenate([b[name] for b in self.blocks]) for name in COLUMNS})
            self.blocks.clear()

    def column(self, name: str) -> NDArray[Any]:
        """A column of all rows so far, in the order they were added; shape (rows,)."""
        return np.concatenate([block[name] for block in (*self._settled, *self.blocks)])

    def hand_over(self, name: str) -> NDArray[Any]:
        """A column of all rows, which the plan then holds no longer; shape (rows,)."""
        self.settle()
        return np.concatenate([block.pop(name) for block in self._settled])

    def _pasted(self, most: int, turn: Ints) -> Ints:
        n = self.rng.integers(0, most + 1, len(turn)) if most else np.zeros(len(turn), dtype=np.int64)
        return np.where(turn == 1, n, 0)

    def _conversations(self, instants: Ints, continues: float) -> tuple[NDArray[np.bool_], Ints]:
        n = len(instants)
        gap = np.diff(instants, prepend=instants[0] - 10 * HOUR)
        first = (self.rng.random(n) >= continues) | (gap > HOUR)
        first[0] = True
        starts = np.maximum.accumulate(np.where(first, np.arange(n), 0))
        return first, np.arange(n) - starts + 1

    def _items(self, domain: NDArray[np.int16], turn: Ints) -> tuple[NDArray[np.int16], Ints]:
        code = np.zeros(len(domain), dtype=np.int64)
        opening = turn == 1
        for number in np.unique(domain[opening]):
            rows = opening & (domain == number)
            code[rows] = self.corpus.draw(DOMAINS[int(number)], int(rows.sum()))
        later = np.flatnonzero(~opening)
        if len(later):
            asked, codes = self.followups(domain[later])
            for k, i in enumerate(later.tolist()):
                # A real conversation goes on with its own next message while it has one.
                following = self.corpus.next_turn(int(code[i - 1])) if code[i - 1] < 0 else None
                if following is None:
                    domain[i], code[i] = asked[k], codes[k]
                else:
                    code[i] = following
        return domain, code
