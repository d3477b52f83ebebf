#!/usr/bin/env node
// Fetches what static/VENDOR.toml names through npm, checks it and writes static/vendor/, static/licenses/ and the
// icon sprite. Needed for upgrades only: the shipped files are committed, and `cargo test` checks them offline.
//
//   node scripts/vendor.mjs            refuses anything that is not byte for byte what VENDOR.toml records
//   node scripts/vendor.mjs --update   after changing a version there: records the new integrity, sha256 and bytes
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', 'static');
const list = join(root, 'VENDOR.toml');
const update = process.argv.includes('--update');
const problems = [];

/** VENDOR.toml uses only `[[table]]` headers and one-line values that are also JSON, so this is a whole parser. */
function parse(text) {
  const tables = { package: [], file: [], sprite: [] };
  let current;
  text.split('\n').forEach((line, number) => {
    const header = /^\[\[(\w+)\]\]$/.exec(line);
    const pair = /^(\w+) = (.+)$/.exec(line);
    if (header) tables[header[1]].push((current = { line: {} }));
    else if (pair) [current[pair[1]], current.line[pair[1]]] = [JSON.parse(pair[2]), number];
  });
  return tables;
}

const lines = readFileSync(list, 'utf8').split('\n');
const tables = parse(lines.join('\n'));

/** Compares a recorded value with the one found; `--update` records the new one instead. */
function expect(entry, key, found, what) {
  if (entry[key] === found) return;
  if (update) lines[entry.line[key]] = `${key} = ${JSON.stringify(found)}`;
  else problems.push(`${what}: ${key} is ${found}, VENDOR.toml says ${entry[key]}`);
}

/** Packs one exact version and unpacks it; npm's own integrity field is checked against the bytes that arrived. */
function unpack(entry, folder) {
  const spec = `${entry.name}@${entry.version}`;
  const packed = execFileSync('npm', ['pack', spec, '--silent', '--pack-destination', folder], { encoding: 'utf8' });
  const tarball = join(folder, packed.trim().split('\n').pop());
  expect(entry, 'integrity', `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`, spec);
  const into = join(folder, entry.name.replace('/', '+'));
  mkdirSync(into);
  execFileSync('tar', ['xzf', tarball, '-C', into, '--strip-components', '1']);
  const licence = JSON.parse(readFileSync(join(into, 'package.json'), 'utf8')).license;
  expect(entry, 'licence', licence, spec);
  return into;
}

function write(entry, text) {
  expect(entry, 'sha256', createHash('sha256').update(text).digest('hex'), entry.to);
  expect(entry, 'bytes', Buffer.byteLength(text), entry.to);
  return [join(root, entry.to), text];
}

/** Each rewrite must hit exactly once or more: a silent miss would ship a bare specifier. */
function rewritten(entry, text) {
  return entry.rewrites.reduce((before, [from, to]) => {
    if (!before.includes(from)) problems.push(`${entry.to}: nothing to rewrite for ${from}`);
    return before.split(from).join(to);
  }, text);
}

function sprite(entry, folder) {
  const symbols = entry.icons.map((name) => {
    const svg = readFileSync(join(folder, 'icons', `${name}.svg`), 'utf8');
    const body = svg.slice(svg.indexOf('>', svg.indexOf('<svg')) + 1, svg.lastIndexOf('</svg>'));
    return `<symbol id="${name}" viewBox="0 0 24 24">${body.replace(/\s*\n\s*/g, '')}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join('\n')}\n</svg>\n`;
}

const folder = mkdtempSync(join(tmpdir(), 'vendor-'));
try {
  const outputs = [];
  for (const entry of tables.package) {
    const from = unpack(entry, folder);
    const licence = readdirSync(from).find((name) => /^licen[cs]e(\.|$)/i.test(name));
    if (!licence) problems.push(`${entry.name}: no licence text in the package`);
    else outputs.push([join(root, entry.licence_text), readFileSync(join(from, licence))]);
    for (const file of tables.file.filter((one) => one.package === entry.name)) {
      outputs.push(write(file, rewritten(file, readFileSync(join(from, file.from), 'utf8'))));
    }
    for (const one of tables.sprite.filter((each) => each.package === entry.name)) {
      outputs.push(write(one, sprite(one, from)));
    }
  }
  const index = tables.package.map((one) => `${one.name} ${one.version} (${one.licence}): ${one.licence_text.split('/').pop()}\n`);
  outputs.push([join(root, 'licenses', 'index.txt'), index.join('')]);
  if (problems.length === 0) {
    for (const directory of ['vendor', 'licenses']) rmSync(join(root, directory), { recursive: true, force: true });
    for (const [path, bytes] of outputs) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    }
    if (update) writeFileSync(list, lines.join('\n'));
    process.stdout.write(`${outputs.length} files written\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (problems.length > 0) {
  process.stderr.write(`nothing was written:\n  ${problems.join('\n  ')}\n`);
  process.exit(1);
}
