"""What several rules ask of a layer, an operation, or a loader, in a model and in a run."""
