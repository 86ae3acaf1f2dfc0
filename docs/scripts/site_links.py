"""Hooks of mkdocs.yml: the README is the first page, and what leads out of the docs is told, not linked.

A page that is read beside the repository links its files (`../deploy/kafka/acls`); on the site they are not
there, so the path stands in the place of the link.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<to>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """The README, as a page of the docs."""
    text = (ROOT / "README.md").read_text("utf-8")
    text = re.sub(r"\]\((?!docs/|https?:)", "](../", text).replace("](docs/", "](")
    files.append(File.generated(config, "index.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Links that leave the docs become the path that they lead to."""
    here = posixpath.dirname(page.file.src_uri)

    def told(found: re.Match[str]) -> str:
        target = found["to"]
        if "://" in target or target.startswith("mailto:"):
            return found[0]
        path = posixpath.normpath(posixpath.join(here, target))
        if not path.startswith("..") and (config["docs_dir"] and (Path(config["docs_dir"]) / path).is_file()):
            return found[0]
        if path == "index.md" or (path.endswith(".md") and files.get_file_from_path(path)):
            return found[0]
        outside = posixpath.normpath(posixpath.join("docs", path))
        if not (ROOT / outside).exists():
            return found[0]  # a link that leads nowhere is for the strict build to find
        return found["text"] if found["text"].strip("`") == outside else f"{found['text']} (`{outside}`)"

    return _LINK.sub(told, markdown)
