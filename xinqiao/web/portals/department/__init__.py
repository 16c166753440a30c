"""Department portal: duties, upload, result."""
