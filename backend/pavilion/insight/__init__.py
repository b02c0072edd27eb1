"""Market figures given back to those who report: fixed grid, fixed calendar, nobody recognisable."""
