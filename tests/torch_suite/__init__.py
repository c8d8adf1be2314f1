"""PyTorch's own tests over wolfsbane's classes and functions.

The wheel ships the databases that drive PyTorch's test_modules.py, test_ops.py and their like:
which inputs, references, errors and tolerances an operation has. `retarget` points their entries
at wolfsbane; the tests here make PyTorch's checks over them. A test names the check it makes as
PyTorch does ("TestCommon.test_dtypes"), so that the entries' own skips and tolerances apply.
"""
