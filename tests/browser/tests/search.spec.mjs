// Searching: what is on this device while it is typed, then what the mail server says.
import { appIsKept, bodyFrame, endWorkersWithPages, expect, newAccount, imapClient, row, rows, signIn, stage, stored, test } from "./roost.mjs";

const field = (page) => page.getByRole("searchbox", { name: "Search this folder" });
const reached = (page) => page.getByRole("status", { name: "Search" });

test("without a line, what is typed is found on this device, and that is said", async ({ page, context, account }) => {
  await endWorkersWithPages(context);
  await signIn(page, account);
  await row(page, /Welcome to Roost/).click();
  await expect(bodyFrame(page).locator("body")).toContainText("Welcome");
  await appIsKept(page);
  // All of the inbox: the starred message is an old one, and those come last.
  await expect.poll(async () => (await stored(page, "mail", "getAll")).join()).toContain("Contract and plans");
  await stage({ do: "line", down: true });
  try {
    // From a new start too: it is not only what was in memory.
    await page.reload();
    await expect(row(page, /Welcome to Roost/)).toBeVisible();
    await field(page).pressSequentially("from:maya");
    await expect(rows(page)).toHaveCount(3);
    await expect(reached(page)).toContainText("No connection: only what is on this device was searched");
    // At the end of a text that is kept, and not open.
    await field(page).fill("\"narrow, or open it on a phone\"");
    await expect(rows(page)).toHaveCount(1);
    await expect(row(page, /Welcome to Roost/)).toBeVisible();
    await field(page).fill("zebra crossing");
    await expect(page.getByText("Nothing found here")).toBeVisible();
    await field(page).fill("");
    await page.getByRole("button", { name: "Starred", exact: true }).click();
    await expect(rows(page)).toHaveCount(1);
  } finally {
    await stage({ do: "line", down: false });
  }
});

test("the server's answer joins what was found here, and is marked", async ({ page }) => {
  const account = await newAccount("empty");
  const imap = await imapClient(account);
  const letter = (subject, text) => imap.append("INBOX", `From: x@example.org\r\nSubject: ${subject}\r\n\r\n${text}\r\n`);
  // Too long to come before it is asked for.
  await letter("an old letter", `${`${"word ".repeat(12)}\r\n`.repeat(5_000)}xylophone`);
  for (let number = 1; number <= 30; number++) await letter(`letter ${number}`, "Hello");
  await letter("about a xylophone", "Hello");
  await imap.logout();
  await signIn(page, account);
  await expect(row(page, /about a xylophone/)).toBeVisible();
  // The server answers late: what is here does not wait for it.
  await stage({ do: "line", delay_ms: 2_500 });
  try {
    await field(page).pressSequentially("xylo");
    await expect(rows(page)).toHaveCount(1);
    await expect(reached(page)).toContainText("Asking the mail server");
  } finally {
    await stage({ do: "line", delay_ms: 0 });
  }
  await expect(rows(page)).toHaveCount(2);
  await expect(rows(page).nth(0)).toHaveAccessibleName(/about a xylophone/);
  await expect(rows(page).nth(1)).toHaveAccessibleName(/an old letter.*found on the mail server/);
  await expect(reached(page)).toHaveText("1 of these was found by the mail server only.");
  await rows(page).nth(1).click();
  await expect(bodyFrame(page).locator("body")).toContainText("xylophone");
});

test("a search can name its folder, and comes back from it", async ({ page, account }) => {
  await signIn(page, account);
  await field(page).fill("in:archive");
  await expect(page.getByRole("heading", { name: "Archive", level: 1 })).toBeVisible();
  await expect(rows(page).first()).toBeVisible();
  await field(page).fill("in:nowhere");
  await expect(page.getByText("There is no folder called “nowhere”.")).toBeVisible();
  await field(page).press("Escape");
  await expect(page.getByRole("heading", { name: "Inbox", level: 1 })).toBeVisible();
  await expect(row(page, /Welcome to Roost/)).toBeVisible();
});
