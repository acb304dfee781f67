"""Use cases, one file a subject. Each public verb owns one transaction and writes one audit entry."""
