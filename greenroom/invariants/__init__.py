"""What must hold of the data, whatever happened."""
