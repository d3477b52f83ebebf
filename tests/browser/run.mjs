// Checks the pages of a running gateway in a real Chromium. WXGATE_URL names it, for example http://127.0.0.1:3000;
// CHROMIUM names another browser binary. `node run.mjs sign states` runs only those files of checks/.
import { readdirSync } from 'node:fs';
import { base, check, launch, tally } from './harness.mjs';

if (!base) {
  process.stderr.write('WXGATE_URL is not set: the address of the gateway to look at\n');
  process.exit(2);
}
const all = readdirSync(new URL('./checks/', import.meta.url)).filter((name) => name.endsWith('.mjs')).map((name) => name.slice(0, -4));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : all.sort();
const browser = await launch();
process.stdout.write(`Chromium ${browser.version()}, ${base}\n`);
for (const name of wanted) {
  process.stdout.write(`\n${name}\n`);
  try {
    const { default: run } = await import(`./checks/${name}.mjs`);
    await run(browser);
  } catch (error) {
    check(`${name} ran to its end`, false, error.stack);
  }
}
await browser.close();
const { passed, failures } = tally();
process.stdout.write(`\n${passed} passed, ${failures} failed\n`);
process.exitCode = failures === 0 && passed > 0 ? 0 : 1;
