"""A letter as mail (RFC 5322), the same bytes at each attempt."""

from __future__ import annotations

from email import policy
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage

from services.notification.domain.letter import Letter


def composed(letter: Letter, sender: MailAddress) -> EmailMessage:
    """The message. Header values can't hold line ends: `EmailMessage` refuses them, and the texts have none."""
    local, _, host = letter.to.rpartition("@")
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender
    message["To"] = MailAddress(username=local, domain=host)
    message["Subject"] = letter.subject
    message["Date"] = letter.queued_at
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    if letter.traceparent:
        message["X-Orrery-Trace"] = letter.traceparent
    message.set_content(letter.body, cte="quoted-printable")  # passes servers without 8BITMIME
    return message
