"""The record of a search: all its trials in Optuna's storage, resumed and locked."""

from wolfsbane.tuning.record.configuration import configuration, digest
from wolfsbane.tuning.record.opening import open_record
from wolfsbane.tuning.record.protocol import Record
from wolfsbane.tuning.record.study import StudyRecord

__all__ = ["Record", "StudyRecord", "configuration", "digest", "open_record"]
