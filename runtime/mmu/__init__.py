"""The Book3S-64 hash MMU with shadow paging (Book III 5.7)."""
