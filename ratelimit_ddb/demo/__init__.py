"""What ``ratelimit-ddb demo`` shows: a web app behind a limit, a visitor in a hurry, a screen."""
