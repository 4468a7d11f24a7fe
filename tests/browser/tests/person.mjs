// How a person does things: at a desk with keys and a mouse, on a phone with a finger. What comes of it is the same, so tests
// of it are written once.
import { expect } from "@playwright/test";

/** The key of what a button does. */
const KEYS = {
  Archive: "e", Delete: "#", Junk: "!", "Not junk": "!", Star: "s", "Remove star": "s", "Mark as read": "u", "Mark as unread": "u", "Move to folder": "v",
};

export class Person {
  constructor(page, phone) {
    this.page = page;
    this.phone = phone;
    this.list = page.getByRole("grid", { name: "Messages" });
    this.message = page.getByRole("region", { name: "Message", exact: true });
    this.mailboxes = page.getByRole("navigation", { name: "Mailboxes" });
  }

  /** Presses a button, a row, a link. */
  press(target) {
    return this.phone ? target.tap() : target.click();
  }

  row(subject) {
    return this.list.getByRole("row", { name: subject }).first();
  }

  /** The mailboxes, which a phone shows by themselves. */
  async lookAtMailboxes() {
    if (this.phone && !(await this.mailboxes.isVisible())) await this.press(this.page.getByRole("button", { name: "Show mailboxes" }));
  }

  async openMailbox(label) {
    await this.lookAtMailboxes();
    await this.press(this.mailboxes.getByRole("button", { name: new RegExp(`^${label}(,|$)`) }));
    await expect(this.page.getByRole("heading", { name: label, level: 1 })).toBeVisible();
  }

  /** Chooses from the menu of a mailbox. */
  async chooseFor(label, what) {
    await this.lookAtMailboxes();
    if (!this.phone) await this.mailboxes.getByRole("button", { name: label, exact: true }).hover();
    await this.press(this.mailboxes.getByRole("button", { name: `Actions for ${label}` }));
    await this.press(this.page.getByRole("menuitem", { name: what, exact: true }));
  }

  async openMessage(subject) {
    await this.press(this.row(subject));
    await expect(this.message.getByRole("heading", { name: subject })).toBeVisible();
  }

  async backToList() {
    if (this.phone && (await this.message.isVisible())) await this.press(this.message.getByRole("button", { name: "Back to the list" }));
  }

  /** Does something with one message of the list: by its key, with the cursor on it, or by the button above its text. */
  async does(what, subject) {
    if (this.phone) {
      if (await this.list.isVisible()) await this.openMessage(subject);
      await this.press(this.message.getByRole("button", { name: what, exact: true }));
    } else {
      const open = this.message.getByRole("heading", { name: subject });
      for (let steps = 0; !(await open.isVisible()) && !(await this.row(subject).evaluate((row) => row.matches(".cursor"))); steps++) {
        expect(steps, subject).toBeLessThan(100);
        await this.page.keyboard.press("j");
      }
      // A key may do one thing or its opposite: which, is on the button.
      if (await open.isVisible()) await expect(this.message.getByRole("button", { name: what, exact: true })).toBeVisible();
      await this.page.keyboard.press(KEYS[what]);
    }
  }

  /** Chooses from the menu of the open message. */
  async chooseForMessage(what) {
    await this.press(this.message.getByRole("button", { name: "More" }));
    await this.press(this.page.getByRole("menuitem", { name: what, exact: true }));
  }

  /** Selects rows from one position to another, and one more. */
  async select(from, to, another) {
    const row = (index) => this.list.getByRole("row").nth(index);
    if (this.phone) {
      // What a finger meets there: the picture of the sender.
      for (let index = from; index <= to; index++) await row(index).locator(".select").tap();
      await row(another).locator(".select").tap();
    } else {
      await row(from).getByRole("checkbox").click({ force: true });
      await row(to).click({ modifiers: ["Shift"] });
      await expect(this.page.getByText(`${to - from + 1} selected`)).toBeVisible();
      await row(another).click({ modifiers: ["Control"] });
    }
    await expect(this.page.getByText(`${to - from + 2} selected`)).toBeVisible();
  }

  async selectAll(count) {
    if (this.phone) {
      await this.list.getByRole("row").first().locator(".select").tap();
      await this.press(this.page.getByRole("button", { name: `Select all ${count}` }));
    } else {
      await this.page.keyboard.press("Control+a");
    }
    await expect(this.page.getByText(`${count} selected`)).toBeVisible();
  }

  /** Does something with all that is selected. */
  async doesWithSelected(what) {
    await this.press(this.page.getByRole("toolbar", { name: "Selected messages" }).getByRole("button", { name: what, exact: true }));
  }

  /** Fills the only field of a dialog, and goes on. */
  async answers(field, text) {
    await this.page.getByRole("textbox", { name: field }).fill(text);
    await this.page.keyboard.press("Enter");
    await expect(this.page.getByRole("dialog")).toHaveCount(0);
  }

  async searches(text) {
    if (this.phone) await this.press(this.page.getByRole("searchbox"));
    else await this.page.keyboard.press("/");
    await this.page.keyboard.type(text);
    await this.page.keyboard.press("Enter");
  }

  /** Takes back what a notice said last, once what it said is so: it stays for as long as it has the focus. */
  async undoes(said, isSo = async () => {}) {
    const notices = this.page.getByRole("region", { name: "Notices" }).locator(".toast").filter({ hasText: said });
    const undo = notices.last().getByRole("button", { name: "Undo" });
    await undo.focus();
    await isSo();
    await this.press(undo);
  }
}
