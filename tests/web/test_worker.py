import asyncio
import threading

import pytest

from lamina.web.worker import BusyError, Worker


@pytest.fixture
def worker():
    worker = Worker("test", most=2)
    yield worker
    worker.close()


def test_work_is_done_in_turn_by_one_thread(worker):
    order = []
    first = worker.submit(lambda: order.append(("a", threading.get_ident())))
    second = worker.submit(lambda: order.append(("b", threading.get_ident())))
    first.result(), second.result()
    assert [name for name, _ in order] == ["a", "b"]
    assert len({thread for _, thread in order}) == 1
    assert order[0][1] != threading.get_ident()


def test_what_is_beyond_its_capacity_is_refused_until_there_is_room(worker):
    go_on = threading.Event()
    running = [worker.submit(go_on.wait), worker.submit(go_on.wait)]
    with pytest.raises(BusyError):
        worker.submit(print)
    go_on.set()
    assert [one.result() for one in running] == [True, True]
    assert worker.submit(int, "3").result() == 3


def test_work_that_fails_makes_room_too(worker):
    for _ in range(5):
        with pytest.raises(ValueError, match="invalid literal"):
            asyncio.run(worker.run(int, "x"))


def test_several_threads_work_at_once():
    worker = Worker("test", most=4, threads=2)
    both = threading.Barrier(2)
    futures = [worker.submit(both.wait) for _ in range(2)]
    assert sorted(one.result(timeout=60) for one in futures) == [0, 1]
    worker.close()


def test_what_waits_at_the_end_is_forgotten():
    worker = Worker("test", most=9)
    go_on = threading.Event()
    worker.submit(go_on.wait)
    waiting = worker.submit(print)
    threading.Timer(0.05, go_on.set).start()
    worker.close()
    assert waiting.cancelled()
