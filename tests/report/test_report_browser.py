"""The page in a real browser: quiet console, no sideways scrolling, sorting and filtering."""

import shutil

import pytest
from report_casebooks import calm, casebook, hostile

from iolaus.report import write_html

pytestmark = pytest.mark.browser
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on PATH (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        instance = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield instance
        instance.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_html(casebook(), folder / "full.html")
    write_html(casebook(), folder / "redacted.html", redact=True)
    write_html(calm(), folder / "calm.html")
    write_html(hostile(), folder / "hostile.html")
    return folder


def opened(browser, path, **context):
    page = browser.new_context(**context).new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    own = {path.as_uri(), "data:,"}
    page.on("request", lambda request: None if request.url in own else said.append(request.url))
    page.on("dialog", lambda dialog: said.append("dialog"))
    page.goto(path.as_uri())
    return page, said


@pytest.mark.parametrize("name", ["full", "redacted", "calm", "hostile"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_quiet_and_no_sideways_scrolling(browser, pages, name, scheme, width):
    page, said = opened(browser, pages / f"{name}.html", color_scheme=scheme, viewport={"width": width, "height": 800})
    # Sections that are out of sight would not be laid out.
    page.add_style_tag(content=".lazy { content-visibility: visible !important }") if name == "hostile" else None
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    page.context.close()


def test_accounts_sort_and_filter(browser, pages):
    page, said = opened(browser, pages / "full.html")
    table = page.locator("#campaign-1-table")
    first = table.locator("tbody tr:visible th").first
    table.locator("thead button", has_text="Account").click()
    table.locator("thead button", has_text="Account").click()
    assert table.locator("th[aria-sort=ascending]").inner_text().startswith("Account")
    names = table.locator("tbody th").all_inner_texts()
    assert names == sorted(names)
    page.locator("[data-filter=campaign-1-table] input").fill(names[7])
    assert first.inner_text() == names[7]
    assert page.locator("[data-filter=campaign-1-table] output").inner_text() == "1 of 500 rows"
    assert said == []
    page.context.close()


def test_theme_toggle_and_graph(browser, pages):
    page, said = opened(browser, pages / "full.html", color_scheme="light")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.locator("#theme").click()
    assert page.evaluate(colour) != light
    page.locator("#campaign-2 circle").first.hover()
    assert "harvested exchange" in page.locator("#campaign-2 .said").inner_text()
    assert said == []
    page.context.close()


def test_readable_without_javascript(browser, pages):
    page, _ = opened(browser, pages / "full.html", java_script_enabled=False)
    assert page.locator("#theme").is_hidden()
    assert page.locator("#campaign-1-table tbody tr").count() == 500
    assert page.locator("#campaign-1 figure.graph circle").count() == 150
    page.context.close()


# Relative luminance and contrast as WCAG 2.2 defines them, measured on what the browser computed.
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const lum = c => 0.2126 * linear(c[0] / 255) + 0.7152 * linear(c[1] / 255) + 0.0722 * linear(c[2] / 255);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const c = rgb(getComputedStyle(node).backgroundColor);
      if (c[3] > 0) return c;
    }
    return [255, 255, 255, 255];
  };
  const bad = [];
  for (const node of document.querySelectorAll('body *')) {
    if (![...node.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    if (node.closest('svg, script') || !node.getClientRects().length) continue;
    const [a, b] = [lum(rgb(getComputedStyle(node).color)), lum(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push([node.className, node.textContent.slice(0, 30), ratio.toFixed(2)].join(' '));
  }
  return [...new Set(bad)].slice(0, 10);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_contrast_is_aa(browser, pages, scheme):
    page, _ = opened(browser, pages / "full.html", color_scheme=scheme, bypass_csp=True)
    assert page.evaluate(CONTRAST) == []
    page.context.close()
