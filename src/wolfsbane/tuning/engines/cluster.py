"""Trainings on a cluster, through joblib's backend for it."""

import warnings
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Protocol

from joblib import Parallel, ParallelBackendBase, delayed

from wolfsbane.tuning.engines.deaths import died_every_time
from wolfsbane.tuning.engines.failure import unwrap
from wolfsbane.tuning.engines.parcel import Perform, pack
from wolfsbane.tuning.engines.worker import attempt
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.trial import Outcome, Request


class Site(Protocol):
    """A cluster that this process is connected with."""

    @property
    def num_workers(self) -> int:
        """How many trainings run at once: two or more, joblib sends nothing to a single worker."""

    @property
    def death(self) -> type[Exception]:
        """What is raised where the worker died every time a training was made."""

    def backend(self) -> ParallelBackendBase:
        """Return a backend of joblib's that makes a training again whose worker died."""

    def stop(self, batch: str) -> None:
        """End the trainings of a batch that joblib has left running."""

    def close(self) -> None:
        """End what was started, the connection at least."""


class Cluster:
    """Makes trainings with joblib.Parallel; the workers stay warm from batch to batch."""

    def __init__(self, site: Site, perform: Perform) -> None:
        self._site = site
        self._perform = perform
        self._parallel: Any = None

    @property
    def num_workers(self) -> int:
        """How many trainings run at once."""
        return self._site.num_workers

    def run(
        self, setting: Setting, requests: Sequence[Request]
    ) -> Iterator[tuple[Request, Outcome]]:
        """Yield each request with its outcome as soon as that is there."""
        parcel = pack(self._perform, setting)
        answers = self._warm()(delayed(attempt)(parcel, request) for request in requests)
        try:
            for request, found in answers:
                yield request, unwrap(found)
        except self._site.death as error:
            self._abort(answers, parcel.batch)
            raise died_every_time("a training", str(error).partition("\n")[0]) from error
        except BaseException:
            self._abort(answers, parcel.batch)
            raise

    def _warm(self) -> Any:
        if self._parallel is None:
            parallel = Parallel(
                n_jobs=self.num_workers,
                backend=self._site.backend(),
                return_as="generator_unordered",
                batch_size=1,
                pre_dispatch=self.num_workers,
            )
            self._parallel = parallel.__enter__()
        return self._parallel

    def _abort(self, answers: Generator[Any, None, None], batch: str) -> None:
        """End what runs; the next batch starts workers anew."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r".*tasks (which were still|have been)")
            answers.close()
        self._site.stop(batch)
        self._cool()

    def _cool(self) -> None:
        parallel, self._parallel = self._parallel, None
        if parallel is not None:
            parallel.__exit__(None, None, None)

    def close(self) -> None:
        """End what was started."""
        self._cool()
        self._site.close()
