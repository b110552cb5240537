"""OpenPitrix: owns chart repositories, apps, versions and releases; publishes what becomes of each release."""
