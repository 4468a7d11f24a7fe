// The toolbar: one stop for Tab, arrows within (WAI-ARIA Authoring Practices, "Toolbar").

const ICONS = {
  bold: "M7 5h6a3.5 3.5 0 0 1 0 7H7zM7 12h7a3.5 3.5 0 0 1 0 7H7z",
  italic: "M10 5h7M7 19h7M14 5l-4 14",
  underline: "M7 4v7a5 5 0 0 0 10 0V4M6 20h12",
  strike: "M4 12h16M16 8c0-2-2-3-4-3s-4 1-4 3c0 1.500 1 2.500 2.500 3M8 16c0 2 2 3 4 3s4-1 4-3c0-.5 0-1-.4-1.500",
  bullets: "M9 6h11M9 12h11M9 18h11M4.500 6h.01M4.500 12h.01M4.500 18h.01",
  numbers: "M10 6h10M10 12h10M10 18h10M4 4.500 5.500 4v5M4 14.500c2-1.500 3 .2 1.800 1.500L4 18.500h2.500",
  quote: "M6 5v14M11 8h9M11 12h9M11 16h6",
  code: "M8 7l-5 5 5 5M16 7l5 5-5 5",
  link: "M10 14a4 4 0 0 0 5.700 0l3-3a4 4 0 0 0-5.700-5.700l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1",
  colour: "M6 16 12 4l6 12M8.500 11.500h7",
  highlight: "M9 15l-2-2 8.500-8.500 3 3L10 16zM7 13l-2 5 4-2M4 20.500h16",
  clear: "M6 5h12M12 5l-2 14M15 15l5 5M20 15l-5 5",
  undo: "M9 14 4 9l5-5M4 9h10a5.500 5.500 0 0 1 0 11h-3",
  redo: "m15 14 5-5-5-5M20 9H10a5.500 5.500 0 0 0 0 11h3",
};
const STYLES = [["DIV", "Text"], ["H1", "Heading 1"], ["H2", "Heading 2"], ["H3", "Heading 3"]];

const make = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** An address as it may stand in a link, `null` for what is none. */
export function linkAddress(typed) {
  const text = typed.trim();
  if (/^(https?:\/\/|mailto:|tel:)\S+$/i.test(text)) return text;
  if (/^[a-z][a-z0-9+.-]*:/i.test(text) && !/^[^\s:]+:\d/.test(text)) return null;
  if (/^\S+@\S+\.\S+$/.test(text)) return `mailto:${text}`;
  return /^\S+\.\S+$/.test(text) ? `https://${text}` : null;
}

/** Makes the blocks of the selection paragraphs or headings. */
function restyle(editor, tag) {
  editor.modifyBlocks((fragment) => {
    for (const block of fragment.querySelectorAll("div, p, h1, h2, h3, h4, h5, h6")) {
      if (block.querySelector("div, p, h1, h2, h3, h4, h5, h6, ul, ol, table, blockquote, pre")) continue;
      const other = fragment.ownerDocument.createElement(tag);
      other.dir = block.dir || "auto";
      other.append(...block.childNodes);
      block.replaceWith(other);
    }
    return fragment;
  });
  editor.focus();
}

/** @returns {{element: HTMLElement, focus(): void, link(): void}} */
export function toolbar(editor) {
  const toggle = (label, name, tag, on, off) => {
    const is = () => editor.hasFormat(tag);
    return { label, name, is, run: () => (is() ? editor[off]() : editor[on]()) };
  };
  const mac = /Mac|iP(hone|ad|od)/.test(navigator.platform);
  const keys = (letter) => `${mac ? "⌘" : "Ctrl+"}${letter}`;
  const tools = [
    { ...toggle("Bold", "bold", "B", "bold", "removeBold"), keys: keys("B") },
    { ...toggle("Italic", "italic", "I", "italic", "removeItalic"), keys: keys("I") },
    { ...toggle("Underline", "underline", "U", "underline", "removeUnderline"), keys: keys("U") },
    toggle("Strikethrough", "strike", "S", "strikethrough", "removeStrikethrough"),
    { label: "Text colour", name: "colour", colour: "setTextColor", value: "#c0392b" },
    { label: "Highlight", name: "highlight", colour: "setHighlightColor", value: "#fff3a3" },
    null,
    toggle("Bulleted list", "bullets", "UL", "makeUnorderedList", "removeList"),
    toggle("Numbered list", "numbers", "OL", "makeOrderedList", "removeList"),
    toggle("Quote", "quote", "BLOCKQUOTE", "increaseQuoteLevel", "decreaseQuoteLevel"),
    { label: "Code", name: "code", is: () => editor.hasFormat("PRE") || editor.hasFormat("CODE"), run: () => editor.toggleCode() },
    { label: "Link", name: "link", keys: keys("K"), is: () => editor.hasFormat("A"), run: link },
    null,
    { label: "Clear formatting", name: "clear", run: () => editor.removeAllFormatting() },
    { label: "Undo", name: "undo", keys: keys("Z"), run: () => editor.undo() },
    { label: "Redo", name: "redo", run: () => editor.redo() },
  ];

  const bar = make("div", { class: "editor-bar", role: "toolbar", "aria-label": "Formatting" });
  const style = make("select", { "aria-label": "Paragraph style" }, ...STYLES.map(([value, text]) => make("option", { value }, text)));
  style.addEventListener("change", () => restyle(editor, style.value));
  bar.append(style);
  const gap = () => make("span", { class: "gap", "aria-hidden": "true" });
  bar.append(gap());
  for (const tool of tools) {
    if (tool === null) {
      bar.append(gap());
      continue;
    }
    if (tool.colour) {
      const input = make("input", { type: "color", "aria-label": tool.label, value: tool.value });
      input.addEventListener("input", () => editor[tool.colour](input.value));
      input.addEventListener("change", () => editor.focus());
      tool.element = input;
      bar.append(make("label", { class: "colour", title: tool.label }, icon(tool.name), input));
      continue;
    }
    const title = tool.keys ? `${tool.label} (${tool.keys})` : tool.label;
    tool.element = make("button", { type: "button", class: "plain", "aria-label": tool.label, title }, icon(tool.name));
    // The text keeps its selection.
    tool.element.addEventListener("mousedown", (event) => event.preventDefault());
    tool.element.addEventListener("click", () => {
      if (tool.element.getAttribute("aria-disabled") === "true") return;
      tool.run();
      if (tool.run !== link) editor.focus();
    });
    bar.append(tool.element);
  }

  // One stop for Tab.
  const stops = [style, ...tools.filter(Boolean).map((tool) => tool.element)];
  let current = 0;
  const go = (index, focus) => {
    current = (index + stops.length) % stops.length;
    stops.forEach((stop, at) => { stop.tabIndex = at === current ? 0 : -1; });
    if (focus) stops[current].focus();
  };
  go(0, false);
  bar.addEventListener("focusin", ({ target }) => {
    const at = stops.indexOf(target);
    if (at >= 0) go(at, false);
  });
  bar.addEventListener("keydown", (event) => {
    const forward = getComputedStyle(bar).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") go(current + (event.key === forward ? 1 : -1), true);
    else if (event.key === "Home") go(0, true);
    else if (event.key === "End") go(stops.length - 1, true);
    else if (event.key === "Escape") editor.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // What stands at the cursor.
  const update = () => {
    for (const tool of tools) {
      if (tool?.is) tool.element.setAttribute("aria-pressed", String(tool.is()));
    }
    const [tag] = STYLES.slice(1).find(([heading]) => editor.hasFormat(heading)) ?? STYLES[0];
    style.value = tag;
  };
  for (const event of ["pathChange", "select", "cursor", "input"]) editor.addEventListener(event, update);
  const able = (label, can) => tools.find((tool) => tool?.label === label).element.setAttribute("aria-disabled", String(!can));
  able("Undo", false);
  able("Redo", false);
  editor.addEventListener("undoStateChange", ({ detail }) => {
    able("Undo", detail.canUndo);
    able("Redo", detail.canRedo);
  });
  update();

  // Where a link goes to.
  const address = make("input", { type: "text", inputmode: "url", "aria-label": "Link address", placeholder: "https://", autocomplete: "off", spellcheck: "false" });
  const form = make("form", { class: "editor-link", hidden: "" }, address, make("button", { class: "secondary" }, "Insert link"));
  const hide = () => {
    form.hidden = true;
    editor.focus();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const target = linkAddress(address.value);
    address.setAttribute("aria-invalid", String(target === null));
    if (target === null) return;
    hide();
    editor.makeLink(target);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    hide();
  });
  function link() {
    if (editor.hasFormat("A")) {
      editor.removeLink();
      editor.focus();
      return;
    }
    const selected = editor.getSelectedText().trim();
    address.value = linkAddress(selected) ?? "";
    form.hidden = false;
    address.focus();
  }

  return { element: make("div", { class: "editor-tools" }, bar, form), focus: () => go(current, true), link };
}
