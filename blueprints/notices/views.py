"""Results, result notices and notices of passes."""
