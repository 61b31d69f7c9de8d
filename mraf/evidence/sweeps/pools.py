"""Where the runs of a sweep are done: in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

import psutil
from joblib import cpu_count
from joblib.externals.loky import ProcessPoolExecutor
from tqdm import tqdm

from mraf.errors import RunError

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


class Pool(Protocol):
    """Workers that take one call at a time each."""

    def free(self) -> int:
        """How many more calls can start now."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        """Start a call."""

    def release(self, future: Future) -> None:
        """Take back the worker of a call that has ended."""

    def close(self) -> None:
        """End the workers, also in the middle of a call."""


class LocalPool:
    """Processes of this machine, one thread each.

    A process of its own for each worker: one that is killed, for memory say, takes no other run
    with it.

    Args:
        jobs: number of processes; None takes one per core that this process may use.
    """

    def __init__(self, jobs: int | None = None) -> None:
        jobs = cpu_count() if jobs is None else jobs
        if jobs < 1:
            raise RunError(f"--jobs {jobs}: at least one process is needed.")
        self._idle: list[ProcessPoolExecutor | None] = [None] * jobs  # started when needed
        self._busy: dict[Future, ProcessPoolExecutor] = {}

    def free(self) -> int:
        return len(self._idle)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        worker = self._idle.pop() or ProcessPoolExecutor(
            max_workers=1, env=ONE_THREAD, initializer=_set_up_worker
        )
        future: Future = worker.submit(function, *arguments)
        self._busy[future] = worker
        return future

    def release(self, future: Future) -> None:
        worker = self._busy.pop(future)
        dead = isinstance(future.exception(), BrokenProcessPool)
        self._idle.append(None if dead else worker)

    def close(self) -> None:
        for busy in self._busy.values():
            busy.shutdown(kill_workers=True)
        for idle in self._idle:
            if idle is not None:
                idle.shutdown()


class ClusterPool:
    """The workers of a ``dask.distributed`` scheduler; those that come later are used as well.

    Dask gives a run whose worker has died to another one.

    Args:
        address: as in ``dask://HOST:PORT``.
        timeout: seconds to wait for the scheduler.
    Raises:
        RunError: dask is not installed, or no scheduler answers there.
    """

    def __init__(self, address: str, timeout: float = 10) -> None:
        kind, _, place = address.partition("://")
        if kind != "dask" or not place:
            raise RunError(f"--cluster {address}: expected dask://HOST:PORT.")
        try:
            from distributed import Client
        except ImportError:
            raise RunError(
                "--cluster needs dask.distributed: pip install 'mraf[cluster]'."
            ) from None
        try:
            self._client = Client(f"tcp://{place}", timeout=timeout)
        except (OSError, ValueError) as error:
            raise RunError(f"--cluster {address}: no scheduler answers there ({error}).") from None
        self._executor = self._client.get_executor(pure=False)
        self._busy: set[Future] = set()

    def free(self) -> int:
        try:
            workers = len(self._client.nthreads())
        except OSError as error:
            raise RunError(
                f"the scheduler no longer answers ({error}); the finished runs are kept, the same "
                "command goes on."
            ) from None
        return max(1, workers) - len(self._busy)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        future: Future = self._executor.submit(function, *arguments)
        self._busy.add(future)
        return future

    def release(self, future: Future) -> None:
        self._busy.discard(future)

    def close(self) -> None:
        for future in self._busy:
            future.cancel()
        self._executor.shutdown(wait=False)
        self._client.close()


def _set_up_worker() -> None:
    """Leave interrupts to the parent, end when it is gone, and hold nothing that would leak."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(threading.RLock())  # by default a semaphore of the system
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent and psutil.pid_exists(parent):
        time.sleep(1)
    os._exit(1)
