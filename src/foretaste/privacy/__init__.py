"""What keeps people's names out of the log: pseudonyms, sealed originals, receipts of erasure."""
