"""Reading reports as their readers do."""

import re
from html.parser import HTMLParser

from bakeoff.report.document import Document, Items, Paragraph, Table, blocks_of


def table_of(document: Document, name: str) -> Table:
    (found,) = (block for block in blocks_of(document) if isinstance(block, Table) and block.name == name)
    return found


def summary_of(document: Document) -> str:
    """All that the summary says, in one line."""
    found = (block for block in blocks_of(document.summary) if isinstance(block, Paragraph | Items))
    return breakable(" ".join(" ".join(block.texts) if isinstance(block, Items) else block.text for block in found))


def breakable(text: str) -> str:
    """A text whose spaces are all alike."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


class Page(HTMLParser):
    """Ids, references and visible text; fails on tags that do not nest."""

    VOID = ("meta", "br", "img", "link", "image")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in self.VOID:
            self._open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "xlink:href", "action", "data", "srcset"):
                self.references.append(value or "")
            self.references += re.findall(r"url\(([^)]*)\)", value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._open):
            self.text += data
