"""Who may do what (DESIGN section 4): every operation, every scope, every role, every brand."""
