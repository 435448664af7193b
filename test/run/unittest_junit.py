"""Runs the unittest tests of the working directory and writes what each came to: unittest_junit.py REPORT.xml"""

import sys
import unittest
from xml.sax.saxutils import quoteattr


class Cases(unittest.TextTestResult):
    """Remembers of each test the worst that happened to it."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.cases: dict[str, str] = {}

    def startTest(self, test):
        super().startTest(test)
        self.cases.setdefault(test.id(), "")

    def addSuccess(self, test):
        super().addSuccess(test)
        self.cases.setdefault(test.id(), "")

    # Also for what is no test, such as the set-up of a class: then it is the first that is heard of it.
    def addError(self, test, err):
        super().addError(test, err)
        self.cases[test.id()] = "<error/>"

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.cases[test.id()] = "<failure/>"

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.cases[test.id()] = "<failure/>"

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.cases[test.id()] = "<failure/>"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.cases[test.id()] = "<skipped/>"


runner = unittest.TextTestRunner(verbosity=2, resultclass=Cases)
result = runner.run(unittest.defaultTestLoader.discover("."))
with open(sys.argv[1], "w", encoding="utf-8") as report:
    report.write("<testsuites>\n")
    for name, outcome in result.cases.items():
        report.write(f"<testcase name={quoteattr(name)}>{outcome}</testcase>\n")
    report.write("</testsuites>\n")
sys.exit(0 if result.cases and result.wasSuccessful() else 1)
