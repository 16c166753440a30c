"""Innovation and qualification (创新与资质): certificates and licences in force."""
