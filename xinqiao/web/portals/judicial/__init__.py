"""Portal of courts, notaries and arbitrators."""
