"""`make top`: what the pipeline does, second by second, in a terminal."""
