// Starts the worker: the same module as the page's, named in the address. It must take the tabs' ports from the first
// moment, before the WebAssembly is there: a shared worker that awaits anything first loses the first tab's `connect`
// event (ARCHITECTURE.md, "The worker").
const waiting = [];
let connect = (port) => waiting.push(port);
// As a shared worker, each tab's port comes by `connect`; as the worker of one tab, it comes by a message.
self.onconnect = (event) => event.ports.forEach((port) => connect(port));
self.onmessage = (event) => event.ports.forEach((port) => connect(port));

// One worker of a browser keeps mail. Another beside it (without shared workers, or while an old version ends) would
// write over it: it goes without. One that is just ending is waited for, and one without a page ends for this one.
new BroadcastChannel("roost-workers").postMessage("here");
self.roostKeeps = new Promise((resolve) => {
  const hold = () => navigator.locks.request("roost-mail", { signal: AbortSignal.timeout(1_000) }, () => {
    resolve(true);
    return new Promise(() => {});
  });
  "locks" in navigator ? hold().catch(() => resolve(false)) : resolve(true);
});

// A message being written belongs to one worker of a browser, too. One that belongs to another worker is waited for
// (`wait`), or left alone. A worker that just started looks often, for the one before it may be ending; later it looks
// now and then: what a page leaves that is loaded anew is for that page, not for whoever has waited the longest.
const claims = new Map();
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const OFTEN = { during: 8_000, pause: 100 };
const SELDOM = 5_000;
const take = (id, claim) => new Promise((resolve) => {
  navigator.locks.request(`roost-draft-${id}`, { ifAvailable: true }, (lock) => {
    resolve(lock !== null);
    if (lock) return new Promise((release) => void (claim.release = release));
  });
});
self.roostDrafts = {
  claim: (id, wait) => {
    const before = claims.get(id);
    if (before) return before.waits && !wait ? Promise.resolve(false) : before.own;
    if (!("locks" in navigator)) return Promise.resolve(true);
    const claim = { waits: wait };
    claims.set(id, claim);
    claim.own = (async () => {
      const begun = performance.now();
      while (!(await take(id, claim))) {
        if (!wait) {
          claims.delete(id);
          return false;
        }
        await pause(performance.now() - begun < OFTEN.during ? OFTEN.pause : SELDOM);
      }
      claim.waits = false;
      return true;
    })();
    return claim.own;
  },
  release: (id) => {
    claims.get(id)?.release?.();
    claims.delete(id);
  },
};

// Held as long as this worker lives: its pages notice when it is gone (`boot.js`).
navigator.locks?.request(`roost-worker-${self.location.search}`, () => new Promise(() => {}));

const query = new URLSearchParams(self.location.search);
// Only files of our own beside this one.
const file = (name) => `/${(query.get(name) ?? "").replace(/[^\w.-]/g, "")}`;
Promise.all([import(file("app")), import("/rest.js")]).then(async ([app, { restOf }]) => {
  self.roostRest = restOf(file("wasm"));
  await app.default({ module_or_path: file("wasm") });
  connect = app.connect;
  waiting.splice(0).forEach((port) => connect(port));
});
