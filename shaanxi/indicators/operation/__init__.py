"""Operation (经营状况): sales, staff and electricity, and where they are going."""
