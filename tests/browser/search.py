"""Opens the page as somebody with a token does, and types a search; says what came as JSON.

`.local/browser/bin/python tests/browser/search.py ADDRESS USER PASSWORD WORDS`; no test itself.
"""

from __future__ import annotations

import json
import sys

from drive import ARGUMENTS
from playwright.sync_api import sync_playwright


def main(address: str, user: str, password: str, words: str) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(ARGUMENTS), chromium_sandbox=False
        )
        context = chromium.new_context(http_credentials={"username": user, "password": password})
        page = context.new_page()
        answer = page.goto(address)
        page.get_by_role("searchbox").press_sequentially(words)
        page.get_by_text("1 package:").wait_for()
        page.get_by_role("link", name=words, exact=True).first.click()
        page.get_by_role("heading", level=1, name=words).wait_for()
        print(json.dumps({"status": answer and answer.status, "title": page.title()}))
        chromium.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
