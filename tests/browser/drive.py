"""Opens the pages in Chromium as people do, and says what it saw as JSON; no test itself.

`.local/browser/bin/python tests/browser/drive.py ADDRESS FOLDER`: ADDRESS is that of index.html,
FOLDER where the screenshots go. tests/integration/test_page_in_browser.py judges.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

# Those without which Chromium asks the net on its own account.
ARGUMENTS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
# Widths break what overflows, schemes what has too little contrast: each is seen once.
LOOKS = ((360, "dark"), (1280, "light"))


class Looked:
    """What happened in all pages together."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.overflows: list[str] = []
        self.requests: set[str] = set()
        self.messages: list[str] = []
        self.seen: dict[str, Any] = {}

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.add(request.url))
        page.on("console", lambda said: self.messages.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.messages.append(str(error)))

    def judge(self, page: Page, name: str, folder: Path) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        for each in Axe().run(page).response["violations"]:
            nodes = "; ".join(node["html"][:120] for node in each["nodes"][:3])
            self.violations.append(f"{name}: {each['id']}: {each['help']}: {nodes}")
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            self.overflows.append(f"{name}: {wide} pixels")


def look(browser: Browser, address: str, folder: Path, looked: Looked) -> None:
    """Every kind of page, narrow and wide, dark and light; a search in each."""
    for width, scheme in LOOKS:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        looked.watch(page)
        page.goto(address)
        looked.judge(page, f"{width}-index", folder)
        page.get_by_role("searchbox").press_sequentially("libstd")
        page.get_by_text("1 package:").wait_for()
        looked.judge(page, f"{width}-search", folder)
        page.get_by_role("link", name="libstdc++6").click()
        page.get_by_role("heading", name="libstdc++6").wait_for()
        looked.judge(page, f"{width}-package", folder)
        page.get_by_role("link", name="Packages: libs").click()
        page.get_by_role("heading", name="Packages: libs").wait_for()
        looked.judge(page, f"{width}-list", folder)
        context.close()


def search(browser: Browser, address: str, looked: Looked) -> None:
    """By the keyboard alone, from the top of the page."""
    context = browser.new_context()
    page = context.new_page()
    looked.watch(page)
    page.goto(address)
    early = {url for url in looked.requests if "/list/" in url}
    looked.requests.clear()
    focused = "document.activeElement.textContent.trim() || document.activeElement.id"
    order = []
    for _ in range(3):
        page.keyboard.press("Tab")
        order.append(page.evaluate(focused))

    def typed(text: str) -> list[str]:
        page.keyboard.press("Escape")
        page.keyboard.type(text)
        page.locator(f"#results[data-searched='{text.lower()}']").wait_for()
        return [
            page.locator("#said").inner_text(),
            *page.locator("#hits > li > a").all_inner_texts(),
        ]

    looked.seen |= {
        "order": order,
        "exact first": typed("curl"),
        "lists loaded before and after the focus": [
            len(early),
            len({url for url in looked.requests if "/list/" in url}),
        ],
        "words of names and descriptions": typed("Standard LIBRARY"),
        "nothing": typed("no such thing"),
        "markup": typed("<img"),
    }
    page.keyboard.press("Escape")
    looked.seen["emptied"] = page.get_by_role("heading", name="Set up a host").is_visible()
    looked.seen["copied"] = page.get_by_role("button", name="Copy").count()
    context.close()


def without_scripts(browser: Browser, address: str, looked: Looked) -> None:
    """By links alone, from the repository's page to a package's file."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    looked.watch(page)
    page.goto(address)
    looked.seen["search without scripts"] = page.locator("#q").is_visible()
    page.get_by_role("link", name="libs", exact=True).click()
    page.get_by_role("link", name="libstdc++6").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="12.2.0-14").first.click()
    looked.seen["downloaded"] = download.value.suggested_filename
    context.close()


def main(address: str, folder: Path) -> None:
    looked = Looked()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(ARGUMENTS)
        )
        search(browser, address, looked)
        without_scripts(browser, address, looked)
        look(browser, address, folder, looked)
        browser.close()
    print(json.dumps({**vars(looked), "requests": sorted(looked.requests)}, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
