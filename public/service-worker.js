// Keeps the app itself on this device, so that it starts without a line (ARCHITECTURE.md, "The app without a line"). It
// keeps no mail and answers for nothing but the app's own files.
//
// One version is one cache, filled whole before it is used. A page that is open goes on with the files it was started
// with: the cache before stays until the next version comes.
const VERSION = "unbuilt"; // `cargo xtask app` writes both.
const FILES = [];
const CACHE = `roost-app-${VERSION}`;

self.addEventListener("install", (event) => {
  // Where the browser can, it takes the files of this version from the cache by itself, without asking here: those whose
  // addresses are never longer than their names.
  const plain = FILES.filter((file) => file !== "/" && file !== "/worker-loader.js");
  event.addRoutes?.(plain.map((file) => ({ condition: { urlPattern: file }, source: { cacheName: CACHE } })));
  const fill = async () => {
    const cache = await caches.open(CACHE);
    // The browser's own cache may be older, but not for names with a hash: these the page fetched a moment ago.
    const hashed = /[0-9a-f]{12,16}/;
    await cache.addAll(FILES.map((file) => new Request(file, { cache: hashed.test(file) ? "default" : "no-cache" })));
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    const others = (await caches.keys()).filter((name) => name.startsWith("roost-app-") && name !== CACHE);
    await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
  };
  event.waitUntil(tidy());
});

const answer = async (request, path) => {
  // Every place inside the app is the app.
  const name = request.mode === "navigate" && !FILES.includes(path) ? "/" : path;
  const cache = await caches.open(CACHE);
  const kept = (await cache.match(name)) ?? (await caches.match(name));
  // A copy without an address takes that of the request: a worker reads its own.
  return kept ? new Response(kept.body, kept) : fetch(request);
};

self.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (event.request.method === "GET" && origin === self.location.origin && !pathname.startsWith("/api/") && pathname !== "/healthz") {
    event.respondWith(answer(event.request, pathname));
  }
});
