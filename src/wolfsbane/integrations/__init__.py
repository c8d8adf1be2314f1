"""Other libraries' trainers, watched: callbacks for Lightning and for transformers.

    from wolfsbane.integrations.lightning import AuditCallback
    from wolfsbane.integrations.transformers import AuditCallback

Neither library is loaded before its AuditCallback is asked for.
"""
