"""An application that plans experiments on a test vehicle, runs them at a booked time and shows their results."""
