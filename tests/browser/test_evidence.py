"""Evidence in a real browser: sent without scripts, and looked at behind a blur."""

import re

import pytest

from reports import workflow
from reports.models import Activity, Evidence
from tests import factories
from tests.browser.test_report import begin, go_on
from tests.stand_ins import files

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_result_file_and_a_photo_travel_from_a_reporter_without_scripts_to_a_moderator(
    visit, tmp_path, settings, signed_in_tab
):
    settings.EVIDENCE_ROOT = tmp_path / "evidence"
    results, photo, archive = (tmp_path / name for name in ("garak.report.jsonl", "photo.jpg", "weights.pt"))
    results.write_bytes(files.garak_report())
    photo.write_bytes(files.telling_jpeg())
    archive.write_bytes(files.archive(a=b"b"))

    reporter = visit(java_script_enabled=False)
    page = reporter.go("/report/from-results/")
    page.set_input_files("#id_results", results)
    page.get_by_role("button", name="Fill the draft").click()
    go_on(page)
    assert page.get_by_label("No: it is a benchmark or audit result").is_checked()
    page.get_by_label("Something else, or I cannot tell").check()
    go_on(page)
    assert "7 of 10" in page.input_value("#id_text")
    page.select_option("#id_category", "hidden_promotion")
    go_on(page)
    page.set_input_files("#id_evidence", [photo, archive])
    go_on(page)
    assert "weights.pt: The file is a ZIP archive" in page.inner_text(".error-summary")
    go_on(page)
    assert page.inner_text("h1") == "Who was harmed, and how badly?"
    go_on(page)
    page.get_by_label("may be published under CC BY 4.0").check()
    go_on(page)
    page.get_by_role("button", name="Send the report").click()
    assert re.fullmatch(r"[\w~$=*-]{26}", page.inner_text("#receipt"))
    assert {one.name for one in Evidence.objects.all()} == {"garak.report.jsonl", "photo.jpg"}

    moderator = signed_in_tab(factories.moderator())
    page = moderator.go("/console/reports/report/")
    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("link", name="photo.jpg").click()
    image = page.locator(".fl-picture img")
    assert not Activity.objects.filter(verb="open evidence").exists()
    page.locator("summary", has_text="Load the image").click()
    image.evaluate("one => one.decode()")  # once it is loaded
    assert "blur" in image.evaluate("one => getComputedStyle(one).filter")
    page.get_by_label("Show it sharp").check()
    assert image.evaluate("one => getComputedStyle(one).filter") == "none"
    assert Activity.objects.filter(verb="open evidence", actor_name="mira").count() == 1
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the file").click()
    assert saved.value.suggested_filename == "photo.jpg"
    assert files.SECRET not in saved.value.path().read_bytes()


def test_with_scripts_typing_after_choosing_a_file_loses_neither_and_a_file_is_added_behind_the_receipt(
    visit, tmp_path, settings
):
    settings.EVIDENCE_ROOT = tmp_path / "evidence"
    notes, more = tmp_path / "notes.md", tmp_path / "more.txt"
    notes.write_text("What I saw.\n")
    more.write_text("What I saw later.\n")
    page = visit().go("/report/")
    begin(page)
    page.goto(page.url.replace("models", "evidence"))
    page.set_input_files("#id_evidence", notes)
    page.get_by_label("Turn 1, what").fill("A recipe, please.")
    page.get_by_text("Draft saved").wait_for()
    page.get_by_role("button", name="More turns").click()
    page.get_by_label("Leave out notes.md").wait_for()
    page.get_by_label("Turn 1, what").fill("Two recipes, please.")
    page.get_by_text("Draft saved").wait_for()
    page.reload()
    assert page.get_by_label("Leave out notes.md").is_visible()
    assert page.get_by_label("Turn 1, what").input_value() == "Two recipes, please."

    one = workflow.submit(submission=factories.submission(), source="form")
    page = visit().go("/report/status/")
    page.get_by_label("Receipt code").fill(one.receipt)
    page.get_by_role("button", name="Show where it stands").click()
    page.locator("summary", has_text="Add evidence").click()
    page.set_input_files("#id_evidence", more)
    page.get_by_role("button", name="Add the files").click()
    page.get_by_text("Added: more.txt.").wait_for()
    assert one.receipt not in page.content()
    assert one.report.evidence.get().name == "more.txt"
