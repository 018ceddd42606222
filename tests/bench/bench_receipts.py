"""How long a code that leads nowhere takes, by why it leads nowhere: no reason may be told from the time.

The difference of the medians of two reasons is held against that of the same reason measured twice.
"""

import random
from datetime import timedelta
from statistics import median, stdev
from time import perf_counter

import pytest
from django.test import Client
from django.utils import timezone

from reports import receipts, withdrawal, workflow
from reports.abuse import limits
from reports.models import Report
from tests import factories

pytestmark = pytest.mark.django_db

PAIRS = 700


def test_unknown_expired_and_withdrawn_take_the_same_time(monkeypatch):
    monkeypatch.setitem(limits.LIMITS, limits.RECEIPT, limits.Limits(each=limits.Limit(10**9, 600)))
    expired, withdrawn = (workflow.submit(submission=factories.submission(), source="form") for _ in range(2))
    Report.objects.filter(pk=expired.report.pk).update(submitted_at=timezone.now() - timedelta(days=9999))
    withdrawal.withdraw(report=withdrawn.report)
    codes = {"unknown": receipts.new_receipt(), "again": receipts.new_receipt()}
    codes |= {"expired": expired.receipt, "withdrawn": withdrawn.receipt}
    client, times = Client(), {name: [] for name in codes}
    for _ in range(PAIRS):
        for name in random.sample(list(codes), len(codes)):
            started = perf_counter()
            client.post("/report/status/", {"receipt": codes[name]})
            times[name].append(perf_counter() - started)
    noise = stdev(times["unknown"]) * 1.2533 * (2 / PAIRS) ** 0.5  # standard error of a difference of medians
    for name, taken in times.items():
        difference = median(taken) - median(times["unknown"])
        print(f"{name:10} median {median(taken) * 1e3:.3f} ms, from unknown {difference * 1e6:+.1f} µs", end=" ")
        print(f"({difference / noise:+.2f} standard errors)")
        assert abs(difference) < 3 * noise
