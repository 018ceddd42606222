"""Logs name no visitor and repeat nothing a reporter sent."""

import logging

import pytest
import structlog
from django.db import IntegrityError, connection, transaction

from config.logs import logging_config
from tests import factories

CANARY = "canary-in-a-variable"


@pytest.fixture(params=[True, False], ids=["json", "text"])
def log_file(request, tmp_path):
    """The project's own format, written to a file."""
    path = tmp_path / "log"
    config = logging_config(as_json=request.param, level="INFO")
    formatter = dict(config["formatters"]["structured"])
    made = formatter.pop("()")(**formatter)
    file = logging.FileHandler(path)
    file.setFormatter(made)
    logger = logging.getLogger("tests.logs")
    logger.addHandler(file)
    yield logger, path
    logger.removeHandler(file)
    file.close()


def test_a_traceback_shows_no_variables(log_file):
    logger, path = log_file
    contact = CANARY
    try:
        raise RuntimeError("broken") from ValueError(len(contact))
    except RuntimeError:
        logger.exception("it broke")
    assert "it broke" in path.read_text()
    assert "RuntimeError" in path.read_text()
    assert CANARY not in path.read_text()


@pytest.mark.django_db
def test_a_refused_row_is_not_repeated(log_file):
    logger, path = log_file
    report = factories.report(text=f"Thirty characters and more of it.\n{CANARY}: and a second line.")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE reports_report SET state = 'nonsense' WHERE id = %s", [report.pk])
    except IntegrityError:
        logger.exception("it broke")
    assert "report_state" in path.read_text()
    assert CANARY not in path.read_text()


def test_keys_that_name_a_visitor_are_dropped(log_file):
    _logger, path = log_file
    structlog.stdlib.get_logger("tests.logs").warning("seen", ip="203.0.113.77", user_agent="agent", hub="huggingface")
    text = path.read_text()
    assert "huggingface" in text
    assert "203.0.113.77" not in text
    assert "agent" not in text
