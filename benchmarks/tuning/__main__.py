"""The proof of the tuner: regrets, costs and false claims, beside other tuners.

    python benchmarks/tuning grid --jobs 2         # 2,800 trainings: most of an hour on two cores
    python benchmarks/tuning check                 # a sample of them again, bit for bit
    python benchmarks/tuning concrete              # Concrete dropout, 70 trainings
    python benchmarks/tuning replay --jobs 2       # every tuner, 40 times, on those trainings
    python benchmarks/tuning nulls --jobs 2        # real searches where there is nothing to gain
    python benchmarks/tuning record                # benchmarks/results/tuning-DATE.json
    python benchmarks/tuning page                  # docs/tuning-benchmark.md from the latest record

Without a word: all of it. What was computed is kept in benchmarks/tuning/.cache, and not again.
"""
