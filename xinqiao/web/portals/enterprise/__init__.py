"""Enterprise portal: own report, authorisations, who looked."""
