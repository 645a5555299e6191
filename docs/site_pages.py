"""Which of the repository's files the docs site shows; mkdocs calls these functions (mkdocs.yml).

Pages lie where GitHub and editors show them, README.md and bench/results/ among them, and link to
each other as files do. So the site takes its files from the whole repository under their own paths,
and every link holds in both. The reference's pages are made here, one for each public module.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

ROOT = Path(__file__).parent.parent

SHOWN = (
    "*.md",
    "LICENSE",
    "docs/**/*.md",
    "docs/**/*.svg",
    "docs/site.css",
    "bench/*.md",
    "bench/results/*",
    "demo/*.py",
    "examples/*",
    "infra/examples/*/*.tf",
    "infra/modules/dynamodb/*.md",
    "infra/modules/dynamodb/*.tf",
    "infra/modules/dynamodb/scripts/*",
)

API = "docs/api/"
"""Where the navigation has the pages of the reference: docs/api/ratelimit_ddb.web.md and so on."""

_MODULE = re.compile(rf"{API}([\w.]+)\.md")
_LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|<link\b(?![^>]*\brel=[\"']?canonical)[^>]*\bhref=[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"'\s)]+)"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The site's files: the theme's, those of the repository that are shown, and the reference."""
    docs = Path(config.docs_dir)
    of_theme = [file for file in files if file.src_dir is None or Path(file.src_dir) != docs]
    shown = [
        File(path, str(ROOT), config.site_dir, config.use_directory_urls)
        for path in sorted({str(path.relative_to(ROOT)) for path in _shown()})
    ]
    reference = [
        File.generated(config, path, content=f"::: {module}\n")
        for path, module in _modules_in(ROOT / "mkdocs.yml")
    ]
    return Files([*of_theme, *shown, *reference])


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that would load anything from another host, or that leaves out a public name.

    Raises:
        PluginError: it would, or does.
    """
    site = Path(config.site_dir)
    for path, module in _modules_in(ROOT / "mkdocs.yml"):
        page = (site / path).with_suffix(".html").read_text(encoding="utf-8")
        for name in _public_names_of(module):
            if f'id="{module}.{name}"' not in page:
                raise PluginError(f"{path} has nothing about {name}, which {module} makes public")
    for page in sorted([*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg")]):
        for found in _LOADED.finditer(page.read_text(encoding="utf-8")):
            address = next(group for group in found.groups() if group)
            raise PluginError(
                f"{page.relative_to(site)} loads {address}: the site must not load anything from "
                "another host"
            )


def _shown() -> Iterator[Path]:
    for pattern in SHOWN:
        yield from (path for path in ROOT.glob(pattern) if path.is_file())


def _modules_in(navigation: Path) -> list[tuple[str, str]]:
    """The reference's pages and their modules, as the navigation has them."""
    text = navigation.read_text(encoding="utf-8")
    return [(found[0], found[1]) for found in _MODULE.finditer(text)]


def _public_names_of(module: str) -> list[str]:
    """What its ``__all__`` has; nothing for what is no module, but a class that has a page."""
    path = ROOT / module.replace(".", "/")
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not source.exists():
        return []
    for statement in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            return list(ast.literal_eval(statement.value))
    raise PluginError(f"{module} has no __all__")
