"""What no noun of the domain owns."""
