"""An error reporter as packages offer them."""

import sys


class Reporter:
    def __init__(self, file):
        self.file = file

    def report(self):
        with open(self.file, "a") as file:
            file.write(f"{sys.exc_info()[1]}\n")
