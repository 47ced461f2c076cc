"""The tests: they mirror greenroom/, and concurrency/, faults/, contract/."""
