// Brings in the rest of the app's module (ARCHITECTURE.md, "Two halves of one module"): soon, in the background, once the
// inbox shows; or now, where something of it is called before that. `app/worker/src/rest.rs` calls it.

/** The rest of the module `wasm`; `afterwards` is called when it came in the background. Page and worker each have one. */
export const restOf = (wasm, afterwards = () => {}) => {
  const url = wasm.replace("_bg.wasm", "_rest.wasm");
  const imports = {};
  let there = false;
  let coming;
  // Once: another instance would set what the first has changed to its beginnings.
  const begin = (module) => {
    if (there) return;
    new WebAssembly.Instance(module, imports);
    there = true;
  };
  const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  // In the page, the frame that shows them comes first; the worker, which needs less, leaves it the line for a while.
  const afterTheRows = () =>
    "requestAnimationFrame" in globalThis ? new Promise(requestAnimationFrame).then(() => later(0)) : later(1_000);
  const fetched = async () => {
    for (let pause = 500; !there; pause = Math.min(2 * pause, 30_000)) {
      try {
        begin(await WebAssembly.compileStreaming(fetch(url)));
      } catch {
        await later(pause);
      }
    }
    afterwards();
  };
  return {
    /** Takes the exports of the first half. */
    prepare: (exports) => void (imports.first = exports),
    /** Without waiting for the rows; resolves when it is there. */
    ready: () => (coming ??= fetched()),
    soon: () => void (coming ??= afterTheRows().then(fetched)),
    now: () => {
      if (there) return;
      const request = new XMLHttpRequest();
      request.open("GET", url, false);
      // A page may not ask for bytes here, but for characters that each stand for one.
      request.overrideMimeType("text/plain; charset=x-user-defined");
      request.send();
      if (request.status !== 200) throw new Error("a part of Roost could not be loaded");
      const bytes = Uint8Array.from(request.responseText, (character) => character.charCodeAt(0));
      begin(new WebAssembly.Module(bytes));
    },
  };
};
