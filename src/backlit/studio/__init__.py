"""The studio: a network that learns in the browser, with every number; the page talks to a session by messages."""
