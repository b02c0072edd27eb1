"""The demonstration house: its people, its stones, its sales and its simulated rivals. Uses the domains' own verbs."""
