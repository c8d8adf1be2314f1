"""Findings as text for people, or for programs: JSON, SARIF, GitHub. No torch is imported."""

from wolfsbane.audit.output.rendering import Format, render, render_report
from wolfsbane.audit.output.report import Report

__all__ = ["Format", "Report", "render", "render_report"]
