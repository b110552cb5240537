"""Jobs, CronJobs and the schedules of these."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.sandbox.controllers import cron
from libs.sandbox.controllers.cronjob import last_due
from libs.sandbox.controllers.meta import condition_of, is_true
from libs.sandbox.tests.stage import staged, template
from libs.shared.errors import Invalid


@pytest.fixture
async def stage(tmp_path):
    async with staged(tmp_path) as found:
        yield found
        assert found.log.lines == []


def job(name, command=(), policy="Never", **spec):
    shape = template({"job": name}, "busybox", container={"command": list(command)}, restartPolicy=policy)
    return {"metadata": {"name": name}, "spec": {"completions": 1, "parallelism": 1, "template": shape, **spec}}


async def test_a_job_completes(stage):
    """Its pod runs for a moment and succeeds; start, end, counts and both conditions are told."""
    stage.make("jobs.batch", job("once"))
    await stage.passes(1)
    assert stage.get("jobs.batch", "once")["status"]["active"] == 1
    await stage.passes(5)
    found = stage.get("jobs.batch", "once")
    assert is_true(found, "Complete")
    assert found["status"]["succeeded"] == 1
    assert "active" not in found["status"]
    assert found["status"]["completionTime"] > found["status"]["startTime"]
    assert [pod["status"]["phase"] for pod in stage.pods()] == ["Succeeded"]


async def test_completions_in_parallel(stage):
    """Five are wanted, two run at once, never more."""
    stage.make("jobs.batch", job("many", ["sleep", "2"], completions=5, parallelism=2))
    most = 0
    for _ in range(40):
        await stage.passes(0.5)
        most = max(most, sum(pod.get("status", {}).get("phase") in ("Pending", "Running") for pod in stage.pods()))
    assert most == 2
    assert stage.get("jobs.batch", "many")["status"]["succeeded"] == 5


async def test_a_failing_job_gives_up(stage):
    """Replaced with growing pauses, up to the limit; then Failed with its reason."""
    stage.make("jobs.batch", job("bad", ["sh", "-c", "exit 3"], backoffLimit=2))
    await stage.passes(8)
    assert stage.get("jobs.batch", "bad")["status"]["failed"] == 1  # the second waits ten seconds
    await stage.passes(60)
    found = stage.get("jobs.batch", "bad")
    assert condition_of(found, "Failed")["reason"] == "BackoffLimitExceeded"
    assert found["status"]["failed"] == 3
    assert stage.pods()[0]["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


async def test_a_deadline_and_a_life_after(stage):
    """Too long: failed by its deadline, its pod ended. Done long enough: removed with its pods' owner."""
    stage.make("jobs.batch", job("slow", ["sleep", "500"], activeDeadlineSeconds=5))
    stage.make("jobs.batch", job("quick", ttlSecondsAfterFinished=10))
    await stage.passes(9)
    assert condition_of(stage.get("jobs.batch", "slow"), "Failed")["reason"] == "DeadlineExceeded"
    assert stage.pods(job="slow") == []
    await stage.passes(15)
    assert stage.names("jobs.batch") == ["slow"]
    assert stage.pods(job="quick") == []


async def test_a_cron_job_makes_jobs(stage):
    """Every minute one, named by its time; the last three are kept with their pods."""
    shape = {"spec": job("x")["spec"]}
    body = {"metadata": {"name": "tick"}, "spec": {"schedule": "* * * * *", "jobTemplate": shape}}
    stage.make("cronjobs.batch", body)
    await stage.passes(59)
    assert stage.names("jobs.batch") == []
    await stage.passes(10)
    assert len(stage.names("jobs.batch")) == 1
    await stage.passes(300)
    assert len(stage.names("jobs.batch")) == 3
    assert len(stage.pods()) == 3
    status = stage.get("cronjobs.batch", "tick")["status"]
    assert status["lastScheduleTime"] == "2026-01-01T00:06:00Z"
    assert status["lastSuccessfulTime"] > "2026-01-01T00:06:00Z"


async def test_a_suspended_or_wrong_schedule_makes_nothing(stage):
    """Suspended: nothing. A schedule that is none: an event says so, and nothing else happens."""
    for name, schedule, suspend in (("off", "* * * * *", True), ("odd", "every noon", False)):
        spec = {"schedule": schedule, "suspend": suspend, "jobTemplate": {"spec": job("x")["spec"]}}
        stage.make("cronjobs.batch", {"metadata": {"name": name}, "spec": spec})
    await stage.passes(130)
    assert stage.names("jobs.batch") == []
    assert "UnparseableSchedule" in stage.reasons("odd")


START = datetime(2026, 1, 1, 12, 30, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("* * * * *", "2026-01-01T12:31"),
        ("*/20 * * * *", "2026-01-01T12:40"),
        ("5 4 * * *", "2026-01-02T04:05"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("0 9-17/4 * * mon-fri", "2026-01-01T13:00"),
        ("0 12 13 * fri", "2026-01-02T12:00"),
        ("0 0 * * 7", "2026-01-04T00:00"),
        ("@monthly", "2026-02-01T00:00"),
        ("10/15 * * jan,mar *", "2026-01-01T12:40"),
    ],
)
def test_the_next_time(text, following):
    """Steps, spans, lists, names, both Sundays, either day, leap years."""
    assert cron.parsed(text).after(START) == datetime.fromisoformat(following).replace(tzinfo=UTC)


def test_a_day_that_never_comes():
    """The thirtieth of February: no time, and no endless search."""
    assert cron.parsed("0 0 30 2 *").after(START) is None


@pytest.mark.parametrize(
    "text", ["", "* * * *", "60 * * * *", "a * * * *", "*/0 * * * *", "5-1 * * * *", "* * * * * *", "1,,2 * * * *"]
)
def test_what_is_no_schedule(text):
    """Refused by name."""
    with pytest.raises(Invalid, match="no cron schedule"):
        cron.parsed(text)


def test_what_was_missed_counts_once():
    """After a year without us, only the last time is due."""
    due = last_due(cron.parsed("* * * * *"), START - timedelta(days=365), START)
    assert due == START.replace(second=0)
