"""Identity and stability (主体与稳定性): what the registration says."""
