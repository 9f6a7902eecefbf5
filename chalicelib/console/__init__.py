"""The pages for people: a plain one that says what this is, and the console, which is files for the browser."""
