"""What a package index shows of the project: README.md and the project's URLs; hatchling calls it.

README.md names other files and pictures by their paths in the repository. An index shows README.md
alone, where such a path leads nowhere. So here each becomes the address of that file at the
version's tag. All addresses come from one value, ``repository`` in pyproject.toml. While it is
empty, because the repository is not public yet, a link becomes its text, and pictures are left out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_PICTURE_LINE = re.compile(r"^!\[[^\]]*\]\((?!https?:)[^)]*\)\n+", re.MULTILINE)
_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?!https?:)(?P<path>[^)]*)\)")


class IndexPage(MetadataHookInterface):
    """Makes the dynamic fields ``readme`` and ``urls``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add both to the project's metadata.

        Raises:
            ValueError: ``repository`` is not the address of a repository.
        """
        repository = self.config["repository"]
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": index_page(readme, repository, f"v{metadata['version']}"),
        }
        metadata["urls"] = project_urls(repository)


def index_page(readme: str, repository: str, tag: str) -> str:
    """README.md as an index shows it: every link and picture leads somewhere, or is none.

    Example: with https://host.example/owner/name and v0.1.0, ``[limits](docs/limits.md)`` becomes
    ``[limits](https://host.example/owner/name/blob/v0.1.0/docs/limits.md)``.
    """
    _require_repository(repository)

    def absolute(link: re.Match[str]) -> str:
        picture, text, path = link["picture"], link["text"], link["path"]
        if not repository:
            return text
        page = path if not path.startswith("#") else f"README.md{path}"
        return f"{picture}[{text}]({repository}/{'raw' if picture else 'blob'}/{tag}/{page})"

    def outside_code(part: str) -> str:
        return _LINK.sub(absolute, part if repository else _PICTURE_LINE.sub("", part))

    parts = _FENCED.split(readme)
    return "".join(part if _FENCED.match(part) else outside_code(part) for part in parts)


def project_urls(repository: str) -> dict[str, str]:
    """The links that an index shows beside the page; none while ``repository`` is empty."""
    _require_repository(repository)
    if not repository:
        return {}
    return {
        "Source": repository,
        "Documentation": f"{repository}/blob/main/README.md#more",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def _require_repository(repository: str) -> None:
    if repository and not re.fullmatch(r"https://[\w.-]+(?:/[\w.-]+)+", repository):
        raise ValueError(
            f"repository {repository!r} in pyproject.toml: must be an https URL without a slash at "
            "its end, such as 'https://github.com/owner/name', or ''"
        )
