"""Takes the README's picture of a report: ``python docs/images/shoot.py [demo-out/found/report.html]``.

Needs a Chromium on the path (Debian: ``apt-get install chromium``) and the dev extra.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
_SIZE = {"width": 1360, "height": 1500}


def main() -> None:
    """Open the report, go to its first campaign, and write ``report.png`` beside this file."""
    report = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-out/found/report.html")
    chromium = shutil.which("chromium")
    if chromium is None or not report.exists():
        sys.exit("wanted: chromium on the path, and a report (make demo writes one)")
    picture = Path(__file__).with_name("report.png")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=_FLAGS)
        page = browser.new_page(viewport=_SIZE, color_scheme="light")
        page.goto(report.resolve().as_uri())
        page.screenshot(path=picture)
        browser.close()
    sys.stdout.write(f"{picture}: {picture.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
