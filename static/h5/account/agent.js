// What a client calls itself, in words a person recognises. A guess for the eye; nothing depends on it. Pure, no DOM.

/** The first that matches counts: browsers name their ancestors, too. */
const PROGRAMS = [
  [/miniProgram/i, 'WeChat mini program'], [/MicroMessenger/i, 'WeChat'], [/\bEdg(?:e|A|iOS)?\//, 'Edge'], [/\bOPR\//, 'Opera'],
  [/Firefox\/|FxiOS/, 'Firefox'], [/HeadlessChrome\/|\bChrom(?:e|ium)\/|CriOS/, 'Chrome'], [/Safari\//, 'Safari'],
  [/^curl\//i, 'curl'], [/^([\w.-]{2,30})\//, null],
];
const SYSTEMS = [
  [/iPhone/, 'iPhone'], [/iPad/, 'iPad'], [/HarmonyOS|OpenHarmony/, 'HarmonyOS'], [/Android/, 'Android'], [/Windows/, 'Windows'],
  [/Macintosh|Mac OS X/, 'macOS'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux'],
];

function first(table, text) {
  for (const [pattern, name] of table) {
    const match = pattern.exec(text);
    if (match) return name || match[1];
  }
  return null;
}

/** `{ program, system, handheld }`; a program or system that nobody knows is null. */
export function readAgent(text) {
  const system = first(SYSTEMS, text || '');
  return { program: first(PROGRAMS, text || ''), system, handheld: /iPhone|iPad|Android|HarmonyOS/.test(system || '') };
}
