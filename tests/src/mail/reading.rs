//! One message for each thing that reading must cope with. The browser tests open each by its name.

use std::fmt::Write as _;

use super::message::{Message, nested, part, pdf, png};

type Make = fn() -> Vec<u8>;

fn from(subject: &str) -> Message {
    Message::new(
        "Sender <sender@example.org>",
        "Alice <alice@roost.test>",
        subject,
    )
    .sent(1_700_000_000)
}

/// Raw bytes of a text in a charset, without any encoding.
fn in_charset(subject: &str, charset: &str, text: &[u8]) -> Vec<u8> {
    let mut raw = format!(
        "From: Sender <sender@example.org>\nTo: alice@roost.test\nSubject: {subject}\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    )
    .into_bytes();
    raw.extend_from_slice(text);
    raw.push(b'\n');
    raw
}

/// Subjects and how to make the messages.
pub const READING: &[(&str, Make)] = &[
    ("plain", || {
        from("plain")
            .plain("Hello Alice,\n\nsee https://example.org/page?a=1&b=2 and <b>not bold</b>.\n\n> quoted\n>> deeper\n\n-- \nSender\n")
            .build()
    }),
    ("html", || {
        from("html")
            .html("<h1 style='color:#336699'>A heading</h1><p>Some <b>bold</b> text.</p><img src='https://tracker.example/pixel.gif' alt='pixel'>")
            .build()
    }),
    ("alternative", || {
        from("alternative")
            .alternative("The plain version", "<p>The <i>rich</i> version</p>")
            .build()
    }),
    ("nested", || {
        let texts = nested(
            "alternative",
            "inner",
            &[
                part("text/plain; charset=utf-8", "", b"nested plain"),
                nested(
                    "related",
                    "related",
                    &[
                        part(
                            "text/html; charset=utf-8",
                            "",
                            b"<p>nested rich <img src=\"cid:picture@x\" alt=\"inline\"></p>",
                        ),
                        part(
                            "image/png; name=picture.png",
                            "Content-ID: <picture@x>\nContent-Disposition: inline\n",
                            &png(40, 30, [200, 80, 40], [40, 80, 200]),
                        ),
                    ],
                ),
            ],
        );
        let inner = from("the forwarded one").plain("forwarded text").build();
        from("nested")
            .multipart(
                "mixed",
                &[
                    texts,
                    part(
                        "application/pdf; name=\"=?utf-8?B?csOpc3Vtw6kucGRm?=\"",
                        "Content-Disposition: attachment; filename*=utf-8''r%C3%A9sum%C3%A9.pdf\n",
                        &pdf("A resume"),
                    ),
                    part(
                        "text/calendar; method=REQUEST; charset=utf-8",
                        "Content-Disposition: attachment; filename=invite.ics\n",
                        b"BEGIN:VCALENDAR\nEND:VCALENDAR\n",
                    ),
                    format!(
                        "Content-Type: message/rfc822\n\n{}",
                        String::from_utf8_lossy(&inner)
                    ),
                ],
            )
            .build()
    }),
    ("utf-8", || {
        in_charset("utf-8", "utf-8", "Grüße aus Łódź, 日本".as_bytes())
    }),
    ("iso-2022-jp", || {
        in_charset("iso-2022-jp", "ISO-2022-JP", b"\x1b$B$3$s$K$A$O\x1b(B")
    }),
    ("windows-1251", || {
        in_charset("windows-1251", "windows-1251", b"\xcf\xf0\xe8\xe2\xe5\xf2")
    }),
    ("gb18030", || {
        in_charset("gb18030", "gb18030", b"\xc4\xe3\xba\xc3")
    }),
    ("koi8-r", || {
        in_charset("koi8-r", "koi8-r", b"\xf0\xd2\xc9\xd7\xc5\xd4")
    }),
    ("mislabelled", || {
        in_charset("mislabelled", "us-ascii", "größer als gedacht".as_bytes())
    }),
    ("", || {
        b"From: sender@example.org\nTo: alice@roost.test\n\nThis one has no subject.\n".to_vec()
    }),
    ("no date", || {
        b"From: sender@example.org\nTo: alice@roost.test\nSubject: no date\n\nThis one has no date.\n".to_vec()
    }),
    ("ten megabytes", || {
        let mut html = String::from("<table>");
        for row in 0..90_000 {
            let _ = write!(
                html,
                "<tr><td>Row {row}</td><td>Some more text that fills the cell of this row up</td><td>{row}</td></tr>"
            );
        }
        html.push_str("</table><p>The very end</p>");
        from("ten megabytes").html(&html).build()
    }),
    ("two thousand recipients", || {
        let list: Vec<String> = (0..2_000)
            .map(|n| format!("Person {n} <person{n}@example.org>"))
            .collect();
        let mut raw = format!(
            "From: sender@example.org\nTo: {}\nSubject: two thousand recipients\n\n",
            list.join(",\n ")
        );
        raw.push_str("Everybody is invited.\n");
        raw.into_bytes()
    }),
    ("flowed", || {
        b"From: sender@example.org\nSubject: flowed\nContent-Type: text/plain; charset=utf-8; format=flowed\n\nThis line \ngoes on here.\n".to_vec()
    }),
    ("rtl", || {
        from("rtl").plain("שלום עולם\nمرحبا بالعالم\n").build()
    }),
];
