"""axe, which judges whether a page can be used by everybody (WCAG 2.2, level AA)."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

AXE = Path(__file__).with_name("axe") / "node_modules" / "axe-core" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RUN = """async (tags) => {
  const found = await axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
  return found.violations.map((one) => ({
    id: one.id, help: one.help, nodes: one.nodes.map((node) => `${node.html} :: ${node.failureSummary}`),
  }));
}"""
WIDTH = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@cache
def _source() -> str:
    return AXE.read_text()


async def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is now, a line each."""
    await page.evaluate(_source())
    found: list[dict[str, Any]] = await page.evaluate(RUN, list(RULES))
    return [f"{one['id']}: {one['help']}: {node}" for one in found for node in one["nodes"]]


async def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    width: int = await page.evaluate(WIDTH)
    return width
