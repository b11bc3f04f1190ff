"""What MkDocs does with the pages before it renders them.

Markers such as ``<!-- generated: fields -->`` become references made from the classes. Links out of
``docs/`` that GitHub follows (``../results/reference/...``) lead to copies in the site; those to
source files become their names, or links where ``repo_url`` is set.
"""

import re
from pathlib import Path

from gen_claims import claims, metrics, published
from gen_fields import fields
from mkdocs.structure.files import File

GENERATED = {"fields": fields, "claims": claims, "metrics": metrics, "published": published}

ROOT = Path(__file__).resolve().parent.parent

REFERENCE = "results/reference/"

_MARKER = re.compile(r"<!-- generated: (\w+) -->")
_OUTWARD = re.compile(r"(!?)\[([^\]]*)\]\(\.\./([^)\s#]+)(#[^)\s]+)?\)")
_RELATIVE = re.compile(r"(?<!!)\[([^\]]*)\]\((?!\w+:|#)([^)\s]+)\)")


def on_files(files, config):
    """Add what the pages link to in the reference."""
    for page in sorted(Path(config.docs_dir).glob("*.md")):
        for _, _, path, _ in _OUTWARD.findall(page.read_text("utf-8")):
            if path.startswith(REFERENCE) and (ROOT / path).is_file():
                place = _in_site(path)
                source = ROOT / path.replace("/report.md", "/report.html")
                if files.get_file_from_path(place) is None:
                    added = File.generated(config, place, abs_src_path=str(source))
                    files.append(added)
    return files


def on_page_markdown(markdown, page, config, files):
    """Fill in the generated parts, and turn links out of ``docs/``."""
    if page.file.src_uri.startswith("reference/"):
        return _RELATIVE.sub(r"\1", markdown)
    markdown = _MARKER.sub(lambda found: GENERATED[found[1]](), markdown)

    def turned(found: re.Match[str]) -> str:
        image, text, path, anchor = found.groups()
        if path.startswith(REFERENCE) and (ROOT / path).is_file():
            return f"{image}[{text}]({_in_site(path)}{anchor or ''})"
        if config.repo_url:
            kind = "tree" if (ROOT / path).is_dir() else "blob"
            return f"[{text}]({config.repo_url.rstrip('/')}/{kind}/main/{path})"
        return text if text.startswith("`") else f"{text} (`{path}`)"

    return _OUTWARD.sub(turned, markdown)


def _in_site(path: str) -> str:
    """A report is shown as its own page, which is readable on a phone."""
    return "reference/" + path.removeprefix(REFERENCE).replace("/report.md", "/report.html")
