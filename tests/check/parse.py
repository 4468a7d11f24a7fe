"""Reads a message from standard input with Python's own parser and says, as JSON, what it consists of."""

import email
import email.policy
import hashlib
import json
import sys

raw = sys.stdin.buffer.read()
message = email.message_from_bytes(raw, policy=email.policy.default)


def describe(part):
    if part.is_multipart() and part.get_content_type() != "message/rfc822":
        return {"type": part.get_content_type(), "parts": [describe(child) for child in part.iter_parts()]}
    described = {
        "type": part.get_content_type(),
        "name": part.get_filename(),
        "disposition": part.get_content_disposition(),
        "encoding": str(part.get("Content-Transfer-Encoding", "")),
        "id": str(part.get("Content-ID", "")).strip().strip("<>"),
    }
    if part.get_content_type() == "message/rfc822":
        described["subject"] = str(part.get_payload(0)["Subject"])
    elif part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
        described["text"] = part.get_content()
    else:
        content = part.get_payload(decode=True)
        described["size"] = len(content)
        described["sha256"] = hashlib.sha256(content).hexdigest()
    return described


def defects(part):
    found = [repr(defect) for defect in part.defects]
    for value in part.values():
        found += [repr(defect) for defect in getattr(value, "defects", [])]
    if part.is_multipart():
        for child in part.get_payload():
            found += defects(child)
    return found


print(
    json.dumps(
        {
            "headers": {name: str(value) for name, value in message.items()},
            "names": [name for name in message.keys()],
            "body": describe(message),
            "defects": defects(message),
            "longest_line": max(len(line) for line in raw.split(b"\r\n")),
            "bare_line_ends": raw.replace(b"\r\n", b"").count(b"\n") + raw.replace(b"\r\n", b"").count(b"\r"),
        }
    )
)
