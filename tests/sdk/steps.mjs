// What the scripts beside this one share: the task on the standard input, the answer on the standard output, and what
// happens to WeChat's access_token before each call.
//
// The task: {"gateway", "simulator", "key", "official": {"app_id", "openid", "template"}, "mini": {"app_id", "openid",
// "template"}, "picture"}; the picture is in base64. The answer: what each step gave.

let text = '';
for await (const chunk of process.stdin) text += chunk;
export const task = JSON.parse(text);
export const picture = Buffer.from(task.picture, 'base64');
export const menu = { button: [{ type: 'click', name: '今日歌曲', key: 'SONG' }] };
export const values = { first: { value: '您好' }, keyword1: { value: '茶 "A"' } };
export const place = { thing1: { value: '会议室' } };

// WeChat forgets the access_token that the gateway holds, and does not tell.
export async function kill(app) {
  const url = `${task.simulator}/_sim/tokens/kill`;
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ app_id: app.app_id }) });
  if (!answer.ok) throw new Error(`the simulator answers ${answer.status}`);
}

const told = {};

// Runs one call of an SDK against an app whose access_token has just died.
export async function step(name, app, call) {
  await kill(app);
  try {
    told[name] = await call();
  } catch (error) {
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
  return told[name];
}

export function end() {
  process.stdout.write(JSON.stringify(told));
}
