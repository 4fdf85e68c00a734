"""What tests of every domain share: proofs that nothing was written, query budgets, a web client with htmx."""
