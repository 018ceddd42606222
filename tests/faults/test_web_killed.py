"""The web process killed with SIGKILL while a report is sent: none is half stored, every receipt shown leads to one.

Kill points are times around the request that sends: before it arrives, within its transaction, after the commit,
before the answer is out.
"""

import re
import subprocess
import threading

import httpx2
import pytest

from reports import notices
from reports.models import Draft, NamedModel, Report
from tests.conftest import kill_tree
from tests.waiting import PATIENCE, wait_for
from tests.website.reporter import ANSWERS

pytestmark = pytest.mark.django_db(transaction=True)

# Seconds from the moment the request is sent.
DELAYS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08)


class Browser:
    """What a browser does: keeps cookies, follows redirects, tries again."""

    def __init__(self, url: str) -> None:
        self.client = httpx2.Client(base_url=url, follow_redirects=True, timeout=PATIENCE, headers={"Origin": url})

    def get(self, path: str) -> str:
        return self.client.get(path).text

    def post(self, path: str, answers: dict) -> str:
        token = self.client.cookies.get("csrftoken")
        return self.client.post(path, data={**answers, "csrfmiddlewaretoken": token}).text

    def write(self) -> str:
        """A whole report, up to the review; the seal that sends it."""
        self.get("/report/")
        self.post("/report/", {"concerns": "neither"})
        for slug, answers in ANSWERS.items():
            page = self.post(f"/report/{slug}/keep/", answers)
            assert "Draft saved" in page
        return re.search(r'name="seal" value="([^"]+)"', self.get("/report/review/"))[1]


def receipt_on(page: str) -> str | None:
    found = re.search(r'id="receipt">([^<]+)<', page)
    return found[1] if found else None


def until_up(url: str) -> None:
    asked = ["curl", "-sf", "-o", "/dev/null", f"{url}/livez"]
    wait_for(lambda: subprocess.run(asked, check=False).returncode == 0)


def test_every_receipt_leads_to_its_report_and_no_report_is_half(start, tmp_path, free_port):
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def web() -> subprocess.Popen[bytes]:
        process = start(
            *("granian", "--interface", "wsgi", "config.wsgi:application", "--port", str(port)),
            log=tmp_path / "web.log",
            FAULTLINE_BASE_URL=url,
            FAULTLINE_HUB_TIMEOUT_SECONDS="1",
        )
        until_up(url)
        return process

    process, cut, done = web(), 0, 0
    for delay in DELAYS:
        browser = Browser(url)
        seal = browser.write()
        killer = threading.Timer(delay, kill_tree, [process])
        killer.start()
        receipt = None
        try:
            receipt = receipt_on(browser.post("/report/review/", {"seal": seal}))
        except httpx2.HTTPError:
            cut += 1
        killer.join()
        process = web()
        # The reporter presses the button again, and is shown the one receipt there is.
        again = receipt_on(browser.post("/report/review/", {"seal": seal}))
        assert again is not None
        assert receipt in (None, again)
        assert notices.status_for(again) is not None
        done += 1
        assert Report.objects.count() == done
    assert cut, "the process was never killed in time: the test proves nothing"
    assert NamedModel.objects.count() == 2 * done
    assert Report.objects.filter(activities__verb="submit").count() == done
    assert Draft.objects.filter(sent_at=None).count() == 0
