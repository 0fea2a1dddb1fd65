"""Pictures: attention patterns in the terminal, and results in files: HTML, SVG, PNG.

In: figures.  Out: text and files.  Not for: what is drawn (``run_result``, ``analyses``, ``spectra``).
"""
