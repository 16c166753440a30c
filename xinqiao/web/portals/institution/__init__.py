"""Institution portal: find an enterprise, ask for authorisation, read a report."""
