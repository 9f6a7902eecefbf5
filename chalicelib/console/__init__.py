"""The pages for people: a plain one that says what this is, and the console: files for the browser."""
