"""Uploaded files: what is let in (`uploads`), how it is kept (`store`), and tables in and out (`spreadsheets`)."""
