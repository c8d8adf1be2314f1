"""Our operations against torch's, on this machine: checked first, timed in turns, told as ratios.

Plain data first: `cases` lists what is measured, `run` measures it, `record` writes it down and
`table` shows it. `first_call` and `peak` run in processes of their own.
"""
