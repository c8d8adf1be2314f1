"""What the browser is given: templates, styles, scripts."""
