"""The documents hold together: links lead somewhere, and what is printed from the program is what it prints."""

import re
from pathlib import Path

import pytest

from tools.render_reference import pages

ROOT = Path(__file__).parents[2]
FOLDERS = ("deploy", "docs", "spec", "tests/simulators")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))])
RECORDS = sorted((ROOT / "docs" / "adr").glob("*.md"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OUTSIDE = ("https://", "mailto:")
RENDERED = dict(pages())


def without_code(text: str) -> str:
    """Return the text without fenced, indented and inline code, where brackets are no links."""
    unfenced = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`]*`", "", re.sub(r"^    .*$", "", unfenced, flags=re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Each relative link of a document names a file or folder of the repository."""
    targets = [target for target in LINK.findall(without_code(document.read_text())) if not target.startswith(OUTSIDE)]
    assert [target for target in targets if not (document.parent / target.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", RENDERED, ids=lambda path: path.stem)
def test_reference_pages_are_what_the_program_says(page: Path) -> None:
    """Rendering the page again gives the very file."""
    assert page.read_text() == RENDERED[page]


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_decision_records_have_their_form(record: Path) -> None:
    """A record has its number, its status, and the four parts that the first record describes."""
    text = record.read_text()
    assert text.startswith(f"# {record.name[:4]}: ")
    assert re.search(r"^- Status: (accepted|superseded by \d{4})$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Options", "Decision", "Consequences"]


def test_decision_records_are_numbered_without_gaps() -> None:
    """No number is missing or used twice."""
    assert [int(record.name[:4]) for record in RECORDS] == list(range(len(RECORDS)))


def test_the_architecture_names_what_exists() -> None:
    """Each folder or file that ARCHITECTURE.md names in its map of the figures is there."""
    figures = (ROOT / "ARCHITECTURE.md").read_text().partition("## Figure and folder")[2].partition("\n## ")[0]
    cells = [line.split("|")[3] for line in figures.splitlines() if line.startswith("|")]
    named = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    roots = (ROOT / "src" / "keystead", ROOT)
    assert named
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []
