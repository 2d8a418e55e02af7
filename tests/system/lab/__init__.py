# SPDX-License-Identifier: GPL-3.0-or-later
"""The equipment of the system tests: servers to start, clients to talk, mail to send, books to keep.

Nothing here asserts what Ringmail does; that is for the tests. Everything that waits has a deadline,
every process is ended by its id, every directory lies under the test's own scratch directory.
"""
