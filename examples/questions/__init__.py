"""What a question asks for: TREC questions, six classes."""
