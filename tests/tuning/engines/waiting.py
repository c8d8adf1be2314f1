"""A program whose two trainings never end: python waiting.py ENGINE FOLDER."""

import sys
from pathlib import Path

from tuning.engines.suite import a_setting, marking, performing, requests, waiting_for_ever
from wolfsbane.tuning.engines import make_engine


def main():
    name, folder = sys.argv[1], Path(sys.argv[2])
    engine = make_engine(name, 2, performing())
    try:
        list(engine.run(a_setting(marking(waiting_for_ever()), folder), requests(2)))
    except KeyboardInterrupt:
        print("interrupted")  # noqa: T201
    finally:
        engine.close()


if __name__ == "__main__":
    main()
