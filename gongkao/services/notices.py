"""The papers of results: result notices and notices of passes."""
