// Everything that can be done with messages and mailboxes, at a desk and on a phone, as another client finds it on the server;
// and taking it back.
import { contents, expect, imapClient, message, row, rows, signIn, subjectOf, test } from "./roost.mjs";

test.use({ seed: "many:60" });

/** What the other client sees of one message: `undefined` where it is not. */
const flagsIn = async (imap, mailbox, subject) => (await contents(imap, mailbox)).get(subject)?.flags;
const has = async (imap, mailbox, subject, flag) => (await flagsIn(imap, mailbox, subject))?.has(flag);
/** Which of the mailboxes that things are moved to hold a message. In the middle of a move two may. */
const placesOf = async (imap, subject) => {
  const places = [];
  for (const mailbox of ["INBOX", "Archive", "Junk", "Trash"]) if (await flagsIn(imap, mailbox, subject)) places.push(mailbox);
  return places;
};

for (const [name, what, mailbox, said] of [
  ["archived", "Archive", "Archive", "archived"],
  ["deleted", "Delete", "Trash", "moved to Trash"],
  ["marked as junk", "Junk", "Junk", "moved to Junk"],
]) {
  test(`a message is ${name}, and that is undone`, async ({ page, person, account, imap }) => {
    await signIn(page, account);
    const first = await subjectOf(page, 0);
    await person.does(what, first);
    await person.undoes(said, async () => {
      await expect(row(page, first)).toHaveCount(0);
      await expect.poll(() => placesOf(imap, first)).toEqual([mailbox]);
      await expect.poll(() => has(imap, mailbox, first, "$Junk")).toBe(what === "Junk");
    });
    await expect(row(page, first)).toBeVisible();
    await expect.poll(() => placesOf(imap, first)).toEqual(["INBOX"]);
    await expect.poll(() => has(imap, "INBOX", first, "$Junk")).toBe(false);
  });
}

test("what was no junk comes back to the inbox, and that is undone", async ({ page, person, account, imap }) => {
  await signIn(page, account);
  const first = await subjectOf(page, 0);
  await person.does("Junk", first);
  await expect.poll(() => flagsIn(imap, "Junk", first)).toBeDefined();
  await person.openMailbox("Junk");
  await person.does("Not junk", first);
  await person.undoes("moved to the inbox", async () => {
    await expect(row(page, first)).toHaveCount(0);
    await expect.poll(() => placesOf(imap, first)).toEqual(["INBOX"]);
    await expect.poll(() => has(imap, "INBOX", first, "$NotJunk")).toBe(true);
    await expect.poll(() => has(imap, "INBOX", first, "$Junk")).toBe(false);
  });
  await expect(row(page, first)).toBeVisible();
  await expect.poll(() => placesOf(imap, first)).toEqual(["Junk"]);
  await expect.poll(() => has(imap, "Junk", first, "$NotJunk")).toBe(false);
});

test("a star is set in the list and above the text, and both are undone", async ({ page, person, account, imap }) => {
  await signIn(page, account);
  const fourth = await subjectOf(page, 3);
  const starred = () => has(imap, "INBOX", fourth, "\\Flagged");
  const before = await starred();
  const button = before ? "Remove star" : "Star";
  await person.press(row(page, fourth).getByRole("button", { name: button, exact: true }));
  await person.undoes(before ? "no longer starred" : "starred", () => expect.poll(starred).toBe(!before));
  await expect.poll(starred).toBe(before);
  await expect(row(page, fourth).getByRole("button", { name: button, exact: true })).toBeVisible();
  await person.does(button, fourth);
  await person.undoes(before ? "no longer starred" : "starred", () => expect.poll(starred).toBe(!before));
  await expect.poll(starred).toBe(before);
});

test("marked as read and as unread, and each is undone", async ({ page, person, account, imap }) => {
  await signIn(page, account);
  await person.press(page.getByRole("button", { name: "Unread", exact: true }));
  await expect(rows(page).first()).toHaveAccessibleName(/^Unread/);
  const first = await subjectOf(page, 0);
  const seen = () => has(imap, "INBOX", first, "\\Seen");
  // What was shown is read.
  await person.openMessage(first);
  await expect.poll(seen).toBe(true);
  await person.does("Mark as unread", first);
  await person.undoes("marked as unread", async () => {
    await expect.poll(seen).toBe(false);
    await expect(message(page).getByRole("button", { name: "Mark as read" })).toBeVisible();
  });
  await expect.poll(seen).toBe(true);
  await person.does("Mark as unread", first);
  await expect.poll(seen).toBe(false);
  await person.does("Mark as read", first);
  await person.undoes("marked as read", () => expect.poll(seen).toBe(true));
  await expect.poll(seen).toBe(false);
});

test("a message is moved to a folder by its name, and that is undone", async ({ page, person, account, imap }) => {
  await signIn(page, account);
  const first = await subjectOf(page, 0);
  await person.does("Move to folder", first);
  await person.answers("Folder", "arch");
  await person.undoes("moved to Archive", () => expect.poll(() => placesOf(imap, first)).toEqual(["Archive"]));
  await expect(row(page, first)).toBeVisible();
  await expect.poll(() => placesOf(imap, first)).toEqual(["INBOX"]);
});

test("a message is copied to a folder, and the copy goes when that is undone", async ({ page, person, account, imap }) => {
  await signIn(page, account);
  const second = await subjectOf(page, 1);
  await person.openMessage(second);
  await person.chooseForMessage("Copy to folder");
  await person.press(page.getByRole("dialog").getByRole("button", { name: "Archive" }));
  await person.undoes("copied to Archive", () => expect.poll(() => placesOf(imap, second)).toEqual(["INBOX", "Archive"]));
  await expect.poll(() => placesOf(imap, second)).toEqual(["INBOX"]);
});

test("many at once, and all of them; undone together", async ({ page, person, account, imap }) => {
  test.slow();
  await signIn(page, account);
  const all = await Promise.all([1, 2, 3, 4, 6].map((index) => subjectOf(page, index)));
  const flagged = async (flag) => {
    const inbox = await contents(imap, "INBOX");
    return all.map((one) => inbox.get(one)?.flags.has(flag));
  };
  const [starred, seen] = [await flagged("\\Flagged"), await flagged("\\Seen")];
  await person.select(1, 4, 6);
  await person.doesWithSelected("Star");
  await person.undoes("5 messages starred", () => expect.poll(() => flagged("\\Flagged")).toEqual(all.map(() => true)));
  await expect.poll(() => flagged("\\Flagged")).toEqual(starred);
  for (const [what, on] of [["Mark as read", true], ["Mark as unread", false]]) {
    const before = await flagged("\\Seen");
    await person.doesWithSelected(what);
    await expect.poll(() => flagged("\\Seen")).toEqual(all.map(() => on));
    if (before.some((one) => one !== on)) await person.undoes(what.replace("Mark", "marked"));
    await expect.poll(() => flagged("\\Seen")).toEqual(seen);
  }
  for (const [what, mailbox, said] of [["Archive", "Archive", "archived"], ["Junk", "Junk", "moved to Junk"], ["Delete", "Trash", "moved to Trash"]]) {
    await person.doesWithSelected(what);
    await person.undoes(said, () => expect.poll(async () => [...(await contents(imap, mailbox)).keys()].sort()).toEqual([...all].sort()));
    await expect.poll(async () => (await contents(imap, "INBOX")).size).toBe(60);
    await expect.poll(async () => (await contents(imap, mailbox)).size).toBe(0);
    // What was moved back is new there, and on top.
    await expect.poll(() => Promise.all([0, 1, 2, 3, 4].map((index) => subjectOf(page, index)))).toEqual(all);
    await person.select(0, 3, 4);
  }
  await person.doesWithSelected("Move to folder");
  await person.answers("Folder", "arch");
  await person.undoes("moved to Archive", () => expect.poll(async () => (await contents(imap, "Archive")).size).toBe(5));
  await expect.poll(async () => (await contents(imap, "INBOX")).size).toBe(60);
  await expect(page.getByText("60 messages")).toBeVisible();
  await person.selectAll(60);
  await person.doesWithSelected("Delete");
  await person.undoes("moved to Trash", async () => {
    await expect(page.getByRole("heading", { name: "Nothing here" })).toBeVisible();
    await expect.poll(async () => (await contents(imap, "Trash")).size).toBe(60);
    await expect.poll(async () => (await contents(imap, "INBOX")).size).toBe(0);
  });
  await expect(rows(page).first()).toBeVisible();
  await expect.poll(async () => (await contents(imap, "INBOX")).size).toBe(60);
  await expect.poll(async () => (await contents(imap, "Trash")).size).toBe(0);
});

test("deleting for good asks: one message, and all of Trash", async ({ page, person, account, imap }) => {
  await signIn(page, account);
  const first = await subjectOf(page, 0);
  await person.select(0, 2, 4);
  await person.doesWithSelected("Delete");
  await expect.poll(async () => (await contents(imap, "Trash")).size).toBe(4);
  await person.openMailbox("Trash");
  await person.does("Delete", first);
  await expect(page.getByText("The message is deleted for good. This cannot be undone.")).toBeVisible();
  await person.press(page.getByRole("button", { name: "Cancel" }));
  await person.backToList();
  await expect(row(page, first)).toBeVisible();
  await person.does("Delete", first);
  await person.press(page.getByRole("button", { name: "Delete for good" }));
  await expect.poll(() => placesOf(imap, first)).toEqual([]);
  await expect.poll(async () => (await contents(imap, "Trash")).size).toBe(3);
  await person.backToList();
  await expect(row(page, first)).toHaveCount(0);
  await person.press(page.getByRole("button", { name: "Empty" }));
  await expect(page.getByText("3 messages are deleted for good. This cannot be undone.")).toBeVisible();
  await person.press(page.getByRole("button", { name: "Delete for good" }));
  await expect(page.getByRole("heading", { name: "Nothing here" })).toBeVisible();
  await expect.poll(async () => (await contents(imap, "Trash")).size).toBe(0);
  await expect.poll(async () => (await contents(imap, "INBOX")).size).toBe(56);
});

test("emptying Junk moves all of it to Trash, and that is undone", async ({ page, person, account, imap }) => {
  await signIn(page, account);
  await person.select(0, 2, 4);
  await person.doesWithSelected("Junk");
  await expect.poll(async () => (await contents(imap, "Junk")).size).toBe(4);
  await person.openMailbox("Junk");
  await expect(rows(page)).toHaveCount(4);
  await person.press(page.getByRole("button", { name: "Empty" }));
  await person.undoes("moved to Trash", async () => {
    await expect(page.getByRole("heading", { name: "Nothing here" })).toBeVisible();
    await expect.poll(async () => (await contents(imap, "Trash")).size).toBe(4);
  });
  await expect(rows(page)).toHaveCount(4);
  await expect.poll(async () => (await contents(imap, "Junk")).size).toBe(4);
  await expect.poll(async () => (await contents(imap, "Trash")).size).toBe(0);
});

test("folders are created, renamed, subscribed to and deleted", async ({ page, person, account }) => {
  await signIn(page, account);
  const named = (label) => person.mailboxes.getByRole("button", { name: label, exact: true });
  // Asked anew each time: a session of Dovecot's may miss for long that a folder went, if that was soon after it looked.
  const list = async () => {
    const client = await imapClient(account);
    const all = await client.list();
    await client.logout();
    return all;
  };
  const names = async () => (await list()).map((one) => one.path);
  const subscribed = async (path) => Boolean((await list()).find((one) => one.path === path)?.subscribed);
  await person.lookAtMailboxes();
  await person.press(page.getByRole("button", { name: "New folder" }));
  await person.answers("Name", "Reisen & Pläne");
  await expect(named("Reisen & Pläne")).toBeVisible();
  await expect.poll(names).toContain("Reisen & Pläne");
  await person.chooseFor("Reisen & Pläne", "Rename");
  await person.answers("Name", "旅行");
  await person.undoes("Renamed to 旅行", async () => {
    await expect(named("旅行")).toBeVisible();
    await expect.poll(names).toContain("旅行");
  });
  await expect(named("Reisen & Pläne")).toBeVisible();
  await expect.poll(names).toContain("Reisen & Pläne");
  await expect.poll(names).not.toContain("旅行");
  // One inside it.
  await person.chooseFor("Reisen & Pläne", "New folder inside");
  await person.answers("Name", "Rom");
  await expect(named("Rom")).toBeVisible();
  await expect.poll(names).toContain("Reisen & Pläne/Rom");
  await expect.poll(() => subscribed("Reisen & Pläne/Rom")).toBe(true);
  await person.chooseFor("Rom", "Unsubscribe");
  await person.undoes("No longer subscribed to Reisen & Pläne/Rom", () => expect.poll(() => subscribed("Reisen & Pläne/Rom")).toBe(false));
  await expect.poll(() => subscribed("Reisen & Pläne/Rom")).toBe(true);
  await person.chooseFor("Rom", "Unsubscribe");
  await expect.poll(() => subscribed("Reisen & Pläne/Rom")).toBe(false);
  await person.chooseFor("Rom", "Subscribe");
  await expect.poll(() => subscribed("Reisen & Pläne/Rom")).toBe(true);
  for (const label of ["Rom", "Reisen & Pläne"]) {
    await person.chooseFor(label, "Delete");
    await person.press(page.getByRole("button", { name: "Delete folder" }));
    await expect(named(label)).toHaveCount(0);
  }
  await expect.poll(async () => (await names()).filter((name) => name.startsWith("Reisen"))).toEqual([]);
});

test("search and filters narrow the list while the mailbox stays put", async ({ page, person, account }) => {
  await signIn(page, account);
  await person.searches("\"number 7.\"");
  await expect(rows(page)).toHaveCount(1);
  await person.press(page.getByRole("button", { name: "Clear search" }));
  await expect(page.getByText("60 messages")).toBeVisible();
  await person.press(page.getByRole("button", { name: "Starred", exact: true }));
  await expect(page.getByText("4 messages")).toBeVisible();
  await person.searches("nothing has this text");
  await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
});
