"""The office, its ledger of events, and what they say about projects, funds and houses on a day."""
