"""Text and syntax tree of a head spec: parsing, printing, spans and diagnostics."""
