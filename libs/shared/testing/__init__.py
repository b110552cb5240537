"""What tests stand on: conformance suites, a virtual clock, a Host for tests."""
