"""Keys, pseudonyms and sealed names, receipts of erasure. Knows no event store; erasure itself is in `events/`."""
