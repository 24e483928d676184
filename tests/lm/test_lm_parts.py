import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from iolaus.errors import BudgetSpent, OutputError
from iolaus.lm import AnswerCache, Budget, Patience, TokenBucket
from iolaus.lm.cache import request_digest
from iolaus.lm.pace import asked_wait


def test_the_bucket_keeps_its_rate():
    now, waits = [0.0], []

    def sleep(seconds):
        waits.append(seconds)
        now[0] += seconds

    bucket = TokenBucket(2.0, burst=3, clock=lambda: now[0], sleep=sleep)
    for _ in range(7):
        bucket.acquire()
    assert waits == pytest.approx([0.5] * 4)
    now[0] += 100
    for _ in range(3):
        bucket.acquire()
    assert len(waits) == 4


def test_a_bucket_shared_by_threads_keeps_its_rate():
    bucket = TokenBucket(100.0)
    started = time.monotonic()
    threads = [threading.Thread(target=lambda: [bucket.acquire() for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started >= 0.18


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (float("nan"), 1), (1, 0)])
def test_buckets_that_let_nothing_through(rate, burst):
    with pytest.raises(ValueError):
        TokenBucket(rate, burst)


def test_backoff_doubles_with_jitter_up_to_its_bound():
    patience, chance = Patience(first_wait=1.0, longest_wait=10.0), random.Random(0)
    for failures, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 10.0), (50, 10.0)):
        waits = [patience.backoff(failures, chance) for _ in range(200)]
        assert longest / 2 <= min(waits) < max(waits) <= longest


def test_retry_after_in_all_its_forms():
    assert asked_wait("3") == 3.0
    assert asked_wait("-3") == 0.0
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 27 < asked_wait(soon) <= 30
    assert asked_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    for nonsense in (None, "soon", "", "nan", "inf"):
        assert asked_wait(nonsense) is None


def test_the_budget_is_never_overspent_by_threads():
    budget, refused = Budget(50), []

    def spend():
        for _ in range(30):
            try:
                budget.take()
            except BudgetSpent:
                refused.append(1)

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.spent == 50 and budget.left == 0 and len(refused) == 70
    assert Budget().left is None
    with pytest.raises(ValueError):
        Budget(-1)


def test_digests_tell_requests_apart():
    one = request_digest("http://a/v1", {"prompt": "x", "n": 1}, 0)
    assert one == request_digest("http://a/v1", {"n": 1, "prompt": "x"}, 0)
    others = [
        request_digest("http://b/v1", {"prompt": "x", "n": 1}, 0),
        request_digest("http://a/v1", {"prompt": "x", "n": 1}, 1),
        request_digest("http://a/v1", {"prompt": "y", "n": 1}, 0),
    ]
    assert len({one, *others}) == 4


def test_the_cache_keeps_the_first_answer_and_outlives_its_process(tmp_path):
    cache = AnswerCache(tmp_path / "deep" / "answers.sqlite")
    cache.put(b"1", {"a": "é\ud800"})
    cache.put(b"1", {"a": 2})
    cache.close()
    again = AnswerCache(tmp_path / "deep" / "answers.sqlite")
    assert again.get(b"1") == {"a": "é\ud800"}
    assert again.get(b"2") is None
    again.close()


def test_files_that_are_no_cache(tmp_path):
    (tmp_path / "text").write_text("this is no database, though it is long enough to be one " * 20)
    with pytest.raises(OutputError, match="cannot be used as a cache"):
        AnswerCache(tmp_path / "text")
    connection = sqlite3.connect(tmp_path / "later")
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(OutputError, match="version 7"):
        AnswerCache(tmp_path / "later")
    with pytest.raises(OutputError, match="cannot be opened"):
        AnswerCache(tmp_path / "text" / "below")


_WRITER = """
import sys
from iolaus.lm import AnswerCache
cache = AnswerCache(sys.argv[1])
for number in range(10**9):
    cache.put(f"{sys.argv[2]}-{number}".encode(), {"body": "x" * 5000, "number": number})
    print(number, flush=True)
"""


def test_processes_share_the_cache_and_one_may_be_killed(tmp_path):
    path = tmp_path / "answers.sqlite"
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name], stdout=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    told = []
    for writer in writers:
        last = -1
        while last < 20:
            last = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in writer.stdout.read().split("\n")[:-1] if line)])
        writer.wait()
        writer.stdout.close()
        told.append(last)
    cache = AnswerCache(path)
    for name, last in zip(("a", "b"), told, strict=True):
        for number in range(last + 1):
            assert cache.get(f"{name}-{number}".encode()) == {"body": "x" * 5000, "number": number}
    cache.put(b"after", {})
    assert cache.get(b"after") == {}
    cache.close()


def test_the_cache_works_on_both_sides_of_a_fork(tmp_path):
    code = """
import os, sys
from iolaus.lm import AnswerCache
cache = AnswerCache(sys.argv[1])
cache.put(b"before", {"n": 1})
child = os.fork()
if child == 0:
    cache.put(b"child", {"n": 2})
    os._exit(0 if cache.get(b"before") == {"n": 1} else 1)
assert os.waitpid(child, 0)[1] == 0
assert cache.get(b"child") == {"n": 2}
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "answers.sqlite")], check=True, timeout=60)


def test_the_room_is_light():
    code = "import sys, iolaus.lm; assert not {'torch', 'transformers', 'httpx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
