// Run exported clips through the module: `node parity.mjs DIR CLIPS [OPTIONS]` prints the outputs.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, clips, options = "{}"] = process.argv.slice(2);
await import(pathToFileURL(`${folder}/weights.js`));
const source = readFileSync(`${folder}/mraf.js`, "utf8");
const { forward, network } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const net = await network(globalThis.mraf);
const rows = JSON.parse(readFileSync(clips, "utf8"));
const outputs = rows.map(([face, voice]) => forward(net, face, voice, JSON.parse(options)));
const [face, voice] = rows[0].map((row) => Float32Array.from(row));
const taken = Array.from({ length: 40 }, () => {
  const started = performance.now();
  forward(net, face, voice);
  return performance.now() - started;
}).sort((a, b) => a - b);
const plain = (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
console.log(JSON.stringify({ outputs, median: taken[taken.length / 2] }, plain));
