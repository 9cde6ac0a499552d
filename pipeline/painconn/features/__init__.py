"""Features: spectra and matrices become named columns of one table."""
