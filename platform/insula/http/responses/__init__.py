"""What is answered: problems, entity tags, exports, words of a document."""
