"""The notice as pure Python: no Flask, no database. 豫人社函〔2025〕21号 is cited by its clauses."""
