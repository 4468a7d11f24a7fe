// The editor for rich text, loaded when it is first used. It is Squire (ARCHITECTURE.md, "The editor") in a frame of its
// own, whose policy runs no script and loads nothing from other hosts; the toolbar stands in the app's document.
//
// HTML enters the frame in three ways, and is sanitized by the gateway in each: with a message (quoted, or a draft), by
// pasting and dropping (`/sanitize`), and as what Squire itself made of the person's keys.
import squireFor from "squire-for-a-frame";
import css from "./editor.css";
import { toolbar } from "./toolbar.js";

/** How many steps can be undone in texts longer than this, in characters. */
const UNDO = { documentSizeThreshold: 50_000, undoLimit: 60 };

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
document.adoptedStyleSheets.push(sheet);

/**
 * Shows an editor in an element.
 *
 * `options`: `name` of what is written, `html` to begin with, `images` (addresses by content id), `focus` (whether to begin writing at the top),
 * `sanitizer` (an address), and what to call: `changed()`, `files(File[])` for what is pasted or dropped, `send()`,
 * `close()`.
 *
 * @returns {Promise<{html(): string, insert(html: string, images: object): void, replace(html: string): void, image(id: string, file: File): void, end(): void}>}
 */
export async function open(place, options) {
  const frame = document.createElement("iframe");
  frame.title = `${options.name} editor`;
  // `allow-scripts` is for listeners: some browsers call none in a document that may not run scripts. Scripts of the
  // document itself are stopped by the policy of its response (`default-src 'none'`).
  frame.setAttribute("sandbox", "allow-same-origin allow-scripts");
  frame.src = "/editor.html";
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  place.replaceChildren(frame);
  await loaded;
  const inside = frame.contentWindow;
  const root = inside.document.getElementById("text");
  root.setAttribute("aria-label", `${options.name} text`);
  follow(inside.document.documentElement);

  const fragmentOf = (html) => {
    // Parsed where nothing is loaded. The images of the message get their addresses before they enter the frame.
    const body = new DOMParser().parseFromString(html, "text/html").body;
    for (const image of body.querySelectorAll("img")) {
      const id = /^cid:(.*)$/i.exec(image.getAttribute("src") ?? "")?.[1];
      if (id) {
        image.dataset.cid = id;
        // One that cannot be shown now is not lost.
        image.removeAttribute("src");
        if (options.images[id]) image.src = options.images[id];
      } else if (!image.hasAttribute("src") && !image.dataset.cid) {
        image.remove();
      }
    }
    // Copies that belong to the frame: Squire knows nodes by their window.
    const fragment = inside.document.createDocumentFragment();
    for (const node of body.childNodes) fragment.append(inside.document.importNode(node, true));
    return fragment;
  };

  const Squire = squireFor(inside);
  const editor = new Squire(root, {
    blockAttributes: { dir: "auto" },
    undo: UNDO,
    sanitizeToDOMFragment: fragmentOf,
    didError: (error) => console.error(error),
  });
  editor.setHTML(options.html);
  editor.addEventListener("input", () => options.changed());

  const bar = toolbar(editor);
  place.prepend(bar.element);

  // Before Squire: it would put what is pasted into the frame as it is.
  for (const [kind, data] of [["paste", "clipboardData"], ["drop", "dataTransfer"]]) {
    inside.addEventListener(kind, (event) => {
      // What is dragged within the text was in it before.
      if (kind === "drop" && editor._dragRange) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (kind === "drop") moveTo(event);
      void take(event[data]);
    }, true);
  }

  // A text field takes text; that it takes files has to be said, or the browser would open them.
  inside.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });

  function moveTo({ clientX, clientY }) {
    const at = inside.document.caretRangeFromPoint?.(clientX, clientY);
    if (at && root.contains(at.startContainer)) editor.setSelection(at);
  }

  async function take(data) {
    const text = data.getData("text/plain");
    const html = data.getData("text/html");
    // A copied picture comes as a file, sometimes with markup around its address; a copied table with a picture of it.
    if (data.files.length > 0 && !text) {
      options.files([...data.files]);
      return;
    }
    const clean = html && (await sanitized(html));
    if (clean) {
      editor.insertHTML(clean, true);
    } else {
      editor.insertPlainText(text, true);
    }
  }

  /** `undefined` where the gateway cannot be reached or refuses. */
  async function sanitized(html) {
    const request = { method: "POST", headers: { "content-type": "text/plain; charset=utf-8" }, body: html };
    const response = await fetch(options.sanitizer, request).catch(() => undefined);
    return response?.ok ? response.text() : undefined;
  }

  inside.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const control = event.ctrlKey || event.metaKey;
    if (event.key === "Escape") options.close();
    else if (event.key === "Enter" && control) options.send();
    else if (event.key === "F10" && event.altKey) bar.focus();
    else if (event.key === "k" && control) bar.link();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  if (options.focus) {
    editor.focus();
    editor.moveCursorToStart();
  }
  return {
    html() {
      const body = new DOMParser().parseFromString(editor.getHTML(), "text/html").body;
      for (const image of body.querySelectorAll("img[data-cid]")) {
        image.setAttribute("src", `cid:${image.dataset.cid}`);
        image.removeAttribute("data-cid");
      }
      return body.innerHTML;
    },
    // Sanitized, as everything that enters the frame.
    insert(html, images) {
      Object.assign(options.images, images);
      editor.focus();
      editor.insertHTML(html);
    },
    // What stays the same is not touched: the cursor may stand in it.
    replace(html) {
      editor.saveUndoState();
      const [before, after] = [[...root.childNodes], [...fragmentOf(html).childNodes]];
      let last = null;
      while (before.length > 0 && after.length > 0 && before[0].isEqualNode(after[0])) {
        last = before.shift();
        after.shift();
      }
      while (before.length > 0 && after.length > 0 && before.at(-1).isEqualNode(after.at(-1))) {
        before.pop();
        after.pop();
      }
      before.forEach((node) => node.remove());
      last ? last.after(...after) : root.prepend(...after);
    },
    image(id, file) {
      options.images[id] = URL.createObjectURL(file);
      editor.insertImage(options.images[id], { alt: file.name, "data-cid": id });
    },
    end() {
      editor.destroy();
      Object.values(options.images).forEach((address) => URL.revokeObjectURL(address));
    },
  };
}

/** Keeps the frame as light or dark as the page. */
function follow(root) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const theme = document.documentElement.dataset.theme;
    root.dataset.theme = theme === "dark" || (theme === "system" && system.matches) ? "inverted" : "light";
  };
  system.addEventListener("change", apply);
  const watch = new MutationObserver(() => {
    // The frame is gone with its form.
    if (root.ownerDocument.defaultView) {
      apply();
    } else {
      watch.disconnect();
      system.removeEventListener("change", apply);
    }
  });
  watch.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  apply();
}
