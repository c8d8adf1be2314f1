"""Running statistics of batch norms: recalibrated, frozen."""
