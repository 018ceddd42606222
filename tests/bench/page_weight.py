"""What a first visit costs: bytes, requests, and times on a telephone, for a node that runs already.

By hand: `python -m tests.bench.page_weight http://127.0.0.1:8000 /incidents/FL-2026-.../ /models/hub/org/name/`, with
`FAULTLINE_STATIC_ROOT` set for the node as the image has it. Network and processor are Lighthouse's mobile preset (1.6
Mbps down, 750 kbps up, 150 ms, processor four times slower), through the DevTools protocol; each visit has an empty
cache; what is printed is the median of `--visits`.
"""

import argparse
import shutil
import statistics
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

_NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
_SLOWER = 4
_WIDTH, _HEIGHT = 412, 823
_AGAIN_MILLISECONDS = 100
_COLUMNS = ("requests", "bytes", "html", "css", "font", "script", "paint", "largest", "shift")
# Started before the page: what Chromium measures by itself ("Paint Timing", "Largest Contentful Paint", "Layout
# Instability").
_MEASURE = """
window.measured = {largest: 0, shift: 0};
new PerformanceObserver(list => { for (const one of list.getEntries()) measured.largest = one.startTime; })
  .observe({type: "largest-contentful-paint", buffered: true});
new PerformanceObserver(list => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) measured.shift += one.value;
}).observe({type: "layout-shift", buffered: true});
"""
_READ = """() => ({...measured, paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0})"""


def visit(browser: Browser, address: str) -> dict[str, float]:
    """One first visit: bytes as they came over the wire, milliseconds, and the sum of layout shifts."""
    context = browser.new_context(
        viewport={"width": _WIDTH, "height": _HEIGHT}, device_scale_factor=1.75, is_mobile=True, has_touch=True
    )
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    weights = _counting(devtools)
    devtools.send("Network.emulateNetworkConditions", _NETWORK)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
    page.add_init_script(_MEASURE)
    page.goto(address, wait_until="networkidle")
    measured = _measured(page)
    context.close()
    kinds = {"Document": "html", "Stylesheet": "css", "Font": "font", "Script": "script"}
    found = dict.fromkeys(_COLUMNS, 0.0) | measured
    for kind, size in weights.values():
        found["requests"] += 1
        found["bytes"] += size
        if kind in kinds:
            found[kinds[kind]] += size
    return found


def _measured(page: Page) -> dict[str, float]:
    """What the page says of itself, once it has painted: on a busy machine that is after the network is idle."""
    measured: dict[str, float] = page.evaluate(_READ)
    while not (measured["paint"] and measured["largest"]):
        page.wait_for_timeout(_AGAIN_MILLISECONDS)
        measured = page.evaluate(_READ)
    return measured


def _counting(devtools: CDPSession) -> dict[str, list[Any]]:
    """The kind and the bytes of each request of the page, by its id; filled while the page loads."""
    weights: dict[str, list[Any]] = {}

    def begin(event: dict[str, Any]) -> None:
        if not event["request"]["url"].startswith("data:"):
            weights[event["requestId"]] = [event.get("type", ""), 0]

    def end(event: dict[str, Any]) -> None:
        if event["requestId"] in weights:
            weights[event["requestId"]][1] = event["encodedDataLength"]

    devtools.on("Network.requestWillBeSent", begin)
    devtools.on("Network.loadingFinished", end)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    return weights


def main() -> None:
    """Prints a row for each page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("node", help="for example http://127.0.0.1:8000")
    parser.add_argument("paths", nargs="*", help="pages beside the start page and the list")
    parser.add_argument("--visits", type=int, default=5)
    given = parser.parse_args()
    paths = ["/", "/incidents/", *given.paths]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        visits: dict[str, list[dict[str, float]]] = {path: [] for path in paths}
        for _ in range(given.visits):  # interleaved, so that what else the machine does falls on all of them
            for path in paths:
                visits[path].append(visit(browser, given.node + path))
        browser.close()
    print(f"{'page':<44}" + "".join(f"{name:>10}" for name in _COLUMNS))
    for path, each in visits.items():
        medians = {name: statistics.median(one[name] for one in each) for name in _COLUMNS}
        cells = [f"{value:10.3f}" if name == "shift" else f"{value:10.0f}" for name, value in medians.items()]
        print(f"{path[:43]:<44}" + "".join(cells))


if __name__ == "__main__":
    main()
