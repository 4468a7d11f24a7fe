// Bundles the editor into one module, written to the path that is given: `node build.mjs ../../dist/editor.js`.
//
// Squire looks for `document`, `Text` and the like in its own window, and would not know the nodes of another one. The
// frame that a person writes in runs no script, so Squire runs in the app's window and is given the frame's names here.
import { build } from "esbuild";

/** What Squire takes from the window that it edits in; timers and observers are those of the app's window. */
const FRAME = [
  "window", "document", "CharacterData", "CustomEvent", "DocumentFragment", "Element", "Event", "HTMLAnchorElement",
  "HTMLDivElement", "HTMLElement", "HTMLImageElement", "HTMLInputElement", "HTMLLIElement", "HTMLOListElement", "Node",
  "Range", "Text", "getComputedStyle",
];
const options = { bundle: true, minify: true, target: "es2022", legalComments: "none", logLevel: "error", write: false };

const squire = {
  name: "squire-for-a-frame",
  setup(builder) {
    builder.onResolve({ filter: /^squire-for-a-frame$/ }, ({ path }) => ({ path, namespace: "frame" }));
    builder.onLoad({ filter: /.*/, namespace: "frame" }, async () => {
      const { outputFiles } = await build({
        ...options,
        format: "iife",
        globalName: "squire",
        stdin: { contents: 'export { default } from "squire-rte";', resolveDir: import.meta.dirname },
      });
      return { contents: `export default ({ ${FRAME.join(", ")} }) => { ${outputFiles[0].text} return squire.default; };` };
    });
  },
};

await build({
  ...options,
  entryPoints: ["src/editor.js"],
  format: "esm",
  loader: { ".css": "text" },
  plugins: [squire],
  write: true,
  outfile: process.argv[2],
});
