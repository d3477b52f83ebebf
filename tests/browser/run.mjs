// Checks the pages of a running gateway in a real Chromium. WXGATE_URL names it, for example http://127.0.0.1:3000;
// CHROMIUM names another browser binary. `node run.mjs sign states` runs only those files of checks/.
import { readdirSync } from 'node:fs';
import { base, check, launch, tally, within } from './harness.mjs';

if (!base) {
  process.stderr.write('WXGATE_URL is not set: the address of the gateway to look at\n');
  process.exit(2);
}
const all = readdirSync(new URL('./checks/', import.meta.url)).filter((name) => name.endsWith('.mjs')).map((name) => name.slice(0, -4));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : all.sort();
const browser = await launch();
process.stdout.write(`Chromium ${browser.version()}, ${base}\n`);
async function allOf(names) {
  for (const name of names) await within(name, async () => {
    try {
      const { default: run } = await import(`./checks/${name}.mjs`);
      await run(browser);
    } catch (error) {
      check('runs to its end', false, error.stack);
    }
  });
}

// Times are measured alone. The pages of an account mostly wait for tokens to end, and the others need not wait with them.
const [timed, rest] = [wanted.filter((name) => name === 'budget'), wanted.filter((name) => name !== 'budget')];
const account = (name) => name.startsWith('account');
await allOf(timed);
await Promise.all([allOf(rest.filter(account)), allOf(rest.filter((name) => !account(name)))]);
await browser.close();
const { passed, failures } = tally();
process.stdout.write(`\n${passed} passed, ${failures} failed\n`);
process.exitCode = failures === 0 && passed > 0 ? 0 : 1;
