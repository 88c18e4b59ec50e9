"""On what Keras runs where nobody said so."""

import json
import os
import subprocess
import sys

import pytest

ASKED = "import os, backlit.exchange.keras; print(os.environ.get('KERAS_BACKEND'))"


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [(None, "jax"), ({"backend": "tensorflow"}, "jax"), ({"backend": "torch"}, "None"), ("{", "jax"), ([1], "jax")],
)
def test_keras_runs_on_jax_unless_something_else_is_chosen(tmp_path, settings, chosen):
    if settings is not None:
        text = settings if isinstance(settings, str) else json.dumps(settings)
        (tmp_path / "keras.json").write_text(text, encoding="utf-8")
    assert asked(KERAS_HOME=str(tmp_path)) == chosen


def test_what_is_chosen_stays(tmp_path):
    assert asked(KERAS_HOME=str(tmp_path), KERAS_BACKEND="torch") == "torch"


def asked(**environment):
    own = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"} | environment
    done = subprocess.run([sys.executable, "-c", ASKED], env=own, capture_output=True, text=True, check=True)
    return done.stdout.strip()
