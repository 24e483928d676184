"""A casebook fit to be passed on: no prompt, response or template text, and no id of an account or exchange.

It hides from casual eyes. Counts, times and the shape of the graph stay, and whoever holds the log can match
them.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from iolaus.campaign import Campaign, Casebook, Dossier, Evidence, Member, Template, TemplatePart

__all__ = ["by_harvest", "redacted"]

# Candidates for ids inside a sentence: runs without spaces, quotes or brackets.
_WORD: Final = re.compile(r"[^\s\"'“”‘’()\[\]{}<>,;]+")


def by_harvest(members: Iterable[Member]) -> list[Member]:
    """Accounts in the order in which the report lists them: most harvested exchanges first."""
    return sorted(members, key=lambda m: (-m.harvested_count, m.first_seen, m.account_id))


class _Names:
    """Ordinal names in the order in which ids come up, so that the same casebook gives the same names."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._names: dict[str, str] = {}

    def __getitem__(self, real: str) -> str:
        return self._names.setdefault(real, f"{self._noun} {len(self._names) + 1}")

    def all(self, real: Iterable[str]) -> tuple[str, ...]:
        return tuple(self[one] for one in real)

    def known(self, real: str) -> str | None:
        return self._names.get(real)


class _Redaction:
    """One run over a casebook."""

    def __init__(self) -> None:
        self._accounts = _Names("account")
        self._exchanges = _Names("exchange")
        self._families = _Names("template")

    def sentence(self, text: str) -> str:
        """A sentence of the pipeline's own, with any id in it replaced."""

        def name(match: re.Match[str]) -> str:
            word = match[0]
            bare = word.rstrip(".:!?")
            for candidate in (word, bare):
                found = self._accounts.known(candidate) or self._exchanges.known(candidate)
                if found:
                    return found + word[len(candidate) :]
            return word

        return _WORD.sub(name, text)

    def learn(self, dossier: Dossier) -> None:
        """Name all ids of a dossier: accounts in the table's order, which tells nothing of their real ids."""
        campaign = dossier.campaign
        self._accounts.all(member.account_id for member in by_harvest(dossier.members))
        self._accounts.all(campaign.accounts)
        self._accounts.all(sample.account_id for sample in dossier.samples)
        self._exchanges.all(sample.exchange_id for sample in dossier.samples)
        for found in campaign.evidence:
            self._accounts.all(found.account_ids)
            self._exchanges.all(found.exchange_ids)

    def campaign(self, campaign: Campaign) -> Campaign:
        """The campaign with ids renamed."""
        return replace(
            campaign,
            accounts=self._accounts.all(campaign.accounts),
            evidence=tuple(self._evidence(found) for found in campaign.evidence),
        )

    def _evidence(self, found: Evidence) -> Evidence:
        return replace(
            found,
            statement=self.sentence(found.statement),
            exchange_ids=self._exchanges.all(found.exchange_ids),
            account_ids=self._accounts.all(found.account_ids),
        )

    def _template(self, template: Template) -> Template:
        return replace(
            template,
            family=self._families[template.family],
            parts=tuple(_blank(part) for part in template.parts),
        )

    def dossier(self, dossier: Dossier) -> Dossier:
        """The dossier without texts, ids renamed."""
        accounts = self._accounts
        return replace(
            dossier,
            campaign=self.campaign(dossier.campaign),
            templates=tuple(self._template(template) for template in dossier.templates),
            samples=(),
            members=tuple(replace(m, account_id=accounts[m.account_id]) for m in dossier.members),
            edges=tuple(replace(e, source=accounts[e.source], target=accounts[e.target]) for e in dossier.edges),
            clearing=tuple(self.sentence(text) for text in dossier.clearing),
        )


def _blank(part: TemplatePart) -> TemplatePart:
    if part.slot:
        return TemplatePart(slot=True)
    words = len(part.text.split())
    return TemplatePart(slot=False, text="1 word that stays" if words == 1 else f"{words} words that stay")


def redacted(casebook: Casebook) -> Casebook:
    """The casebook without any text of a prompt, response or template, and without real ids.

    Args:
        casebook: left as it is.

    Returns:
        A casebook with samples dropped, fixed template words counted, slots emptied, and ids such as
        ``account 1``.
    """
    run = _Redaction()
    for dossier in casebook.dossiers:
        run.learn(dossier)
    dossiers = tuple(run.dossier(dossier) for dossier in casebook.dossiers)
    detection = replace(
        casebook.detection, campaigns=tuple(run.campaign(found) for found in casebook.detection.campaigns)
    )
    notes = tuple(run.sentence(note) for note in casebook.notes)
    return replace(casebook, detection=detection, dossiers=dossiers, notes=notes)
