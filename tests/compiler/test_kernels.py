"""Profiles: the vectorised window sums equal plain loops over all targets and keys."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compiler.sharpness.profiles import Profile


def _brute_width(profile: Profile, strength: float, loss: float) -> float:
    worst = 0.0
    for target in profile.targets.astype(int):
        last = min(target - profile.shift, profile.high) if profile.causal else profile.high
        keys = [v for v in range(profile.low, last + 1) if v != target]
        worst = max(worst, sum(math.exp(-strength * (profile.margins[abs(target - v)] - loss)) for v in keys))
    return -math.log(worst) if worst > 0 else math.inf


@given(
    reach=st.integers(2, 12),
    shift=st.integers(-3, 3),
    causal=st.booleans(),
    strength=st.floats(0.1, 20),
    seed=st.integers(0, 99),
)
def test_width_equals_the_plain_sum(reach: int, shift: int, causal: bool, strength: float, seed: int) -> None:
    margins = np.concatenate([[0.0], np.random.default_rng(seed).uniform(0.05, 2, reach + 8)])
    targets = np.arange(max(0, shift) if causal else shift, reach + shift + 1, dtype=np.float64)
    targets = targets[targets >= 0] if causal else targets
    profile = Profile(margins, targets, 0, reach, causal, shift)
    found, wanted = profile.width(strength, 0.01), _brute_width(profile, strength, 0.01)
    assert found == wanted or math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)
