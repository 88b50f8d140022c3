"""A task that is watched while it runs: put the modules of this folder beside your ``manage.py``."""
