"""Compare two results: which settings differ, what observers read, what neurons denote, and how sure that is."""
