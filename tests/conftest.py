"""What every test shares: Hypothesis profiles, one torch thread, and the specs of this checkout.

`HYPOTHESIS_PROFILE=explore` searches afresh and longer; the default draws the same examples on every run.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
os.environ["HEADSPEC_PROGRESS"] = "off"  # tests leave a student's progress alone, those in other processes too

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=50, database=None)
settings.register_profile(
    "explore",
    deadline=None,
    max_examples=1000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Two cores are shared by everything: a second thread would only wait."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of this checkout."""
    return ROOT
