// Starts the worker: the same module as the page's, named in the address. It must take the tabs' ports from the first
// moment, before the WebAssembly is there: a shared worker that awaits anything first loses the first tab's `connect`
// event (ARCHITECTURE.md, "The worker").
const waiting = [];
let connect = (port) => waiting.push(port);
// As a shared worker, each tab's port comes by `connect`; as the worker of one tab, it comes by a message.
self.onconnect = (event) => event.ports.forEach((port) => connect(port));
self.onmessage = (event) => event.ports.forEach((port) => connect(port));

// One worker of a browser keeps mail. Another beside it (without shared workers, or while an old version ends) would
// write over it: it goes without. One that is just ending is waited for.
self.roostKeeps = new Promise((resolve) => {
  const hold = () => navigator.locks.request("roost-mail", { signal: AbortSignal.timeout(1_000) }, () => {
    resolve(true);
    return new Promise(() => {});
  });
  "locks" in navigator ? hold().catch(() => resolve(false)) : resolve(true);
});

const query = new URLSearchParams(self.location.search);
// Only files of our own beside this one.
const file = (name) => `/${(query.get(name) ?? "").replace(/[^\w.-]/g, "")}`;
Promise.all([import(file("app")), import("/rest.js")]).then(async ([app, { restOf }]) => {
  self.roostRest = restOf(file("wasm"));
  await app.default({ module_or_path: file("wasm") });
  connect = app.connect;
  waiting.splice(0).forEach((port) => connect(port));
});
