// Brings in the rest of the app's module (ARCHITECTURE.md, "Two halves of one module"): soon, in the background, once the
// inbox shows; or now, where something of it is called before that. `app/worker/src/rest.rs` calls it.

/** The rest of the module `wasm`; `afterwards` is called when it came in the background. Page and worker each have one. */
export const restOf = (wasm, afterwards = () => {}) => {
  const url = wasm.replace("_bg.wasm", "_rest.wasm");
  const imports = {};
  const inPage = "document" in globalThis;
  let there = false;
  let stuck = false;
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
    inPage ? new Promise(requestAnimationFrame).then(() => later(0)) : later(1_000);
  const fetched = async () => {
    for (let pause = 500; !there; pause = Math.min(2 * pause, 30_000)) {
      try {
        begin(await WebAssembly.compileStreaming(fetch(url)));
      } catch {
        await later(pause);
      }
    }
    if (stuck) return location.reload();
    afterwards();
  };
  const ready = () => (coming ??= fetched());
  /** The bytes, while all else waits; nothing without a line. */
  const asked = () => {
    const request = new XMLHttpRequest();
    request.open("GET", url, false);
    // A page may not ask for bytes here, but for characters that each stand for one.
    request.overrideMimeType("text/plain; charset=x-user-defined");
    try {
      request.send();
    } catch {
      return;
    }
    // Of another version now: the page is told to load itself anew.
    if (request.status === 404) throw new Error("a part of Roost is gone");
    if (request.status === 200) return Uint8Array.from(request.responseText, (character) => character.charCodeAt(0));
  };
  return {
    /** Takes the exports of the first half. */
    prepare: (exports) => void (imports.first = exports),
    /** Without waiting for the rows; resolves when it is there. */
    ready,
    soon: () => void (coming ??= afterTheRows().then(fetched)),
    now: () => {
      if (there) return;
      let bytes;
      while (!(bytes = asked())) {
        if (inPage) {
          // It has stopped in the middle, and begins anew once there is a line. Nobody can have written anything yet.
          stuck = true;
          ready();
          throw new Error("a part of Roost is not here yet");
        }
        // A worker has what was done, which is nowhere else: it waits for the line.
        Atomics.wait(new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer), 0, 0, 500);
      }
      begin(new WebAssembly.Module(bytes));
    },
  };
};
