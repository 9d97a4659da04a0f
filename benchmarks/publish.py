"""Writes figures into README and the documentation, from results: ``python -m benchmarks.publish``, `make bench-table`.

The latest results of ``make bench`` and ``make bench-growth`` become those of the repository: ``results.json``,
``growth.json`` and the plots in ``docs``. The pages have them between marks.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import pages

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
LATEST = HERE / "results"
RESULTS, GROWTH = HERE / "results.json", HERE / "growth.json"
README, PERFORMANCE = Path("README.md"), Path("docs/reference/performance.md")
# Facts that may differ between runs whose cases are shown in one table.
OF_ONE_RUN = {"date", "load at start"}


def main() -> None:
    """Take the latest results over, and write the pages."""
    if (latest := LATEST / "latest.json").exists():
        committed = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        results = merged(committed, json.loads(latest.read_text()))
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    if (LATEST / GROWTH.name).exists():
        shutil.copy(LATEST / GROWTH.name, GROWTH)
        for plot in LATEST.glob("growth*.svg"):
            shutil.copy(plot, REPOSITORY / "docs" / plot.name)
    for page, text in written(json.loads(RESULTS.read_text()), json.loads(GROWTH.read_text())).items():
        (REPOSITORY / page).write_text(text)
        print(f"The figures are in {page}.")


def merged(committed: dict[str, Any], latest: dict[str, Any]) -> dict[str, Any]:
    """Return the latest results, with the other cases of the committed ones if those are of the same kind.

    :raises SystemExit: The pages need a case that is in neither, or that failed.
    """
    if _kind(committed) == _kind(latest):
        latest = {**latest, "cases": {**committed["cases"], **latest["cases"]}}
    cases = latest["cases"]
    if missing := [key for key in pages.CASES if key not in cases or cases[key]["ours"] is None]:
        raise SystemExit(
            f"The results lack {', '.join(missing)}: run `make bench BENCH='--cases {' '.join(missing)}'`."
        )
    return latest


def _kind(results: dict[str, Any]) -> tuple[Any, Any]:
    facts = {name: fact for name, fact in results.get("machine", {}).items() if name not in OF_ONE_RUN}
    return facts, results.get("plan")


def written(results: dict[str, Any], growth: dict[str, Any]) -> dict[Path, str]:
    """Return the texts of the pages with the figures of results, by their paths in the repository."""
    regions: dict[Path, dict[str, Callable[[], str]]] = {
        README: {"speed": lambda: pages.speed(results)},
        PERFORMANCE: {"cost": lambda: pages.cost(results), "growth": lambda: pages.growth(growth)},
    }
    texts = {}
    for page, of_page in regions.items():
        text = (REPOSITORY / page).read_text()
        for name, region in of_page.items():
            text = _with_region(text, name, region())
        texts[page] = text
    return texts


def _with_region(text: str, name: str, content: str) -> str:
    """Return a page with new content between the marks of a region.

    :raises SystemExit: The page does not have the marks.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    new, count = re.subn(f"{begin}.*?{end}", lambda _: f"{begin}{content}\n{end}", text, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"A page must have the marks {begin.strip()} and {end} once, and has them {count} times.")
    return new


if __name__ == "__main__":
    main()
