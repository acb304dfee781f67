"""Who may do what (permissions), and to what (scope)."""
