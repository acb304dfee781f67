"""Units: list, tree, editing, import from Excel, and the yearly check of names."""
