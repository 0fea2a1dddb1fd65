"""Models and arrays on disk: safetensors, ``.npy``, a folder for each model; bounded before they are read.

In: paths.  Out: arrays and models; files.  Not for: running models.
"""
