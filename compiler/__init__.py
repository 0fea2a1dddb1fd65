"""From a syntax tree to exact weights: names resolved, circuits built, factored and made sharp, all in exact arithmetic."""
