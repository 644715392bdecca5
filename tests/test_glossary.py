"""The glossary has each term once, in order, in two languages, with a live link."""

import re

import notebooks
import style

GLOSSARY = notebooks.CHAPTERS / "glossary.ipynb"
ROW = re.compile(
    r"^\| \*\*(.+?)\*\* \| (.+?) \| (.+?) \| \[[\d.]+\]\((\S+)\) \|$", re.M
)


def rows():
    """Return (term, Chinese term, meaning, link) of every row of the table."""
    table = notebooks.read(GLOSSARY).cells[1].source
    found = ROW.findall(table)
    assert len(found) == len(table.splitlines()) - 2, "a row is malformed"
    return found


def test_terms_are_unique_and_in_order():
    terms = [term.lower() for term, *_ in rows()]
    assert terms == sorted(set(terms))


def test_every_term_has_its_chinese_one():
    missing = [term for term, other, *_ in rows() if not re.search("[一-鿿]", other)]
    assert not missing


def test_meanings_are_short_sentences():
    for term, _, meaning, _ in rows():
        assert meaning.endswith(".") and 3 <= len(meaning.split()) <= 40, term


def test_every_link_leads_to_a_heading():
    for term, _, _, link in rows():
        assert "#" in link, f"{term}: name the section"
        assert not list(style.dead(link, GLOSSARY)), f"{term}: {link}"
