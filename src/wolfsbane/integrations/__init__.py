"""Other libraries' trainers, watched: callbacks for Lightning and for transformers."""
