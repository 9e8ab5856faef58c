import copy
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lightning_app.codecs import HEVC, QP, CodecPool
from lightning_app.errors import CodecError, OptionError
from tests.codecs.pools import payloads, pictures, qps, wait_until_dead, worker_ids


@pytest.fixture(scope="module")
def pool() -> Iterator[CodecPool]:
    with CodecPool(HEVC(), 2) as pool:
        yield pool


def test_the_pool_codes_each_picture_as_the_codec_alone_does(pool: CodecPool) -> None:
    codec = HEVC()
    originals = pictures(10)
    coded = pool.code(originals, qps(10))
    assert payloads(coded) == [codec.encode(p, qp) for p, qp in zip(originals, qps(10), strict=True)]
    for original, one, qp in zip(originals, coded, qps(10), strict=True):
        np.testing.assert_array_equal(one.picture, codec.decode(one.data))
        assert one.picture.shape == original.shape
        assert qp is not None or (one.picture == original).all()


def test_bytes_do_not_depend_on_the_number_of_workers(pool: CodecPool) -> None:
    with CodecPool(HEVC(), 1) as alone:
        assert payloads(alone.code(pictures(7), qps(7))) == payloads(pool.code(pictures(7), qps(7)))


def test_no_pictures_need_no_workers() -> None:
    with CodecPool(HEVC(), 2) as idle:
        before = worker_ids()
        assert idle.code([], []) == []
        assert worker_ids() == before


def test_a_picture_that_cannot_be_coded_says_why_and_the_pool_goes_on(pool: CodecPool) -> None:
    pool.code(pictures(2), qps(2))
    before = worker_ids()
    with pytest.raises(CodecError, match="must be 16 pixels or more on each side, not 8×8: pad it"):
        pool.code([*pictures(3), np.zeros((8, 8), np.uint8)], qps(4))
    with pytest.raises(OptionError, match="QP must be lossless or 0 to 51, not 60"):
        pool.code(pictures(1), [60])
    assert len(pool.code(pictures(3), qps(3))) == 3
    assert worker_ids() == before


def test_pictures_and_qps_must_be_as_many(pool: CodecPool) -> None:
    with pytest.raises(CodecError, match="2 pictures need as many QPs, not 3"):
        pool.code(pictures(2), qps(3))


@pytest.mark.parametrize("workers", [0, -1])
def test_a_pool_needs_a_worker(workers: int) -> None:
    with pytest.raises(OptionError, match=f"^workers must be 1 or more, not {workers}$"):
        CodecPool(HEVC(), workers)


def test_a_ctrl_c_is_left_to_the_parent(pool: CodecPool) -> None:
    expected = payloads(pool.code(pictures(4), qps(4)))
    before = worker_ids()
    for worker in before:
        os.kill(worker, signal.SIGINT)
    assert payloads(pool.code(pictures(4), qps(4))) == expected
    assert worker_ids() == before


def test_a_killed_idle_worker_is_replaced(pool: CodecPool) -> None:
    expected = payloads(pool.code(pictures(4), qps(4)))
    os.kill(min(worker_ids()), signal.SIGKILL)
    assert payloads(pool.code(pictures(4), qps(4))) == expected


def test_a_worker_killed_in_mid_run_changes_no_result() -> None:
    work, at = pictures(12, side=192), [27] * 12
    with CodecPool(HEVC(), 2) as pool:
        pool.code(work[:2], at[:2])
        victims = worker_ids()
        timer = threading.Timer(0.1, lambda: os.kill(max(victims), signal.SIGKILL))
        timer.start()
        coded = pool.code(work, at)
        assert not timer.is_alive(), "the run ended before the kill"
        assert wait_until_dead({max(victims)}, 1) == set()
    assert payloads(coded) == [HEVC().encode(picture, 27) for picture in work]


def test_only_unfinished_pictures_are_coded_again(doubles: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "finished"
    at: list[QP] = [20, 21, 22, 23, 37, 24, 25]
    with CodecPool(doubles.FatalOnce(log), 1) as pool:
        coded = pool.code(pictures(7), at)
    assert log.with_suffix(".died").exists()
    assert sorted(log.read_text().split()) == sorted(str(qp) for qp in at)
    assert payloads(coded) == [HEVC().encode(p, qp) for p, qp in zip(pictures(7), at, strict=True)]


def test_the_pictures_that_take_longest_are_begun_first(doubles: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "finished"
    log.with_suffix(".died").touch()  # nobody dies here
    at: list[QP] = [22, None, 27, 37, 32, 36]  # of 64, 72 and 80 pixels a row, and again
    with CodecPool(doubles.FatalOnce(log), 1) as pool:
        coded = pool.code(pictures(6), at)
    assert log.read_text().split() == ["27", "36", "None", "32", "22", "37"]
    assert payloads(coded) == [HEVC().encode(p, qp) for p, qp in zip(pictures(6), at, strict=True)]


def test_results_come_while_the_workers_go_on(pool: CodecPool, tmp_path: Path) -> None:
    marks = [tmp_path / str(i) for i in range(6)]
    stream = pool.stream([(Path.touch, mark) for mark in marks])
    next(stream)
    end = time.monotonic() + 10
    while not all(mark.exists() for mark in marks) and time.monotonic() < end:
        time.sleep(0.01)
    assert all(mark.exists() for mark in marks)
    assert len(list(stream)) == 5


def test_calls_begin_before_their_results_are_asked_for(pool: CodecPool, tmp_path: Path) -> None:
    marks = [tmp_path / str(i) for i in range(6)]
    streams = [pool.stream([(Path.touch, mark) for mark in some]) for some in (marks[:3], marks[3:])]
    end = time.monotonic() + 10
    while not all(mark.exists() for mark in marks) and time.monotonic() < end:
        time.sleep(0.01)
    assert all(mark.exists() for mark in marks)
    assert [len(list(stream)) for stream in streams] == [3, 3]


def test_submitted_pictures_are_coded_before_their_result_is_asked_for(doubles: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "finished"
    log.with_suffix(".died").touch()  # nobody dies here
    with CodecPool(doubles.FatalOnce(log), 1) as pool:
        coding = pool.submit(pictures(3), [22, 27, 32])
        end = time.monotonic() + 10
        while (not log.exists() or len(log.read_text().split()) < 3) and time.monotonic() < end:
            time.sleep(0.01)
        assert len(log.read_text().split()) == 3
        coded = coding.result()
        assert coding.result() is coded
    assert payloads(coded) == [HEVC().encode(p, qp) for p, qp in zip(pictures(3), (22, 27, 32), strict=True)]


def test_a_stream_that_is_left_begins_no_more_calls(pool: CodecPool, tmp_path: Path) -> None:
    marks = [tmp_path / str(i) for i in range(20)]
    stream = pool.stream([(int,), (time.sleep, 1), (time.sleep, 1), *((Path.touch, mark) for mark in marks)])
    next(stream)
    del stream
    pool.run(time.sleep, [(0,)])
    assert not all(mark.exists() for mark in marks)


def test_workers_killed_between_results_change_none(doubles: ModuleType, tmp_path: Path) -> None:
    at: list[QP] = [20, 21, 37, 22, 23]
    work = pictures(5)
    with CodecPool(doubles.FatalOnce(tmp_path / "finished"), 2) as pool:
        found = []
        for data in pool.stream(
            [(doubles.FatalOnce.encode, pool.codec, p, qp) for p, qp in zip(work, at, strict=True)]
        ):
            found.append(data)
            os.kill(min(worker_ids()), signal.SIGKILL)
    assert found == [HEVC().encode(p, qp) for p, qp in zip(work, at, strict=True)]


def test_workers_killed_under_two_streams_change_neither(pool: CodecPool) -> None:
    work = list(zip(pictures(8), qps(8), strict=True))
    calls = [(HEVC.encode, pool.codec, picture, qp) for picture, qp in work]
    expected = [HEVC().encode(picture, qp) for picture, qp in work]
    assert list(pool.stream(calls)) == expected  # the workers are there
    one, other = pool.stream(calls), pool.stream(calls)
    os.kill(min(worker_ids()), signal.SIGKILL)
    first = next(one)  # in new workers, which the other stream must leave to it
    assert list(other) == expected
    assert [first, *one] == expected


def test_workers_that_always_die_end_in_one_sentence(doubles: ModuleType) -> None:
    sentence = (
        r"workers died or hung 3 times without finishing a picture, the last time at code\(Fatal, a picture of 64×"
    )
    with CodecPool(doubles.Fatal(), 2) as pool, pytest.raises(CodecError, match=sentence):
        pool.code(pictures(2), qps(2))


def test_copies_carry_the_codec_and_no_processes(pool: CodecPool) -> None:
    pool.code(pictures(1), [None])
    before = worker_ids()
    for twin in (copy.deepcopy(pool), pickle.loads(pickle.dumps(pool))):
        assert (type(twin.codec), twin.workers) == (HEVC, 2)
    assert worker_ids() == before
    assert len(pickle.dumps(pool)) < 300
