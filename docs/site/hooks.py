"""What mkdocs calls while it builds the site."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from markdown import Extension, Markdown

sys.path.insert(0, str(Path(__file__).parent))

import gather
import lessons
import links
import reference

from backlit._version import __version__

# What stands beside a page without need: the start page's list of one page, room that a wide table wants.
BESIDE = {"index.md": "navigation", "index.ko.md": "navigation", "mission.md": "toc"}
NOTE = '!!! note "이 페이지는 아직 영어로만 있습니다."\n\n'


def on_pre_build(config: Any) -> None:
    """Take over what was written since the pages were gathered."""
    gather.copy()


class InlineFormulas(Extension):
    """A formula at the start of a line is part of its paragraph, not a block of HTML."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Take `math` from the elements that stand alone."""
        md.block_level_elements.remove("math")


def on_config(config: Any) -> Any:
    """Put the lessons into the navigation, in their order; their titles are the pages' own."""
    if not any(isinstance(each, InlineFormulas) for each in config.markdown_extensions):  # once for both languages
        config.markdown_extensions.append(InlineFormulas())
    config.copyright = f"Backlit {__version__} · Apache-2.0"
    for part in config.nav:
        if "Lessons" in part:
            part["Lessons"] = lessons.pages()
    return config


def on_page_content(content: str, page: Any, config: Any, files: Any) -> str:
    """Put lessons and words beside each name of the reference; and into the Korean one, each name's Korean sentence."""
    if not page.file.src_uri.startswith("reference/"):
        return content
    linked = links.on_reference(content, config.theme["language"])
    return reference.with_summaries(linked) if config.theme["language"] == "ko" else linked


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Tell Korean readers when a page is only there in English; leave out what needn't stand beside it."""
    if page.file.src_uri in BESIDE:
        page.meta["hide"] = [BESIDE[page.file.src_uri]]
    if config.theme["language"] != "ko" or page.file.src_uri.endswith(".ko.md"):
        return markdown
    title = re.match(r"# .*\n+", markdown)
    end = title.end() if title else 0
    return markdown[:end] + NOTE + markdown[end:]
