"""Commits since the rule was made have a short subject in the imperative, and name no machine's paths."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.docs.documents import REPOSITORY

# The last commit before the rule.
BASE = "2d7541b"
MAX_SUBJECT = 72
# "Adds", "Added", "Adding"; words like these only look so.
NOT_IMPERATIVE = re.compile(r"\w+(ed|ing|(?<!s)s)", re.IGNORECASE)
IMPERATIVES = {"bring", "embed", "feed", "focus", "need", "seed", "shed", "speed"}
PATH = re.compile(r"(?<![\w.:/])/(tmp|home|root|Users|mnt|work|workspace)\b")


def _complaints(message: str) -> list[str]:
    """Say what is wrong with a commit's message."""
    subject = message.split("\n", 1)[0]
    first = subject.split(" ", 1)[0]
    wrong = {
        f"{len(subject)} characters, at most {MAX_SUBJECT}": len(subject) > MAX_SUBJECT,
        f"begin with an imperative, not with {first!r}": _is_no_imperative(first),
        "no full stop at the end of the subject": subject.endswith("."),
        "no path of a machine": PATH.search(message) is not None,
    }
    return [f"{subject}: {complaint}" for complaint, applies in wrong.items() if applies]


def _is_no_imperative(word: str) -> bool:
    return not word[:1].isupper() or (word.lower() not in IMPERATIVES and NOT_IMPERATIVE.fullmatch(word) is not None)


def _messages() -> list[str]:
    """Give the messages since BASE. Skips the test where there is no such history, as in an export."""
    command = ["git", "-C", str(REPOSITORY), "log", "--no-merges", "--format=%B%x00", f"{BASE}..HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"no history since {BASE}: a shallow clone, or no clone")
    return [message.strip() for message in done.stdout.split("\0") if message.strip()]


def test_messages_of_commits_follow_the_rule() -> None:
    complaints = [complaint for message in _messages() for complaint in _complaints(message)]
    assert not complaints, "\n".join(["CONTRIBUTING.md, Commits:", *complaints])


@pytest.mark.parametrize(
    "message",
    [
        "Pass events on",
        "Address the review",
        "Process a batch at once",
        "Feed the demo\n\nIt serves /metrics, and app/tmp is a folder.",
        f"Keep {'x' * 67}",
    ],
)
def test_a_good_message_passes(message: str) -> None:
    assert _complaints(message) == []


@pytest.mark.parametrize(
    "message",
    [
        "Added a test",
        "Adds a test",
        "Adding a test",
        "add a test",
        "Add a test.",
        "Add a test\n\nIts log is in /tmp/x.log.",
        f"Keep {'x' * 68}",
    ],
)
def test_a_bad_message_is_found_out(message: str) -> None:
    assert len(_complaints(message)) == 1
