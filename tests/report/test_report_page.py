import dataclasses
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from report_casebooks import (
    HOSTILE,
    SECRET_FILLINGS,
    SECRET_FIXED,
    SECRET_RESPONSE,
    calm,
    casebook,
    hostile,
)

from iolaus.campaign import Casebook
from iolaus.errors import OutputError
from iolaus.report import render_html, write_html

VOID = {"meta", "link", "br", "img", "input", "hr", "col"}
CSP = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


class Tree(HTMLParser):
    """Checks that tags balance, and keeps what is asked of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-5:])
        self.open.pop()

    def handle_data(self, data):
        if self.open[-1:] not in (["script"], ["style"]):
            self.text.append(data)


def parsed(page: str) -> Tree:
    tree = Tree()
    tree.feed(page)
    tree.close()
    assert tree.open == []
    return tree


def spoken(page: str) -> str:
    return " ".join(" ".join(parsed(page).text).split())


@pytest.fixture(scope="module")
def full() -> str:
    return render_html(casebook())


@pytest.mark.parametrize("book", [casebook, calm, hostile])
@pytest.mark.parametrize("redact", [False, True])
def test_markup_balances_and_ids_are_unique(book, redact):
    tags = parsed(render_html(book(), redact=redact)).tags
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {attrs["href"][1:] for tag, attrs in tags if tag == "a"}
    labels = {attrs["aria-labelledby"] for _, attrs in tags if "aria-labelledby" in attrs}
    assert targets | labels <= set(ids)


def test_nothing_is_fetched(full):
    for tag, attrs in parsed(full).tags:
        assert "src" not in attrs and "srcset" not in attrs
        if "href" in attrs:
            assert attrs["href"].startswith("#") or (tag == "link" and attrs["href"] == "data:,")
        assert not any(name.startswith("on") for name in attrs)
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp", full)
    assert {"http-equiv": "Content-Security-Policy", "content": CSP} in [a for t, a in parsed(full).tags]


def test_headings_come_in_order_and_landmarks_are_there(full):
    tags = [tag for tag, _ in parsed(full).tags]
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert {"main", "header", "nav", "footer"} <= set(tags)


def test_page_says_what_it_should(full):
    text = spoken(full)
    for words in (
        "2 campaigns found",
        "1,204,118",
        "24,310",
        "kept in rejects.jsonl",
        "Conversation hand-off",
        "but without what the log lacks: ja4, signup_ip.",
        "act as one operator, hide that they do",
        "The 150 accounts with the strongest links are drawn, 850 are not.",
        "The 500 accounts with the most harvested exchanges are listed; 500 more are in accounts.parquet.",
        "about once in 3.1 million tries",
        "about 1 in 480 million is expected to be a false alarm",
        "A contract under which one organisation runs these accounts",
        "the barge Wendeltreppe in a quartering swell",
        "Step-by-step reasoning",
        "never convicts alone",
    ):
        assert words in text, words


def test_calm_page_says_what_was_looked_for():
    text = spoken(render_html(calm()))
    assert "No campaign found" in text and "What was looked for" in text and "88,000" in text
    assert "Nothing: the log had what every signal reads." in text


def test_hostile_texts_stay_texts():
    page = render_html(hostile())
    tree = parsed(page)
    own = parsed(render_html(casebook()))
    assert {tag for tag, _ in tree.tags} <= {tag for tag, _ in own.tags}
    assert sum(tag == "script" for tag, _ in tree.tags) == 1
    assert "49" not in spoken(page)
    assert not re.search("[\x00-\x08\x0b-\x1f\u200b\u202a-\u202e\ud800-\udfff]", page)
    page.encode("utf-8")
    text = "".join(tree.text)
    for attack in (HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[3], HOSTILE[6], HOSTILE[9]):
        assert attack in text
    assert "abc⟨U+202E⟩gnp.exe" in text and "nul⟨U+0000⟩byte⟨U+001B⟩[31m" in text


def test_redacted_page_leaks_nothing(full):
    book = casebook()
    page = render_html(book, redact=True)
    # Words that the report says of itself, or the pipeline's sentences, are no leak.
    bare = tuple(dataclasses.replace(d, templates=(), samples=()) for d in book.dossiers)
    own = set(re.findall(r"\w+", spoken(render_html(Casebook(book.detection, bare), redact=True)).lower()))
    secrets = " ".join((*SECRET_FIXED, SECRET_RESPONSE, *SECRET_FILLINGS[0], *SECRET_FILLINGS[1]))
    words = set(re.findall(r"\w{3,}", secrets.lower())) | {"seamanship", "gangway"}
    words -= own | {"word", "words", "that", "are", "left"}
    assert len(words) > 30
    assert words <= set(re.findall(r"\w+", spoken(full).lower()))
    # Attributes count, the page's own script and style sheet do not.
    markup = re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.DOTALL)
    assert not words & set(re.findall(r"\w+", markup.lower()))
    for dossier in book.dossiers:
        ids = {m.account_id for m in dossier.members} | {s.exchange_id for s in dossier.samples}
        ids |= {i for e in dossier.campaign.evidence for i in (*e.exchange_ids, *e.account_ids)}
        assert ids & set(re.findall(r"[\w-]+", full)) and not ids & set(re.findall(r"[\w-]+", page))
    assert "account 1" in page and "Redacted copy" in page


def test_redacted_page_does_not_depend_on_any_text():
    def other(dossier):
        def parts(template):
            return tuple(
                dataclasses.replace(
                    part, text=re.sub(r"\S+", "zzz", part.text), examples=("zzz",) * bool(part.examples)
                )
                for part in template.parts
            )

        return dataclasses.replace(
            dossier,
            templates=tuple(dataclasses.replace(t, family="z" + t.family, parts=parts(t)) for t in dossier.templates),
            samples=tuple(dataclasses.replace(s, prompt="zzz", response=None) for s in dossier.samples),
        )

    book = casebook()
    changed = dataclasses.replace(book, dossiers=tuple(other(d) for d in book.dossiers))
    assert render_html(changed, redact=True) == render_html(book, redact=True)


def test_redaction_names_ids_inside_sentences():
    book = casebook()
    dossier = book.dossiers[0]
    named = max(dossier.members, key=lambda m: m.harvested_count).account_id
    told = dataclasses.replace(dossier, clearing=(f"Ask the owner of {named}, then '{named}'.",))
    page = render_html(
        dataclasses.replace(book, dossiers=(told, *book.dossiers[1:]), notes=(f"Odd: {named}.",)), redact=True
    )
    assert named not in page
    assert "Ask the owner of account 1" in page and "Odd: account 1." in page


def test_same_input_same_bytes():
    assert render_html(casebook()) == render_html(casebook())
    assert render_html(casebook(), redact=True) == render_html(casebook(), redact=True)


def test_campaign_without_dossier_is_still_ranked():
    book = casebook()
    page = render_html(Casebook(book.detection, book.dossiers[:1]))
    assert "c-0a77e1f4" in page and 'id="campaign-2"' not in page


def test_many_accounts_do_not_swell_the_page():
    book = casebook()
    dossier = book.dossiers[0]
    many = tuple(dataclasses.replace(m, account_id=f"{m.account_id}-{i}") for i in range(24) for m in dossier.members)
    campaign = dataclasses.replace(dossier.campaign, accounts=tuple(m.account_id for m in many))
    big = dataclasses.replace(dossier, campaign=campaign, members=many)
    detection = dataclasses.replace(book.detection, campaigns=(campaign,))
    page = render_html(Casebook(detection, (big,)))
    assert len(page) < 1_000_000
    assert "23,500 more are in accounts.parquet" in page


def test_write_replaces_whole_files_only(tmp_path):
    target = tmp_path / "report.html"
    target.write_text("before")
    write_html(calm(), target)
    assert target.read_bytes() == render_html(calm()).encode()
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_write_fails_in_one_sentence(tmp_path):
    with pytest.raises(OutputError, match="cannot write the report"):
        write_html(calm(), tmp_path / "missing" / "report.html")
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError, match="taken"):
        write_html(calm(), tmp_path / "taken")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
