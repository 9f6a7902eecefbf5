"""Speech to text in the shape of OpenAI's audio API."""
