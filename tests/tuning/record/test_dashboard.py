"""optuna-dashboard opens what a search has written."""

import importlib
import json
import threading
import urllib.request
import warnings
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server

from skips import require_packages
from tuning.record.searches import opened, outcome, setting
from wolfsbane.tuning.trial import Purpose


class Silent(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def dashboard(storage):
    """Serve the dashboard on a free port, and return how to ask it."""
    require_packages("optuna_dashboard")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        application = importlib.import_module("optuna_dashboard").wsgi(storage)
    with make_server("127.0.0.1", 0, application, handler_class=Silent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def ask(path):
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}") as answer:
                return json.load(answer)

        try:
            yield ask
        finally:
            server.shutdown()
            thread.join()


def named(place):
    """Return what people give the dashboard on its command line."""
    directory, url = place
    if url is None:
        return str(directory / "journal.log")
    return url.replace("postgresql:", "postgresql+psycopg2:")


def test_the_dashboard_shows_the_search_while_it_runs_and_afterwards(place):
    asked = setting()
    with opened(*place) as record:
        record.tell(record.suggest(), outcome(0.25))
        record.tell(record.suggest(), outcome(0.125))
        record.add(asked.subject.space.baseline, 1 << 20, Purpose.PROOF)
        with dashboard(named(place)) as ask:
            (summary,) = ask("/api/studies")["study_summaries"]
            assert "wolfsbane" in summary["study_name"]
            detail = ask(f"/api/studies/{summary['study_id']}")
    assert detail["directions"] == ["minimize"]
    assert detail["objective_names"] == ["validation_nll"]
    assert [trial["state"] for trial in detail["trials"]] == ["Complete", "Complete", "Running"]
    assert [trial.get("values") for trial in detail["trials"]][:2] == [[0.25], [0.125]]
    params = [
        {one["name"]: one["param_external_value"] for one in trial["params"]}
        for trial in detail["trials"]
    ]
    assert params[1] == {"dropout": "0.1", "seed": "0"}
    assert params[2] == {"dropout": "0.0", "seed": str(1 << 20)}
    attributes = {one["key"]: one["value"] for one in detail["trials"][2]["user_attrs"]}
    assert attributes["purpose"] == "proof"
    assert {one["key"] for one in detail["user_attrs"]} >= {"configuration"}
