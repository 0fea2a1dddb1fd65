"""From a syntax tree to exact weights: names resolved, circuits built, made sharp and factored, in exact arithmetic."""
