"""What a paper takes from a result: tables as LaTeX and Markdown, and the sentences of its methods."""
