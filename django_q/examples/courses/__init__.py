"""An application of somebody else: its folder has to be on the path, for its code says ``from my_app.models``."""
