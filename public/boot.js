import { restOf } from "/rest.js";

// Starts the app. A file of its own, because the policy allows no inline script (ARCHITECTURE.md, "Building").
const { app, wasm } = document.querySelector("script[data-app]").dataset;
const path = (name) => (name.startsWith("/") ? name : `/${name}`);
// Compiled while the rest of this begins.
const compiled = WebAssembly.compileStreaming(fetch(path(wasm)));

// The worker starts beside the page, not after it. Its address names the module by its hash: tabs of one build share a
// worker, those of another have their own.
const loader = `/worker-loader.js?app=${app}&wasm=${wasm}`;
const failed = () => {
  document.body.textContent = "Roost could not start its worker. Reload the page.";
};
const start = () => {
  if ("SharedWorker" in window) {
    // Where the browser can, it outlives the last page a little: what is being written is written, and a page that is
    // loaded anew finds it with all it has in memory.
    const worker = new SharedWorker(loader, { type: "module", extendedLifetime: true });
    worker.onerror = failed;
    // A worker that ended has kept what it had, but for the last moment: the page begins anew with another. Asked for once
    // the worker has spoken, for it has the lock by then; a worker that ends at once, and would again, is left alone.
    worker.port.addEventListener("message", () => {
      const since = performance.now();
      navigator.locks?.request(`roost-worker-${new URL(loader, location).search}`, { mode: "shared" }, () => {
        if (performance.now() - since > 1_000) location.reload();
      });
    }, { once: true });
    return worker.port;
  }
  const channel = new MessageChannel();
  const worker = new Worker(loader, { type: "module" });
  worker.onerror = failed;
  worker.postMessage("connect", [channel.port2]);
  return channel.port1;
};
window.roostPort = start();
// The first word: whether somebody is likely signed in. What the worker shows is on its way while the app is.
const likely = () => {
  try {
    return localStorage.getItem("roost.signed-in") !== null;
  } catch {
    return false;
  }
};
window.roostPort.postMessage(likely());

// The editor for rich text is fetched when somebody first writes it. `cargo xtask app` puts its hashed name here.
window.roostEditor = (place, options) =>
  import("/editor.js").then((editor) => editor.open(place, options)).then(options.ready, options.failed);

// Once the inbox is there, and all that belongs to it, the app is kept for when there is no line.
globalThis.roostRest = restOf(path(wasm), () => {
  // What nobody waits for begins a little after what somebody does.
  setTimeout(() => dispatchEvent(new Event("roost-rest")), 500);
  navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
});
// Another version than the kept one comes from the gateway.
globalThis.roostReload = async () => {
  const kept = (await navigator.serviceWorker?.getRegistrations()) ?? [];
  await Promise.all(kept.map((one) => one.unregister()));
  location.reload();
};
const module = await import(path(app));
await module.default({ module_or_path: compiled });
