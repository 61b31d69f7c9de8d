"""Where the runs of a sweep are done: in processes of this machine, or on a Dask cluster."""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

import psutil
from joblib import cpu_count
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import ShutdownExecutorError
from tqdm import tqdm

from mraf.errors import RunError

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
MANY = 256  # threads of the asker, which only wait
Call = Callable[..., Any]


class WorkerDied(RunError):
    """The process of a run is gone; the run itself may be blameless."""

    def __init__(self) -> None:
        super().__init__("its process died (out of memory?)")


class NoWorkers(RunError):
    """Nobody is left who could do a run."""


class Workers(Protocol):
    """Take a call at a time from each of ``jobs`` threads of the asker."""

    jobs: int

    def call(self, function: Call, *arguments: Any) -> Any:
        """What the function returns or raises. Raises WorkerDied, NoWorkers."""

    def close(self) -> None:
        """End them, also in the middle of a call."""


class Processes:
    """Processes of this machine, one thread each; by default one per core that this may use.

    Each is a pool of its own: one that is killed, for memory say, takes no other run with it.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = cpu_count() if jobs is None else jobs
        if self.jobs < 1:
            raise RunError(f"--jobs {jobs}: at least one process is needed.")
        self._pools: list[ProcessPoolExecutor] = []
        self._idle: list[ProcessPoolExecutor] = []
        self._closed = False

    def call(self, function: Call, *arguments: Any) -> Any:
        pool = self._idle.pop() if self._idle else self._pool()
        try:
            return pool.submit(function, *arguments).result()
        except (BrokenProcessPool, ShutdownExecutorError):
            pool = self._pool()
            raise WorkerDied from None
        finally:
            self._idle.append(pool)

    def _pool(self) -> ProcessPoolExecutor:
        """A new one; its process starts with its first call."""
        if self._closed:
            raise WorkerDied
        self._pools.append(ProcessPoolExecutor(1, env=ONE_THREAD, initializer=_set_up))
        return self._pools[-1]

    def close(self) -> None:
        self._closed = True
        for pool in self._pools:
            pool.shutdown(kill_workers=True)


class Cluster:
    """The workers of a ``dask.distributed`` scheduler; those that come later are used as well.

    Dask gives a run whose worker has died to another. Raises RunError where dask is not installed,
    or no scheduler answers within the timeout in seconds.
    """

    jobs = MANY

    def __init__(self, address: str, timeout: float = 10) -> None:
        kind, _, place = address.partition("://")
        if kind != "dask" or not place:
            raise RunError(f"--cluster {address}: expected dask://HOST:PORT.")
        try:
            from distributed import Client

            self._client = Client(f"tcp://{place}", timeout=timeout)
        except ImportError:
            raise RunError(
                "--cluster needs dask.distributed: pip install 'mraf[cluster]'."
            ) from None
        except (OSError, ValueError) as error:
            raise RunError(f"--cluster {address}: no scheduler answers there ({error}).") from None

    def call(self, function: Call, *arguments: Any) -> Any:
        from distributed.scheduler import KilledWorker

        try:
            return self._client.submit(function, *arguments, pure=False).result()
        except KilledWorker:
            raise WorkerDied from None
        except CancelledError:
            raise NoWorkers(
                "the scheduler no longer answers; the finished runs are kept, the same command "
                "goes on."
            ) from None

    def close(self) -> None:
        self._client.close()


def _set_up() -> None:
    """Leave interrupts to the parent, end when it is gone, and hold nothing that would leak."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(threading.RLock())  # by default a semaphore of the system
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent and psutil.pid_exists(parent):
        time.sleep(1)
    os._exit(1)
